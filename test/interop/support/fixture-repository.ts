/**
 * One of the repositories real borg made for us, unpacked, with the key files and the machine it belongs to.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Host, systemHost } from '../../../src/base/host.ts'
import type { EngineEvent } from '../../../src/base/events.ts'
import { openRepository, type OpenOptions, type ReadSession } from '../../../src/index.ts'
import { loadFixture } from '../../support/vectors.ts'
import type { TreeFact } from './tree-facts.ts'

/** An element of `archives` in borg's `list --json`. */
export interface ListedArchive {
  readonly name: string
  readonly id: string
  readonly start: string
}

/** A line of borg's `list --json-lines`. */
export type ListedItem = Readonly<Record<string, string | number | boolean | null>>

export interface RecordedArchive {
  readonly list_json_lines: readonly ListedItem[]
  readonly info_json?: {
    readonly comment: string
    readonly hostname: string
    readonly username: string
    readonly duration: number
    readonly chunker_params: readonly (string | number)[]
    readonly stats: Readonly<Record<'original_size' | 'compressed_size' | 'deduplicated_size' | 'nfiles', number>>
  }
  /** Undefined where nothing was extracted. */
  readonly extract_rc?: number
  readonly files?: readonly TreeFact[]
}

/** An entry of a manifest; fixtures/README-repositories.md explains the fields. */
export interface Fixture {
  readonly encryption: string
  readonly passphrase: string
  readonly list_json: { readonly archives: readonly ListedArchive[] }
  readonly info_json: { readonly cache: { readonly stats: Readonly<Record<string, number>> } }
  readonly archives: Readonly<Record<string, RecordedArchive>>
  readonly repo_files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>
}

export interface FixtureName {
  readonly version: string
  readonly name: string
}

const versions = ['1.2.4', '1.4.5']
const fixtures = new Map(
  versions.map((version) => [
    version,
    loadFixture<{ fixtures: Readonly<Record<string, Fixture>> }>(`repositories/borg-${version}/manifest.json`).fixtures,
  ]),
)

export const fixtureNames: readonly FixtureName[] = versions.flatMap((version) =>
  Object.keys(fixtures.get(version) ?? {}).map((name) => ({ version, name })),
)

export function recordedFixture({ version, name }: FixtureName): Fixture {
  const recorded = fixtures.get(version)?.[name]
  if (recorded === undefined) throw new TypeError(`no fixture ${name} of borg ${version}`)
  return recorded
}

/** The machine the fixtures were made on, where the process that left its lock behind is dead. */
export const fixtureHostId = 'fixture-host@1'

const fixtureHost: Host = {
  now: () => systemHost.now(),
  monotonicMs: () => systemHost.monotonicMs(),
  randomBytes: (length) => systemHost.randomBytes(length),
  sleep: (milliseconds, signal) => systemHost.sleep(milliseconds, signal),
  isProcessAlive: (hostId, processId) => hostId !== fixtureHostId || processId !== 4_999_999,
  hostname: 'fixture-host',
  fqdn: 'fixture-host',
  hostId: fixtureHostId,
  username: 'fixture',
  processId: process.pid,
}

export class UnpackedFixture {
  readonly name: FixtureName
  readonly recorded: Fixture
  /** Of everything; the repository is `repo` in it. */
  readonly folder: string
  readonly path: string
  /** What happened so far in sessions opened here. */
  readonly events: EngineEvent[] = []

  /** Into `folder`, which the caller removes. */
  constructor(name: FixtureName, folder: string) {
    this.name = name
    this.recorded = recordedFixture(name)
    this.folder = folder
    this.path = join(this.folder, 'repo')
    mkdirSync(join(this.folder, 'keys'))
    const archive = `../../../fixtures/repositories/borg-${name.version}/${name.name}.tar.gz`
    execFileSync('tar', ['-xzf', fileURLToPath(new URL(archive, import.meta.url)), '-C', this.folder])
  }

  openOptions(): OpenOptions & { readonly access: 'read' } {
    return {
      access: 'read',
      host: fixtureHost,
      lockWaitSeconds: 0,
      passphrase: this.recorded.passphrase,
      directories: {
        config: join(this.folder, 'config'),
        cache: join(this.folder, 'cache'),
        security: join(this.folder, 'security'),
        keys: join(this.folder, 'keys'),
      },
      ignoreInvalidArchiveTam: hasInvalidTams(this.name),
    }
  }

  readonly run = {
    ask: async (): Promise<boolean> => true,
    onEvent: (event: EngineEvent): void => void this.events.push(event),
  }

  async openForReading(): Promise<ReadSession> {
    return await openRepository(this.path, this.openOptions(), this.run)
  }

  /** Events that tell of something wrong. */
  complaints(): readonly EngineEvent[] {
    return this.events.filter(
      (event) =>
        event.type === 'warning' || (event.type === 'log' && (event.level === 'warning' || event.level === 'error')),
    )
  }

  /** Files of the repository that are not as they were unpacked: their names, sorted. */
  changedFiles(): readonly string[] {
    const before = this.recorded.repo_files
    const now = new Map(filesBelow(this.path).map((path) => [path, digest(join(this.path, path))]))
    const names = new Set([...Object.keys(before), ...now.keys()])
    return [...names].filter((path) => before[path]?.sha256 !== now.get(path)).sort()
  }
}

/** Borg 1.2.4 spoils the MAC of archives it renames, recreates or repairs. */
export function hasInvalidTams({ version, name }: FixtureName): boolean {
  return version === '1.2.4' && ['renamed', 'repaired'].includes(name)
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
