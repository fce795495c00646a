/**
 * The files of a cache directory, and the snapshot that makes changing several of them one step.
 *
 * Before a commit rewrites anything, copies of config, chunks and files* go to txn.tmp, which is renamed to txn.active;
 * whoever finds txn.active next puts the copies back. Where the Store cannot rename folders the copies go straight to
 * txn.active, config last: a txn.active without config never became active.
 * Source: format sheet cache.md §1, §3. The layout is borg's: both programs may use one directory in turn.
 */
import { isIntegrityError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type ObjectId, type StorePath, storePath } from '../base/ids.ts'
import { MessageProgress } from '../base/progress.ts'
import { encodeText } from '../base/text.ts'
import { HashIndex } from '../format/hash-index.ts'
import { FileDigest, formatIntegrity, hashIndexParts, integrityOf, verifyIntegrity } from '../format/integrity.ts'
import { isStoreNotFound, type Store, type WriteOptions } from '../store/store.ts'
import { CacheConfig } from './cache-config.ts'

export const configPath = storePath('config')
export const chunksPath = storePath('chunks')
export const readmePath = storePath('README')
export const preTwelvePath = storePath('pre12-meta')
const temporaryFolder = storePath('txn.tmp')
const activeFolder = storePath('txn.active')
const tagPath = storePath('CACHEDIR.TAG')

/** borg's logger for everything its cache says. */
export const cacheLogger = 'borg.cache'
const copyPieceSize = 8 * 1024 * 1024

const readme = 'This is a Borg Backup cache.\nSee https://borgbackup.readthedocs.io/\n'
/** Makes backup programs pass over the directory; the first line is what they look for. */
const cacheDirectoryTag = `Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by Borg.
# For information about cache directory tags, see:
#       http://www.bford.info/cachedir/spec.html
`

/** 'files', or 'files.SUFFIX' for an independent one. @throws RangeError for a suffix that is no file name part. */
export function filesPath(suffix?: string): StorePath {
  if (suffix?.includes('/')) throw new RangeError(`not a suffix for a file name: '${suffix}'`)
  return storePath(suffix === undefined || suffix === '' ? 'files' : `files.${suffix}`)
}

/** An empty cache. The config comes last: with it the directory counts as a cache. */
export async function createCacheFiles(directory: Store, repositoryId: ObjectId): Promise<CacheConfig> {
  const config = CacheConfig.create(repositoryId)
  await tagCacheDirectory(directory)
  await directory.write(readmePath, encodeText(readme))
  await saveChunks(directory, HashIndex.create(3), config)
  await directory.write(filesPath(), new Uint8Array(0))
  await saveConfig(directory, config)
  return config
}

/** Undefined when there is none, or one that cannot be read. @throws BorgError 'Error' for one of a newer version. */
export async function loadConfig(directory: Store): Promise<CacheConfig | undefined> {
  const bytes = await readIfThere(directory, configPath)
  return bytes === undefined ? undefined : CacheConfig.parse(new TextDecoder().decode(bytes), directory.name)
}

export async function saveConfig(directory: Store, config: CacheConfig): Promise<void> {
  await directory.write(configPath, encodeText(config.format()))
}

/** @throws BorgError 'FileIntegrityError' | 'IntegrityError', or StoreNotFound. */
export async function loadChunks(directory: Store, config: CacheConfig, run: RunOptions): Promise<HashIndex> {
  const bytes = await directory.read(chunksPath)
  const path = `${directory.name}/${chunksPath}`
  const integrity = config.integrityOf(chunksPath)
  if (integrity !== undefined) {
    const verified = verifyIntegrity({ name: chunksPath, bytes, parts: hashIndexParts }, integrity, path)
    if (!verified) reportUnverified(run, path)
  }
  return HashIndex.parse(bytes, 3)
}

/** Writes the table and notes its digest in `config`, which the caller saves. */
export async function saveChunks(directory: Store, index: HashIndex, config: CacheConfig): Promise<void> {
  const bytes = index.serialize()
  await directory.write(chunksPath, bytes)
  config.setIntegrity(chunksPath, integrityOf({ name: chunksPath, bytes, parts: hashIndexParts }))
}

/** Empty when there is none. @throws BorgError 'FileIntegrityError' when its digest differs. */
export async function readFilesCache(
  directory: Store,
  path: StorePath,
  config: CacheConfig,
  run: RunOptions,
): Promise<Uint8Array> {
  const bytes = (await readIfThere(directory, path)) ?? new Uint8Array(0)
  const integrity = config.integrityOf(path)
  if (integrity === undefined) return bytes
  const where = `${directory.name}/${path}`
  if (!verifyIntegrity({ name: path, bytes }, integrity, where)) reportUnverified(run, where)
  return bytes
}

/** Writes the pieces and notes their digest in `config`, which the caller saves. */
export async function saveFilesCache(
  directory: Store,
  path: StorePath,
  pieces: Iterable<Uint8Array>,
  config: CacheConfig,
): Promise<void> {
  const digest = new FileDigest(path)
  await directory.write(path, digested(pieces, digest))
  config.setIntegrity(path, formatIntegrity(digest.finish()))
}

