/**
 * The compact variant of a hash index file: only used buckets, packed. No hashing property: it is iterated, never probed.
 * borg keeps one per archive in chunks.archive.d/. An empty one has one empty bucket (1.4) or none (1.2).
 * Source: format sheet repository.md §6, "compact variant".
 */
import { type ObjectId, ownedObjectId } from '../base/ids.ts'
import { indexValueMax } from '../base/limits.ts'
import {
  damaged,
  deletedMarker,
  emptyMarker,
  hashIndexHeaderSize,
  keyWords,
  parseHashIndexHeader,
} from './hash-index-layout.ts'

export interface CompactIndex {
  /** Entries. */
  readonly size: number
  /** Entry `i` is `words[i * stride]` on: eight words of key, then the values. */
  readonly words: Uint32Array
  readonly stride: number
}

/** `file` is copied. @throws BorgError 'IntegrityError' when it is not what borg writes. */
export function parseCompactIndex(file: Uint8Array, valueWords: 2 | 3): CompactIndex {
  const { entries, buckets } = parseHashIndexHeader(file, valueWords)
  const stride = keyWords + valueWords
  const buffer = new ArrayBuffer(buckets * stride * 4)
  new Uint8Array(buffer).set(file.subarray(hashIndexHeaderSize))
  const words = new Uint32Array(buffer)
  const size = packUsed(words, stride)
  if (size !== entries) throw damaged(`header says ${entries} entries, the buckets hold ${size}`)
  return { size, words: words.subarray(0, size * stride), stride }
}

/** Key of entry `i`, as bytes of their own. */
export function compactKey(index: CompactIndex, i: number): ObjectId {
  const words = index.words.slice(i * index.stride, i * index.stride + keyWords)
  return ownedObjectId(new Uint8Array(words.buffer))
}

/** Moves used buckets to the front (in a compact file they are there already); returns how many there are. */
function packUsed(words: Uint32Array, stride: number): number {
  let used = 0
  for (let from = 0; from < words.length; from += stride) {
    const state = words[from + keyWords]!
    if (state > indexValueMax) {
      if (state !== emptyMarker && state !== deletedMarker) throw damaged(`reserved value ${state}`)
      continue
    }
    if (used * stride !== from) words.copyWithin(used * stride, from, from + stride)
    used += 1
  }
  return used
}
