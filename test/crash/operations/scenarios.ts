/**
 * What people do with a repository, each with the states it may be found in when they are interrupted.
 */
import { Readable } from 'node:stream'
import type { ChunkerParams } from '../../../src/chunker/chunker.ts'
import { changePassphrase } from '../../../src/operations/keys.ts'
import { checkArchives, checkRepository } from '../../../src/operations/check.ts'
import { compactRepository } from '../../../src/operations/compact.ts'
import type { CreateOptions } from '../../../src/operations/create-options.ts'
import { deleteArchives } from '../../../src/operations/delete.ts'
import { type ImportTarOptions, importTar } from '../../../src/operations/import-tar.ts'
import { listItems } from '../../../src/operations/list.ts'
import { pruneArchives } from '../../../src/operations/prune.ts'
import { recreateAllArchives, recreateArchive } from '../../../src/operations/recreate.ts'
import { renameArchive } from '../../../src/operations/rename.ts'
import { authenticateArchives, disableTam, requireTam } from '../../../src/operations/upgrade.ts'
import type { Pattern } from '../../../src/patterns/pattern.ts'
import { localKeyFiles } from '../../../src/session/keyfiles.ts'
import { loadManifest, unlock } from '../../../src/session/unlock.ts'
import { TarWriter } from '../../../src/tar/tar-writer.ts'
import type { FakeHost } from '../../support/fake-host.ts'
import { dropManifestTam, spoilTam } from '../../support/without-tam.ts'
import type { Machine } from './machine.ts'
import { type Files, passphrase, Process, type Source, stream, streamName, useSmallSegments } from './world.ts'

/** What an archive holds. */
export interface Holding {
  readonly files: Files
  /** A checkpoint: any of the files, and the beginnings of one. */
  readonly partial?: boolean
  /** A file whose content is lost: it cannot be read, or reads as zeros. */
  readonly lost?: string
}

export interface State {
  readonly archives: Readonly<Record<string, Holding>>
  readonly passphrase?: string
}

export interface Scenario {
  readonly name: string
  /** Leaves the machine in the first state. Processes have numbers below 10. */
  readonly prepare: (machine: Machine, source: Source) => Promise<void>
  /** In the order they are gone through. */
  readonly states: (source: Source) => readonly State[]
  /** `reached`: the verb has said so, and from then on only this state and later ones will do. */
  readonly run: (process: Process, source: Source, reached: (state: number) => void) => Promise<void>
  /** Removed objects may come back with their segment (S5); the log knows, an index rebuilt from it may not. */
  readonly compacts?: boolean
  /** Objects are lost, so that checks find that. */
  readonly loses?: boolean
  /** The key is on the client. */
  readonly keepsKey?: boolean
}

const one = (source: Source): State['archives'] => ({ first: { files: source.tree } })
const three = (source: Source): State['archives'] => ({
  first: { files: source.tree },
  second: { files: { ...source.tree, ...source.more } },
  third: { files: source.late },
})

async function prepareOne(machine: Machine, source: Source, mode?: 'keyfile-blake2'): Promise<void> {
  const process = new Process(machine, 1)
  await process.init(mode)
  await useSmallSegments(process)
  await process.create('first', [source.root('tree')])
}

async function prepareThree(machine: Machine, source: Source): Promise<void> {
  await prepareOne(machine, source)
  await new Process(machine, 2).create('second', [source.root('tree'), source.root('more')])
  await new Process(machine, 3).create('third', [source.root('late')])
}

async function deleteSecond(process: Process): Promise<void> {
  await process.write((session) => deleteArchives(session, ['second'], {}, process.run))
}

/** A stream in whose middle it is time for a checkpoint. */
function slowStream(host: FakeHost): Partial<CreateOptions> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield stream.subarray(0, 5000)
    host.advanceSeconds(2000)
    yield stream.subarray(5000)
  }
  return { content: { name: streamName, bytes: bytes() } }
}

/** The files of `more`, with time for a checkpoint between them. */
function slowTarball(host: FakeHost, source: Source): ImportTarOptions {
  const parts: Uint8Array[] = []
  const tar = new TarWriter((bytes) => void parts.push(bytes))
  const named = { type: 'file', mode: 0o644, uid: 0, gid: 0, userName: '', groupName: '', linkName: '' } as const
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const [name, content] of Object.entries(source.more)) {
      const member = { ...named, name, size: content.length, modified: 0n, major: 0, minor: 0 }
      await tar.add(member, Readable.from([content]))
    }
    await tar.finish()
    const tarball = Buffer.concat(parts)
    yield tarball.subarray(0, 4000)
    host.advanceSeconds(2000)
    yield tarball.subarray(4000)
  }
  return { name: 'second', input: input(), chunkerParams: { algorithm: 'fixed', blockSize: 2048, headerSize: 0 } }
}

