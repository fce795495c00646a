/**
 * Walks every archive: counts references, finds what is lost, and when repairing stores the archive as it can be.
 *
 * An archive in which nothing changed keeps its record, and so its id. Source: format sheet objects.md section 10.
 */
import type { ArchiveEntry } from '../../archive/archive-directory.ts'
import type { Item } from '../../archive/item.ts'
import { ItemStreamWriter } from '../../archive/item-stream.ts'
import type { Manifest } from '../../archive/manifest.ts'
import { type ArchiveMetadata, decodeArchiveMetadata, encodeArchiveMetadata } from '../../archive/metadata.ts'
import { RobustItemDecoder } from '../../archive/robust-items.ts'
import { BorgError, isObjectError } from '../../base/errors.ts'
import { EventLoopTurns } from '../../base/flow.ts'
import { idKey, type ObjectId } from '../../base/ids.ts'
import { PercentProgress } from '../../base/progress.ts'
import { packWithTam, tamSaltSize, verifyTam } from '../../crypto/tam.ts'
import { metadataLimits, unpack } from '../../format/msgpack-decode.ts'
import { type StoredOutcome, storedEach } from '../../objects/stored-each.ts'
import type { CheckContext } from './context.ts'
import { verifyItemChunks } from './verify-chunks.ts'

export async function rebuildReferences(
  check: CheckContext,
  manifest: Manifest,
  archives: readonly ArchiveEntry[],
): Promise<void> {
  const progress = new PercentProgress(
    {
      msgid: 'check.rebuild_refcounts',
      total: archives.length,
      step: 0.1,
      width: 3,
      decimals: 1,
      text: (percent) => `Checking archives ${percent}%`,
    },
    check.run,
  )
  for (const [index, entry] of archives.entries()) {
    progress.advance()
    check.inform(`Analyzing archive ${entry.name} (${index + 1}/${archives.length})`)
    const checked = await checkArchive(check, manifest, entry)
    if (!check.repair) continue
    if (checked === undefined) manifest.archives.delete(entry.name)
    else if (idKey(checked) !== idKey(entry.id)) manifest.archives.set({ ...entry, id: checked })
  }
  progress.finish()
}

/** The id the archive has now, or undefined when it cannot be kept. */
async function checkArchive(
  check: CheckContext,
  manifest: Manifest,
  entry: ArchiveEntry,
): Promise<ObjectId | undefined> {
  if (!check.has(entry.id)) {
    check.problem(`Archive metadata block ${idKey(entry.id)} is missing!`)
    return undefined
  }
  // Its archive is listed: whatever becomes of the record, it is nobody's orphan.
  check.superseded.add(idKey(entry.id))
  const record = await readRecord(check, entry)
  if (record === undefined) return undefined
  const { metadata, salt } = record
  const walked = await walkItems(check, manifest, entry.name, metadata)
  if (!walked.changed) {
    for (const id of metadata.itemChunks) check.reference(id)
    check.reference(entry.id)
    return entry.id
  }
  for (const id of metadata.itemChunks) check.superseded.add(idKey(id))
  const repaired: ArchiveMetadata = { ...metadata, itemChunks: walked.itemChunks }
  // The old salt: an archive that only lost a chunk elsewhere stays recognisable.
  const packed = packWithTam(check.key, 'archive', encodeArchiveMetadata(repaired), salt)
  return (await check.store(packed)).id
}

interface Record {
  readonly metadata: ArchiveMetadata
  readonly salt: Uint8Array
}

async function readRecord(check: CheckContext, entry: ArchiveEntry): Promise<Record | undefined> {
  try {
    const packed = await check.read(entry.id)
    const map = unpack(packed, metadataLimits)
    if (!(map instanceof Map)) throw new BorgError('IntegrityError', ['archive metadata: not a map'])
    const verdict = verifyTam(check.key, 'archive', packed, map)
    if (check.key.tamRequired && verdict.tam === 'absent') throw new BorgError('ArchiveTAMRequiredError', [entry.name])
    const salt = verdict.tam === 'verified' ? verdict.salt : check.host.randomBytes(tamSaltSize)
    return { metadata: decodeArchiveMetadata(map), salt }
  } catch (error) {
    if (
      error instanceof BorgError &&
      (error.code === 'ArchiveTAMInvalid' || error.code === 'ArchiveTAMRequiredError')
    ) {
      check.problem(`Archive TAM authentication issue for archive ${entry.name}: ${error.message}`)
      const fate = check.repair
        ? 'This archive will be *removed* from the manifest! It will be deleted.'
        : 'This archive would be *removed* / *deleted* when using --repair!'
      check.problem(fate)
      return undefined
    }
    if (!isObjectError(error)) throw error
    check.noteUnknown(error)
    check.problem(`Archive metadata block ${idKey(entry.id)} is corrupted: ${error.message}`)
    return undefined
  }
}