/** Puts back what a commit that never ended was about to replace. Must come before anything is loaded. */
export async function rollBack(directory: Store): Promise<void> {
  await removeFilesIn(directory, temporaryFolder)
  const copies = await namesIn(directory, activeFolder)
  if (copies.includes(configPath)) {
    for (const name of copies) await copyFile(directory, storePath(`${activeFolder}/${name}`), storePath(name), {})
  }
  await endSnapshot(directory)
}

/** After this a crash, at whatever moment, leads back to the files as they are now. */
export async function takeSnapshot(directory: Store, run: RunOptions): Promise<void> {
  const progress = new MessageProgress('cache.begin_transaction', run)
  const files = (await namesIn(directory, storePath(''))).filter((name) => name.startsWith('files'))
  const config = { step: 'Reading config', names: [configPath], transient: false }
  const others = [
    { step: 'Reading chunks', names: [chunksPath], transient: true },
    { step: 'Reading files', names: files, transient: true },
  ]
  const renames = directory.moveFolder !== undefined
  const folder = renames ? temporaryFolder : activeFolder
  // Without a rename the config comes last: it is what makes the copies count.
  for (const { step, names, transient } of renames ? [config, ...others] : [...others, config]) {
    progress.show(`Initializing cache transaction: ${step}`)
    for (const name of names) {
      await copyFile(directory, storePath(name), storePath(`${folder}/${name}`), { transient })
    }
  }
  await directory.moveFolder?.(temporaryFolder, activeFolder)
  progress.finish()
}

/** The files as they are now are the truth. */
export async function endSnapshot(directory: Store): Promise<void> {
  const copies = await namesIn(directory, activeFolder)
  if (directory.moveFolder !== undefined && copies.length > 0) {
    await directory.moveFolder(activeFolder, await freeTemporaryFolder(directory))
    await removeFilesIn(directory, temporaryFolder)
    return
  }
  // Without its config it no longer counts; then the rest may go one by one.
  await directory.remove(storePath(`${activeFolder}/${configPath}`))
  await removeFilesIn(directory, activeFolder)
  // borg would look for a config even in an empty one.
  if ((await directory.stat(activeFolder)) !== undefined) await directory.removeEmptyFolders(storePath(''))
}

/** Empties the cache but for its config and files cache, and makes the next opening synchronise. */
export async function wipe(directory: Store, config: CacheConfig, run: RunOptions): Promise<void> {
  const message = 'Discarding incompatible or corrupted cache and forcing a cache rebuild'
  reportLog(run, 'warning', message, cacheLogger)
  await removeFilesIn(directory, storePath('chunks.archive.d'))
  config.forgetManifest()
  config.setFeatures({ ignored: [], mandatory: [] })
  // First without a manifest: from here on a crash ends in a synchronisation.
  await saveConfig(directory, config)
  await saveChunks(directory, HashIndex.create(3), config)
  await saveConfig(directory, config)
}

export async function readIfThere(directory: Store, path: StorePath): Promise<Uint8Array | undefined> {
  try {
    return await directory.read(path)
  } catch (error) {
    if (isStoreNotFound(error)) return undefined
    throw error
  }
}

/** Bare names of the files in `folder`. */
export async function namesIn(directory: Store, folder: StorePath): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { kind, path } of directory.list(folder)) {
    if (kind === 'file') names.push(path.slice(path.lastIndexOf('/') + 1))
  }
  return names
}

export async function removeFilesIn(directory: Store, folder: StorePath): Promise<void> {
  for (const name of await namesIn(directory, folder)) await directory.remove(storePath(`${folder}/${name}`))
}

/**
 * A missing file is copied as an empty one, as borg does. `transient` is right for the large ones of a snapshot: what a
 * crash of the machine leaves of them fails its digest, and the cache is rebuilt.
 */
async function copyFile(directory: Store, from: StorePath, to: StorePath, options: WriteOptions): Promise<void> {
  const size = (await directory.stat(from))?.size ?? 0
  await directory.write(to, piecesOf(directory, from, size), options)
}

async function* piecesOf(directory: Store, path: StorePath, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < size; offset += copyPieceSize) {
    yield await directory.read(path, { offset, length: Math.min(copyPieceSize, size - offset) })
  }
}

async function* digested(pieces: Iterable<Uint8Array>, digest: FileDigest): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    digest.write(piece)
    yield piece
  }
}

/** Moving onto an existing folder is refused; an empty one left by a crash has to go first. */
async function freeTemporaryFolder(directory: Store): Promise<StorePath> {
  await removeFilesIn(directory, temporaryFolder)
  if ((await directory.stat(temporaryFolder)) !== undefined) await directory.removeEmptyFolders(storePath(''))
  return temporaryFolder
}

/** In the directory around this one, which holds the caches of all repositories. */
async function tagCacheDirectory(directory: Store): Promise<void> {
  const around = directory.parent()
  if (around === undefined || (await around.stat(tagPath)) !== undefined) return
  await around.write(tagPath, encodeText(cacheDirectoryTag))
}

function reportUnverified(run: RunOptions, path: string): void {
  reportLog(run, 'warning', `${path} could not be verified: its digest is of an unknown kind.`, cacheLogger)
}

/** Whether a cache file is missing or not what was written: then the cache is rebuilt. */
export function isUnusable(error: unknown): boolean {
  return isStoreNotFound(error) || isIntegrityError(error)
}
