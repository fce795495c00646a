/**
 * One thing found on disk -> one item in the archive.
 *
 * Source: format sheet objects.md section 6, cache.md section 4; CLI contract commands.md section 2 (letters, warnings).
 */
import { type ChunkRef, type Item, sumSizes } from '../archive/item.ts'
import { type FileStatus, type RunOptions, reportLog, reportWarning } from '../base/events.ts'
import type { ObjectId } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import type { Cache } from '../cache/cache.ts'
import type { ChunkerParams } from '../chunker/chunker.ts'
import { idHash } from '../crypto/envelope.ts'
import { during, fileWarning } from '../base/errno.ts'
import type { WriteSession } from '../session/session.ts'
import { changedWhileRead, type OpenedEntry } from '../source/entry.ts'
import { HardLinkNames } from '../source/hard-links.ts'
import { type MetadataSource, readMetadata, statMetadata } from '../source/metadata.ts'
import type { SourceEntry } from '../source/walk-step.ts'
import { type ContentContext, storeContent } from './create-content.ts'
import type { CreateOptions } from './create-options.ts'

export interface EntryContext extends ContentContext {
  readonly session: WriteSession
  readonly cache: Cache
  readonly links: HardLinkNames
  readonly options: CreateOptions
  readonly chunkerParams: ChunkerParams
  /** Absolute path of the working folder: what relative roots are relative to. */
  readonly workingFolder: string
}

/** Archives `entry` and says what became of it. Problems of the file are warnings; everything else ends the backup. */
export async function archiveEntry(entry: SourceEntry, context: EntryContext): Promise<void> {
  try {
    const status = await storeEntry(entry, context)
    if (status !== undefined) reportStatus(context.run, status, entry.walkedPath)
  } catch (error) {
    const warning = fileWarning(entry.walkedPath, error)
    if (warning === undefined) throw error
    reportWarning(context.run, warning.code, ...warning.args)
    if (entry.stat.kind === 'directory') entry.markFailed()
    else reportStatus(context.run, 'E', entry.walkedPath)
  }
}

export function reportStatus(run: RunOptions, status: FileStatus, path: string): void {
  run.onEvent?.({ type: 'file_status', status, path })
}

async function storeEntry(entry: SourceEntry, context: EntryContext): Promise<FileStatus | undefined> {
  if (entry.readSpecial) return await storeFile(entry, context)
  switch (entry.stat.kind) {
    case 'file':
      return await storeFile(entry, context)
    case 'directory':
      await storeDirectory(entry, context)
      return undefined
    case 'symlink':
      return await storeSymlink(entry, context)
    case 'fifo':
      return await storeSpecial(entry, context, 'f')
    case 'character':
      return await storeSpecial(entry, context, 'c')
    case 'block':
      return await storeSpecial(entry, context, 'b')
    case 'socket':
    case 'unknown':
      return undefined
  }
}

async function storeDirectory(entry: SourceEntry, context: EntryContext): Promise<void> {
  using opened = entry.open?.()
  const place = opened ?? entry.nativePath
  await context.archive.add({
    path: entry.path,
    ...metadataOf(entry, { place, stat: opened?.found ?? entry.stat }, context),
  })
}

async function storeSymlink(entry: SourceEntry, context: EntryContext): Promise<FileStatus> {
  const target = during('readlink', entry.fileName, () => context.session.files.readLink(entry.nativePath))
  const metadata = metadataOf(entry, { place: entry.nativePath, stat: entry.stat }, context)
  await context.archive.add({ path: entry.path, source: decodeText(target), ...metadata })
  return 's'
}

async function storeSpecial(entry: SourceEntry, context: EntryContext, status: FileStatus): Promise<FileStatus> {
  const metadata = metadataOf(entry, { place: entry.nativePath, stat: entry.stat }, context)
  const first = context.links.find(entry.stat)
  if (first !== undefined) {
    await context.archive.add({ path: entry.path, source: first, ...metadata })
    return 'h'
  }
  await context.archive.add({ path: entry.path, hardlinkMaster: HardLinkNames.applies(entry.stat), ...metadata })
  context.links.remember(entry.stat, entry.path)
  return status
}