interface WalkedItems {
  readonly changed: boolean
  /** Of the stream as it should be; meaningful only when `changed`. */
  readonly itemChunks: readonly ObjectId[]
}

/**
 * Only a repair that finds something to change packs the items again: it looks once to learn that, once more to do it, so
 * that memory does not grow with the archive and whole archives keep their bytes.
 */
async function walkItems(
  check: CheckContext,
  manifest: Manifest,
  archiveName: string,
  metadata: ArchiveMetadata,
): Promise<WalkedItems> {
  const changed = check.repair && (await wantsRewriting(check, manifest, metadata))
  const sink = { add: (plain: Uint8Array) => storeMetadata(check, plain) }
  const writer = changed ? new ItemStreamWriter(sink, check.key.chunkSeed) : undefined
  for await (const found of robustItems(check, manifest, metadata, 'aloud')) {
    if (found === 'lost') continue
    const item = await verifyItemChunks(check, archiveName, found)
    await writer?.add(item)
  }
  return { changed, itemChunks: writer === undefined ? metadata.itemChunks : await writer.flush() }
}

async function wantsRewriting(check: CheckContext, manifest: Manifest, metadata: ArchiveMetadata): Promise<boolean> {
  for await (const found of robustItems(check, manifest, metadata, 'quiet')) {
    if (found === 'lost' || found.chunksHealthy !== undefined) return true
    if (found.chunks?.some((chunk) => !check.has(chunk.id))) return true
  }
  return false
}

async function storeMetadata(
  check: CheckContext,
  plain: Uint8Array,
): Promise<{ id: ObjectId; size: number; storedSize: number }> {
  const { id, storedSize } = await check.store(plain)
  return { id, size: plain.length, storedSize }
}

/** Items in order; 'lost' wherever something is missing between them. */
async function* robustItems(
  check: CheckContext,
  manifest: Manifest,
  metadata: ArchiveMetadata,
  voice: 'aloud' | 'quiet',
): AsyncGenerator<Item | 'lost'> {
  const report = (problem: string): void => {
    if (voice === 'aloud') check.problem(problem)
  }
  const decoder = new RobustItemDecoder(manifest.itemKeys)
  const turns = new EventLoopTurns(() => check.host.monotonicMs())
  // Looked up once: a repair may store what was missing while this is under way.
  const present = metadata.itemChunks.map((id) => check.has(id))
  const there = storedEach(
    check.repository,
    metadata.itemChunks.filter((_, number) => present[number]),
  )
  for (const [number, id] of metadata.itemChunks.entries()) {
    const place = `[chunk: ${String(number).padStart(6, '0')}_${idKey(id)}]`
    const plain = present[number] ? await readItemChunk(check, { stream: there, place }, report) : undefined
    if (present[number] !== true) report(`item metadata chunk missing ${place}`)
    if (plain === undefined) {
      decoder.resynchronise()
      yield 'lost'
      continue
    }
    for (const found of decoder.feed(plain)) {
      check.run.signal?.throwIfAborted()
      if (found.kind === 'item') {
        yield found.item
      } else {
        report(`item metadata is damaged (${found.problem}) ${place}`)
        yield 'lost'
      }
      await turns.take()
    }
  }
}

async function readItemChunk(
  check: CheckContext,
  { stream, place }: { readonly stream: AsyncIterator<StoredOutcome>; readonly place: string },
  report: (problem: string) => void,
): Promise<Uint8Array | undefined> {
  const { value: outcome, done } = await stream.next()
  if (done === true) throw new RangeError('fewer metadata chunks than are there')
  try {
    if ('error' in outcome) throw outcome.error
    return await check.lane.open(outcome.id, outcome.stored)
  } catch (error) {
    if (!isObjectError(error)) throw error
    check.noteUnknown(error)
    report(`${error.message} ${place}`)
    return undefined
  }
}