const otherCuts: ChunkerParams = { algorithm: 'fixed', blockSize: 1000, headerSize: 0 }

function withoutFolder(source: Source, folder: string): Pattern {
  return { style: 'pp', text: source.archived(folder), verdict: 'exclude', isPathArgument: false }
}

async function newPassphrase(process: Process): Promise<void> {
  const keyFiles = localKeyFiles(process.machine.directories)
  await process.locked(async (repository) => {
    const unlocked = await unlock(repository, await loadManifest(repository), { keyFiles, passphrase })
    await changePassphrase(repository, unlocked, { newPassphrase: 'another', keyFiles, host: process.host })
  })
}

/** Loses a chunk of more/x, which only 'second' has. */
async function loseChunk(machine: Machine, source: Source): Promise<void> {
  const process = new Process(machine, 4)
  await process.write(async (session) => {
    for await (const item of listItems(session, 'second')) {
      const [, chunk] = item.chunks ?? []
      if (item.path === source.archived('more', 'x') && chunk !== undefined) await session.repository.delete(chunk.id)
    }
    await session.repository.commit()
  })
}

export async function repair(process: Process, options: { verifyData?: boolean } = {}): Promise<boolean> {
  return process.locked(async (repository) => {
    const sound = await checkRepository(repository, { repair: true }, process.run)
    return (await checkArchives(repository, process.options, { repair: true, ...options }, process.run)) && sound
  })
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'create with checkpoints',
    prepare: prepareOne,
    run: async (process, source, reached) => {
      const { host } = process
      process.onEvent = (event) => {
        if (event.type === 'file_status' && event.path.endsWith('tree/b')) host.advanceSeconds(2000)
      }
      await process.create('second', [source.root('tree'), '-', source.root('more')], slowStream(host))
      reached(2)
    },
    states: (source) => {
      const files = { ...source.tree, ...source.more, [streamName]: stream }
      return [
        { archives: one(source) },
        { archives: { ...one(source), 'second.checkpoint': { files, partial: true } } },
        { archives: { ...one(source), second: { files } } },
      ]
    },
  },
  {
    name: 'create twice in one session',
    prepare: prepareOne,
    run: (process, source, reached) =>
      process.write(async (session) => {
        await process.archive(session, 'second', [source.root('tree'), source.root('more')])
        reached(1)
        await process.archive(session, 'third', [source.root('late')])
        reached(2)
      }),
    states: (source) => {
      const { first, second, third } = three(source) as Record<'first' | 'second' | 'third', Holding>
      return [{ archives: { first } }, { archives: { first, second } }, { archives: { first, second, third } }]
    },
  },
  {
    name: 'import-tar with a checkpoint',
    prepare: prepareOne,
    run: async (process, source, reached) => {
      await process.write((session) => importTar(session, slowTarball(process.host, source), process.run))
      reached(2)
    },
    states: (source) => {
      const files = source.more
      return [
        { archives: one(source) },
        { archives: { ...one(source), 'second.checkpoint': { files, partial: true } } },
        { archives: { ...one(source), second: { files } } },
      ]
    },
  },
  {
    name: 'delete one of three',
    prepare: prepareThree,
    run: async (process, _, reached) => {
      await deleteSecond(process)
      reached(1)
    },
    states: (source) => {
      const { second: _, ...others } = three(source)
      return [{ archives: three(source) }, { archives: others }]
    },
  },
  {
    name: 'prune, with a commit after each archive',
    prepare: prepareThree,
    run: async (process, _, reached) => {
      const onArchive = (): void => process.host.advanceSeconds(2000)
      await process.write((session) =>
        pruneArchives(session, { rules: [{ keep: 'secondly', count: 1 }], onArchive }, process.run),
      )
      reached(2)
    },
    states: (source) => {
      const { first, third } = three(source) as Record<'first' | 'third', Holding>
      return [{ archives: three(source) }, { archives: { first, third } }, { archives: { third } }]
    },
  },
  {
    name: 'rename',
    prepare: prepareThree,
    run: async (process, _, reached) => {
      await process.write((session) => renameArchive(session, 'second', 'renamed', process.run))
      reached(1)
    },
    states: (source) => {
      const { second, ...others } = three(source)
      return [{ archives: three(source) }, { archives: { ...others, renamed: second as Holding } }]
    },
  },
  {
    name: 'recreate in place, compressed and cut anew, with checkpoints',
    prepare: prepareThree,
    run: async (process, source, reached) => {
      const { host } = process
      process.onEvent = (event) => {
        if (event.type === 'file_status' && event.path.endsWith('tree/b')) host.advanceSeconds(2000)
      }
      const options = {
        patterns: [withoutFolder(source, 'more')],
        recompress: 'always',
        chunkerParams: otherCuts,
      } as const
      await process.write((session) => recreateArchive(session, 'second', options, process.run), {
        compression: 'none',
      })
      reached(2)
    },
    states: (source) => {
      const checkpoint: Holding = { files: source.tree, partial: true }
      const archives = { ...three(source), 'second.recreate.checkpoint': checkpoint }
      return [
        { archives: three(source) },
        { archives },
        { archives: { ...three(source), second: { files: source.tree } } },
      ]
    },
  },
  {
    name: 'recreate to another name, compressed again',
    prepare: prepareThree,
    run: async (process, source, reached) => {
      const options = { patterns: [withoutFolder(source, 'tree')], recompress: 'always', target: 'new' } as const
      await process.write((session) => recreateArchive(session, 'second', options, process.run), {
        compression: 'none',
      })
      reached(1)
    },
    states: (source) => [{ archives: three(source) }, { archives: { ...three(source), new: { files: source.more } } }],
  },
  {
    name: 'recreate all',
    prepare: prepareThree,
    run: async (process, source, reached) => {
      const done = { count: 0 }
      const onResult = (): void => reached(++done.count)
      const options = { patterns: [withoutFolder(source, 'more')], recompress: 'if-different', onResult } as const
      await process.write((session) => recreateAllArchives(session, options, process.run), { compression: 'none' })
    },
    states: (source) => {
      const after = { ...three(source), second: { files: source.tree } }
      return [{ archives: three(source) }, { archives: three(source) }, { archives: after }, { archives: after }]
    },
  },
  {
    name: 'compact after delete',
    compacts: true,
    prepare: async (machine, source) => {
      await prepareThree(machine, source)
      await deleteSecond(new Process(machine, 4))
    },
    run: async (process) => {
      await process.locked((repository) => compactRepository(repository, { threshold: 0, cleanupCommits: true }))
    },
    states: (source) => {
      const { second: _, ...others } = three(source)
      return [{ archives: others }]
    },
  },
  {
    name: 'check --repair after a chunk was lost',
    loses: true,
    prepare: async (machine, source) => {
      await prepareThree(machine, source)
      await loseChunk(machine, source)
    },
    run: async (process, _, reached) => {
      await repair(process)
      reached(1)
    },
    states: (source) => {
      const second: Holding = { files: { ...source.tree, ...source.more }, lost: source.archived('more', 'x') }
      const archives = { ...three(source), second }
      return [{ archives }, { archives }]
    },
  },
  {
    name: 'change of the passphrase in the repository',
    prepare: prepareOne,
    run: async (process, _, reached) => {
      await newPassphrase(process)
      reached(1)
    },
    states: (source) => [{ archives: one(source) }, { archives: one(source), passphrase: 'another' }],
  },
  {
    name: 'change of the passphrase in a key file',
    keepsKey: true,
    prepare: (machine, source) => prepareOne(machine, source, 'keyfile-blake2'),
    run: async (process, _, reached) => {
      await newPassphrase(process)
      reached(1)
    },
    states: (source) => [{ archives: one(source) }, { archives: one(source), passphrase: 'another' }],
  },
  {
    name: 'upgrade --archives-tam',
    prepare: async (machine, source) => {
      await prepareThree(machine, source)
      await new Process(machine, 4).write(async (session) => {
        await disableTam(session)
        for (const name of ['first', 'third']) await spoilTam(session, name, 'absent')
      })
    },
    run: async (process, _, reached) => {
      await process.write((session) => authenticateArchives(session, {}, process.run))
      reached(1)
    },
    states: (source) => [{ archives: three(source) }, { archives: three(source) }],
  },
  {
    name: 'upgrade --tam of a manifest without authentication',
    prepare: async (machine, source) => {
      await prepareOne(machine, source)
      await new Process(machine, 2).write(async (session) => {
        await disableTam(session)
        await dropManifestTam(session)
      })
    },
    run: async (process, _, reached) => {
      await process.write((session) => requireTam(session, process.run))
      reached(1)
    },
    states: (source) => [{ archives: one(source) }, { archives: one(source) }],
  },
  {
    name: 'upgrade --disable-tam with a key file',
    keepsKey: true,
    prepare: (machine, source) => prepareOne(machine, source, 'keyfile-blake2'),
    run: async (process, _, reached) => {
      await process.write((session) => disableTam(session, process.run))
      reached(1)
    },
    states: (source) => [{ archives: one(source) }, { archives: one(source) }],
  },
]