async function storeFile(entry: SourceEntry, context: EntryContext): Promise<FileStatus> {
  if (entry.open === undefined) throw new TypeError(`${entry.walkedPath} cannot be opened`)
  using opened = entry.open()
  const stat = opened.found
  const first = entry.readSpecial ? undefined : context.links.find(stat)
  if (first !== undefined) {
    await context.archive.add({
      path: entry.path,
      source: first,
      ...metadataOf(entry, { place: opened, stat }, context),
    })
    return 'h'
  }
  const { status, chunks } = await fileContent(entry, opened, context)
  const metadata = await orRelease(chunks, context, () => metadataOf(entry, { place: opened, stat }, context))
  const hardlinkMaster = !entry.readSpecial && HardLinkNames.applies(stat)
  await context.archive.add({ path: entry.path, hardlinkMaster, chunks, size: sumSizes(chunks), ...metadata })
  if (hardlinkMaster) context.links.remember(stat, entry.path)
  context.statistics.files += 1
  context.progress.show(entry.path)
  return status
}

interface FileContent {
  readonly status: FileStatus
  readonly chunks: readonly ChunkRef[]
}

async function fileContent(entry: SourceEntry, opened: OpenedEntry, context: EntryContext): Promise<FileContent> {
  const { cache, chunks, options, session, run } = context
  const stat = opened.found
  const pathHash = entry.readSpecial ? undefined : hashOfPath(entry, context)
  const remembered = pathHash === undefined ? undefined : cache.files.lookup(pathHash, stat)
  if (remembered?.known === true && remembered.unchanged) {
    const reused = chunks.reuse(remembered.chunks)
    if (reused !== undefined) return { status: 'U', chunks: reused }
  }
  const known = remembered?.known === true
  const item: Item = { path: entry.path, ...statMetadata(session.files, stat, options, entry.readSpecial) }
  const file = { kind: 'file', file: opened, skipHoles: options.sparse } as const
  const content = {
    chunks: chunks.addStream(file, context.chunkerParams),
    fileName: entry.fileName,
    size: entry.readSpecial ? undefined : stat.size,
  }
  const refs = await storeContent(content, item, context)
  const status: FileStatus = known ? 'M' : 'A'
  if (entry.readSpecial) return { status, chunks: refs }
  const after = await orRelease(refs, context, () => during('fstat', entry.fileName, () => opened.stat()))
  if (changedWhileRead(stat, after, options.filesChanged ?? 'ctime')) {
    // Not remembered: what we stored is not what the file is now.
    reportStatus(run, status, entry.walkedPath)
    reportWarning(run, 'FileChangedWarning', entry.walkedPath)
    return { status: 'C', chunks: refs }
  }
  if (pathHash !== undefined) {
    cache.files.remember(
      pathHash,
      stat,
      refs.map((ref) => ref.id),
    )
  }
  return { status, chunks: refs }
}

/** What fails behind the content leaves the file out: nobody will refer to its chunks. */
async function orRelease<T>(refs: readonly ChunkRef[], context: EntryContext, work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    await context.chunks.release(refs)
    throw error
  }
}

function hashOfPath(entry: SourceEntry, context: EntryContext): ObjectId {
  const { walkedPath } = entry
  const absolute = walkedPath.startsWith('/') ? walkedPath : `${context.workingFolder.replace(/\/$/, '')}/${walkedPath}`
  return idHash(context.session.key, encodeText(absolute))
}

function metadataOf(
  entry: SourceEntry,
  source: Pick<MetadataSource, 'place' | 'stat'>,
  context: EntryContext,
): ReturnType<typeof readMetadata> {
  const { session, options, run } = context
  const { fileName, readSpecial } = entry
  return readMetadata(session.files, { ...source, fileName, readSpecial }, options, (line) => {
    reportLog(run, 'warning', line)
  })
}
