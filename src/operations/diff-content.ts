/**
 * Whether two archived files have the same content, and how much of it differs.
 */
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { type ChunkRef, type Item, sumSizes } from '../archive/item.ts'
import { equalBytes } from '../base/bytes.ts'
import { idKey } from '../base/ids.ts'
import { type DiffChange, kindOf } from './diff-item.ts'

/** 'equal', or what to show of the difference, which may be nothing. */
export type ContentCompare = (
  before: Item,
  after: Item,
  /** Whether the path is going to be shown anyway. */
  path: { readonly differs: boolean },
) => Promise<'equal' | readonly DiffChange[]>

type FileCompare = (before: Item, after: Item) => Promise<'equal' | readonly DiffChange[]>

/** For archives that were cut alike: equal content has equal chunks. */
export const compareByIds: ContentCompare = async (before, after) => comparison(before, after, chunkDifference)

/** Between pieces of work: lets signals in, and throws when the run is to stop. */
export type Pause = () => Promise<void>

/**
 * For others: reads both, unless their chunks already tell. As borg 1.x does, only to find out whether a path is to be
 * shown: where that is known, 'modified' says that the contents were not compared (docs/decisions/020).
 */
export function compareByBytes(
  beforeArchive: ArchiveReader,
  afterArchive: ArchiveReader,
  pause: Pause,
): ContentCompare {
  return async (before, after, { differs }) =>
    await comparison(before, after, async () => {
      if (differs) return [{ change: 'content', bytes: undefined }]
      if (sameIds(before.chunks, after.chunks)) return 'equal'
      const sameSize = sumSizes(before.chunks ?? []) === sumSizes(after.chunks ?? [])
      const equal = sameSize && (await sameBytes(beforeArchive.content(before), afterArchive.content(after), pause))
      return equal ? 'equal' : [{ change: 'content', bytes: undefined }]
    })
}

async function comparison(before: Item, after: Item, files: FileCompare): Promise<'equal' | readonly DiffChange[]> {
  const [old, now] = [kindOf(before), kindOf(after)]
  if (old === 'link' || now === 'link') {
    const [from, to] = [old === 'link' ? before.source : undefined, now === 'link' ? after.source : undefined]
    if (from === to) return 'equal'
    return old === now ? [{ change: 'link' }] : []
  }
  return old === 'file' && now === 'file' ? await files(before, after) : 'equal'
}

const chunkDifference: FileCompare = async ({ chunks: old = [] }, { chunks: now = [] }) => {
  if (sameIds(old, now)) return 'equal'
  const bytes = { added: onlyIn(now, old), removed: onlyIn(old, now) }
  return bytes.added === 0 && bytes.removed === 0 ? [] : [{ change: 'content', bytes }]
}

function sameIds(old: readonly ChunkRef[] = [], now: readonly ChunkRef[] = []): boolean {
  return old.length === now.length && old.every((chunk, i) => equalBytes(chunk.id, now[i]?.id ?? chunk.id))
}

/** Bytes of the chunks that only the first list has. */
function onlyIn(chunks: readonly ChunkRef[], others: readonly ChunkRef[]): number {
  const ids = new Set(others.map((chunk) => idKey(chunk.id)))
  let bytes = 0
  for (const chunk of chunks) if (!ids.has(idKey(chunk.id))) bytes += chunk.size
  return bytes
}

/** Stops at the first difference. */
async function sameBytes(
  one: AsyncIterable<Uint8Array>,
  other: AsyncIterable<Uint8Array>,
  pause: Pause,
): Promise<boolean> {
  const others = other[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  try {
    for await (const bytes of one) {
      await pause()
      let left = bytes
      while (left.length > 0) {
        if (rest.length === 0) {
          const next = await others.next()
          if (next.done === true) return false
          rest = next.value
          continue
        }
        const length = Math.min(left.length, rest.length)
        if (!equalBytes(left.subarray(0, length), rest.subarray(0, length))) return false
        left = left.subarray(length)
        rest = rest.subarray(length)
      }
    }
    if (rest.length > 0) return false
    for (let next = await others.next(); next.done !== true; next = await others.next()) {
      if (next.value.length > 0) return false
    }
    return true
  } finally {
    await others.return?.()
  }
}
