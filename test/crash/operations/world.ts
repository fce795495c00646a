/**
 * Files to back up, processes that work on a machine, and what may be found there afterwards.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EngineEvent, RunOptions } from '../../../src/base/events.ts'
import type { ChunkerParams } from '../../../src/chunker/chunker.ts'
import { createArchive } from '../../../src/operations/create.ts'
import type { CreateOptions, CreateResult } from '../../../src/operations/create-options.ts'
import { initRepository } from '../../../src/operations/init.ts'
import { openStoreRepository, type StoreRepository } from '../../../src/repository/segment-repository.ts'
import { openRepository } from '../../../src/session/open.ts'
import type { OpenOptions } from '../../../src/session/repository-session.ts'
import type { ReadSession, WriteSession } from '../../../src/session/session.ts'
import { FakeHost } from '../../support/fake-host.ts'
import { makeTempFolder } from '../../support/temp-folder.ts'
import type { Machine } from './machine.ts'

export const passphrase = 'secret'
const chunkSize = 2048
const chunkerParams: ChunkerParams = { algorithm: 'fixed', blockSize: chunkSize, headerSize: 0 }

/** Path in an archive -> content. */
export type Files = Readonly<Record<string, Uint8Array>>

/** Some folders of real files, made once. */
export class Source {
  readonly folder = makeTempFolder()
  /** Several files; two of them share a chunk, one is empty, one a symbolic link. */
  readonly tree: Files
  readonly more: Files
  readonly late: Files

  constructor() {
    const shared = textOfSize('shared', chunkSize)
    this.tree = this.#write('tree', {
      a: concat(textOfSize('a', 3000), shared),
      b: concat(shared, textOfSize('b', 5000)),
      'inner/c': textOfSize('c', 700),
      empty: new Uint8Array(0),
    })
    symlinkSync('inner/c', this.root('tree', 'link'))
    this.more = this.#write('more', { x: textOfSize('x', 6000), y: concat(shared, textOfSize('y', 100)) })
    this.late = this.#write('late', { z: textOfSize('z', 2500) })
  }

  root(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  /** The path of a file in an archive. */
  archived(...parts: readonly string[]): string {
    return this.root(...parts).slice(1)
  }

  #write(folder: string, files: Files): Files {
    const written: Record<string, Uint8Array> = {}
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(join(this.root(folder, name), '..'), { recursive: true })
      writeFileSync(this.root(folder, name), bytes)
      written[this.archived(folder, name)] = bytes
    }
    return written
  }
}

export const streamName = 'stream'
export const stream: Uint8Array = textOfSize('stream', 3 * chunkSize + 100)

/** One process after another, each younger than the last: those before are known to be dead. */
export class Process {
  readonly host: FakeHost
  readonly machine: Machine
  readonly events: EngineEvent[] = []
  /** Something to do at an event, such as letting time pass. */
  onEvent: (event: EngineEvent) => void = () => {}

  /** `number` from 1, counts the processes in the life of a repository. */
  constructor(machine: Machine, number: number) {
    this.machine = machine
    this.host = new FakeHost({
      seed: 7 + number,
      processId: 4000 + number,
      startNanoseconds: 1_790_000_000_000_000_000n + BigInt(number) * 100_000_000_000_000n,
    })
    for (let dead = 1; dead < number; dead++) this.host.dead.add(4000 + dead)
  }

  get run(): RunOptions {
    const onEvent = (event: EngineEvent): void => {
      this.events.push(event)
      this.onEvent(event)
    }
    return { onEvent }
  }

  get options(): OpenOptions & { access: 'write' } {
    const { host, machine } = this
    return { access: 'write', passphrase, host, directories: machine.directories, lockWaitSeconds: 1 }
  }

  /** Warnings and errors so far. */
  get complaints(): readonly string[] {
    return this.events.flatMap((event) => {
      if (event.type === 'warning') return [`warning: ${event.code} ${event.args.join(' | ')}`]
      if (event.type !== 'log' || event.level === 'info' || event.level === 'debug') return []
      return [`${event.level}: ${event.message}`]
    })
  }

  async init(encryption: 'repokey' | 'keyfile-blake2' = 'repokey'): Promise<void> {
    await initRepository({ store: this.machine.store }, { ...this.options, passphrase, encryption }, this.run)
  }

  async write<T>(work: (session: WriteSession) => Promise<T>, options: Partial<OpenOptions> = {}): Promise<T> {
    const opened = { ...this.options, ...options, access: 'write' } as const
    await using session = await openRepository({ store: this.machine.store }, opened, this.run)
    return await work(session)
  }

  async read<T>(work: (session: ReadSession) => Promise<T>, options: Partial<OpenOptions> = {}): Promise<T> {
    const opened = { ...this.options, ...options, access: 'read' } as const
    await using session = await openRepository({ store: this.machine.store }, opened, this.run)
    return await work(session)
  }

  /** Without a key. */
  async locked<T>(work: (repository: StoreRepository) => Promise<T>): Promise<T> {
    const opened = { location: '/repo', access: 'write', lockWaitSeconds: 1 } as const
    await using repository = await openStoreRepository(this.machine.store, opened, this.host, this.run)
    return await work(repository)
  }

  async create(name: string, roots: readonly string[], options: Partial<CreateOptions> = {}): Promise<void> {
    await this.write((session) => this.archive(session, name, roots, options))
  }

  async archive(
    session: WriteSession,
    name: string,
    roots: readonly string[],
    options: Partial<CreateOptions> = {},
  ): Promise<CreateResult> {
    return createArchive(session, { name, roots, chunkerParams, ...options }, this.run)
  }
}

/** Segments so small that one backup fills several, in several folders. */
export async function useSmallSegments(process: Process): Promise<void> {
  await process.locked(async (repository) => {
    repository.config.set('max_segment_size', '6000')
    repository.config.set('segments_per_dir', '4')
    await repository.saveConfig()
  })
}

/** Bytes that do not repeat. */
function textOfSize(seed: string, size: number): Uint8Array {
  let text = ''
  for (let i = 0; text.length < size; i++) text += `${seed} ${i * 7919} `
  return new TextEncoder().encode(text.slice(0, size))
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
