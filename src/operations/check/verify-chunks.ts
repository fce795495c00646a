/**
 * One item's chunk list against what the repository has: lost chunks get zeros in their place, returned ones are healed.
 * Source: format sheet objects.md section 10, CLI contract commands.md section 11.
 */
import { type ChunkRef, type Item, sumSizes } from '../../archive/item.ts'
import { equalBytes } from '../../base/bytes.ts'
import { reportLog } from '../../base/events.ts'
import { idKey } from '../../base/ids.ts'
import { type CheckContext, checkLogger } from './context.ts'

/** The item as it should be stored; the same object when nothing changed. */
export async function verifyItemChunks(check: CheckContext, archiveName: string, item: Item): Promise<Item> {
  if (item.chunks === undefined) return item
  const where = `${archiveName}: ${item.path}`
  const healthy = healthyList(check, where, item, item.chunks)
  const result: ChunkRef[] = []
  let replaced = false
  let offset = 0
  for (const [i, current] of item.chunks.entries()) {
    const wanted = healthy[i] ?? current
    const verdict = await verifyChunk(check, where, offset, current, wanted)
    replaced ||= verdict.replaced
    result.push(verdict.chunk)
    offset += wanted.size
  }
  reportSize(check, where, item, result)
  return settle(check, where, item, healthy, result, replaced)
}

function healthyList(check: CheckContext, where: string, item: Item, chunks: readonly ChunkRef[]): readonly ChunkRef[] {
  if (item.chunksHealthy === undefined) return chunks
  if (item.chunksHealthy.length === chunks.length) return item.chunksHealthy
  check.problem(`${where}: the list of healthy chunks does not fit the list of chunks, trusting the latter.`)
  return chunks
}

interface ChunkVerdict {
  readonly chunk: ChunkRef
  readonly replaced: boolean
}

async function verifyChunk(
  check: CheckContext,
  where: string,
  offset: number,
  current: ChunkRef,
  wanted: ChunkRef,
): Promise<ChunkVerdict> {
  const isCurrent = equalBytes(current.id, wanted.id)
  const place = `(Byte ${offset}-${offset + wanted.size}, Chunk ${idKey(wanted.id)})`
  if (check.has(wanted.id)) {
    if (!isCurrent) {
      check.inform(
        check.repair
          ? `${where}: Healed previously missing file chunk! ${place}`
          : `${where}: Missing file chunk would be healed with --repair! ${place}`,
      )
    }
    check.reference(wanted.id)
    return { chunk: wanted, replaced: false }
  }
  if (isCurrent) {
    const todo = check.repair ? 'Replacing with all-zero chunk.' : 'Would replace it with all-zero chunk with --repair.'
    check.problem(`${where}: New missing file chunk detected ${place}. ${todo}`)
    return { chunk: await zeroChunk(check, wanted.size), replaced: true }
  }
  if (check.has(current.id)) {
    const has = 'It has an all-zero replacement chunk already.'
    check.inform(`${where}: Previously missing file chunk is still missing ${place}. ${has}`)
    check.reference(current.id)
    return { chunk: current, replaced: false }
  }
  check.problem(`${where}: Missing all-zero replacement chunk detected ${place}. Generating new replacement chunk.`)
  return { chunk: await zeroChunk(check, wanted.size), replaced: true }
}

async function zeroChunk(check: CheckContext, size: number): Promise<ChunkRef> {
  const { id, storedSize } = await check.store(new Uint8Array(size))
  return { id, size, storedSize }
}

function settle(
  check: CheckContext,
  where: string,
  item: Item,
  healthy: readonly ChunkRef[],
  result: readonly ChunkRef[],
  replaced: boolean,
): Item {
  const chunks = item.chunks ?? []
  if (replaced && item.chunksHealthy === undefined) return { ...item, chunks: result, chunksHealthy: chunks }
  if (item.chunksHealthy !== undefined && sameChunks(result, healthy)) {
    check.inform(`${where}: Completely healed previously damaged file!`)
    const { chunksHealthy: _, ...whole } = item
    return { ...whole, chunks: result }
  }
  return sameChunks(result, chunks) ? item : { ...item, chunks: result }
}

function sameChunks(a: readonly ChunkRef[], b: readonly ChunkRef[]): boolean {
  return a.length === b.length && a.every((chunk, i) => equalBytes(chunk.id, b[i]?.id ?? new Uint8Array(0)))
}

function reportSize(check: CheckContext, where: string, item: Item, chunks: readonly ChunkRef[]): void {
  if (item.size === undefined) return
  const found = sumSizes(chunks)
  if (found === item.size) return
  reportLog(
    check.run,
    'warning',
    `${where}: the item says it has ${item.size} bytes, its chunks have ${found}`,
    checkLogger,
  )
}
