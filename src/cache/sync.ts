/**
 * Rebuilding the chunk cache from the archives of the repository.
 *
 * What one archive refers to never changes, so its counts are kept as a compact index in chunks.archive.d/, named after
 * the archive's id, with a digest beside it; a later synchronisation reads archives it has not seen, and adds up.
 * A regular file of that name instead of the folder says: do not keep them.
 * Source: format sheet cache.md §6; messages: contract sheet common.md §5 and borg 1.2.4's log.
 */
import { isIntegrityError } from '../base/errors.ts'
import { type RunOptions, reportLog, reportWarning } from '../base/events.ts'
import { toHex } from '../base/bytes.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { PercentProgress } from '../base/progress.ts'
import { encodeText } from '../base/text.ts'
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { type CompactIndex, parseCompactIndex } from '../format/compact-index.ts'
import { HashIndex } from '../format/hash-index.ts'
import { hashIndexParts, integrityOf, verifyIntegrity } from '../format/integrity.ts'
import type { Store } from '../store/store.ts'
import { type ArchiveSource, countArchive, fillStoredSizes } from './archive-index.ts'
import { cacheLogger, readIfThere } from './cache-files.ts'
import { mergeReferences } from './chunk-cache.ts'

const folder = storePath('chunks.archive.d')
/** Left by versions before 1.0. */
const legacyPaths = ['chunks.archive', 'chunks.archive.tmp'].map(storePath)

export interface SyncOptions {
  /** Keep each archive's counts in chunks.archive.d. */
  readonly keepArchiveIndexes: boolean
  /** Objects in the repository, if known: the table is made large enough at once. */
  readonly objects?: number | undefined
}

/**
 * All references of all archives. Writes to chunks.archive.d only; the caller saves the result.
 * @throws BorgError 'IntegrityError' | 'Repository.ObjectNotFound' when an archive cannot be read.
 */
export async function synchronise(
  directory: Store,
  source: ArchiveSource,
  archives: readonly ArchiveEntry[],
  options: SyncOptions,
  run: RunOptions,
): Promise<HashIndex> {
  const log = (message: string): void => reportLog(run, 'info', message, cacheLogger)
  log('Synchronizing chunks cache...')
  for (const path of legacyPaths) await directory.remove(path)
  const keep = options.keepArchiveIndexes && (await directory.stat(folder))?.kind !== 'file'
  const known = await prepareFolder(directory, archives)
  const cached = archives.filter(({ id }) => known.has(toHex(id))).length
  log(
    `Archives: ${archives.length}, w/ cached Idx: ${cached}, w/ outdated Idx: ${known.size - cached}, w/o cached Idx: ${archives.length - cached}.`,
  )
  const master = HashIndex.usable(3, Math.min(options.objects ?? 0, 2 ** 31))
  const progress = syncProgress(archives.length, run)
  for (const entry of archives) {
    run.signal?.throwIfAborted()
    progress.advance(1, [entry.name])
    if (!keep) {
      log(`Fetching archive index for ${entry.name} ...`)
      await countArchive(source, entry.id, master, run.signal)
      continue
    }
    const index = await archiveIndex(directory, source, entry, run)
    log('Merging into master chunks index ...')
    mergeReferences(master, index)
  }
  if (!keep) await fillStoredSizes(source, master)
  progress.finish()
  log('Done.')
  return master
}

function syncProgress(total: number, run: RunOptions): PercentProgress {
  return new PercentProgress(
    {
      msgid: 'cache.sync',
      total,
      step: 0.1,
      width: 3,
      decimals: 0,
      text: (percent, info) => `${percent}% Syncing chunks cache. Processing archive ${info[0] ?? ''}`,
    },
    run,
  )
}

/** Hex ids of the archives that have an index there; drops what belongs to archives that are gone. */
async function prepareFolder(directory: Store, archives: readonly ArchiveEntry[]): Promise<ReadonlySet<string>> {
  const living = new Set(archives.map(({ id }) => toHex(id)))
  const known = new Set<string>()
  for await (const { kind, path } of directory.list(folder)) {
    const name = path.slice(folder.length + 1)
    const id = /^([0-9a-f]{64})\.compact$/.exec(name)?.[1]
    if (kind !== 'file') continue
    if (id !== undefined) known.add(id)
    // Temporary files and indexes of the time before compact ones go as well: they are built anew.
    const owner = /^([0-9a-f]{64})\.compact(\.integrity)?$/.exec(name)?.[1]
    if (owner === undefined || !living.has(owner)) await directory.remove(path)
  }
  return known
}

/** From its file if that is good, else from the archive, and then into its file. */
async function archiveIndex(
  directory: Store,
  source: ArchiveSource,
  { id, name }: ArchiveEntry,
  run: RunOptions,
): Promise<CompactIndex> {
  const fileName = `${toHex(id)}.compact`
  const path = storePath(`${folder}/${fileName}`)
  const kept = await readKept(directory, name, path, run)
  if (kept !== undefined) return kept
  reportLog(run, 'info', `Fetching and building archive index for ${name} ...`, cacheLogger)
  const index = HashIndex.create(3)
  await countArchive(source, id, index, run.signal)
  await fillStoredSizes(source, index)
  const bytes = index.serializeCompact()
  const digests = integrityOf({ name: fileName, bytes, parts: hashIndexParts })
  // The digest first: an index without one would be believed unchecked.
  await directory.write(storePath(`${path}.integrity`), encodeText(digests))
  await directory.write(path, bytes)
  return parseCompactIndex(bytes, 3)
}

/** Undefined, and removed, when it is missing or damaged. */
async function readKept(
  directory: Store,
  archive: string,
  path: StorePath,
  run: RunOptions,
): Promise<CompactIndex | undefined> {
  const bytes = await readIfThere(directory, path)
  if (bytes === undefined) return undefined
  reportLog(run, 'info', `Reading cached archive chunk index for ${archive} ...`, cacheLogger)
  const where = `${directory.name}/${path}`
  try {
    const integrity = await readIfThere(directory, storePath(`${path}.integrity`))
    if (integrity !== undefined) {
      verifyIntegrity(
        { name: path.slice(folder.length + 1), bytes, parts: hashIndexParts },
        new TextDecoder().decode(integrity),
        where,
      )
    }
    return parseCompactIndex(bytes, 3)
  } catch (error) {
    if (!isIntegrityError(error)) throw error
    const problem = `Cached archive chunk index of ${archive} is corrupted: ${error.message}`
    reportWarning(run, 'GenericWarning', problem)
    await directory.remove(path)
    await directory.remove(storePath(`${path}.integrity`))
    return undefined
  }
}
