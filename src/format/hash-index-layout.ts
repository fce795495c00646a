/**
 * The file layout of borg's hash tables, and the sizes a table may have.
 *
 *   magic "BORG_IDX" | entries i32 | buckets i32 | key size i8 | value size i8 | buckets, each key then value words u32 LE
 * Source: format sheet repository.md §6; fixtures/vectors/hashindex.json.
 */
import { dataView } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { objectIdSize } from '../base/ids.ts'

export const hashIndexHeaderSize = 18
/** First value word of a bucket that was never used. */
export const emptyMarker = 0xffff_ffff
/** First value word of a bucket whose entry was deleted; the rest of the bucket is stale. */
export const deletedMarker = 0xffff_fffe
export const keyWords = objectIdSize / 4

const magic = [0x42, 0x4f, 0x52, 0x47, 0x5f, 0x49, 0x44, 0x58] as const

/** All bucket counts borg uses, ascending. */
export const tableSizes: readonly number[] = [
  1031, 2053, 4099, 8209, 16411, 32771, 65537, 131101, 262147, 445649, 757607, 1287917, 2189459, 3065243, 4291319,
  6007867, 8410991, 11775359, 16485527, 23079703, 27695653, 33234787, 39881729, 47858071, 57429683, 68915617, 82698751,
  99238507, 119086189, 144378011, 157223263, 173476439, 190253911, 209915011, 230493629, 253169431, 278728861,
  306647623, 337318939, 370742809, 408229973, 449387209, 493428073, 543105119, 596976533, 657794869, 722676499,
  795815791, 874066969, 962279771, 1057701643, 1164002657, 1280003147, 1407800297, 1548442699, 1703765389, 1873768367,
  2062383853,
]
const smallest = 1031
const largest = 2062383853

export interface HashIndexHeader {
  readonly entries: number
  readonly buckets: number
}

/** Smallest table size of at least `capacity` buckets; the largest if there is none. */
export function tableSizeFor(capacity: number): number {
  return tableSizes.find((size) => size >= capacity) ?? largest
}

/** Buckets for `entries` entries without growing on the way. */
export function usableTableSize(entries: number): number {
  return tableSizeFor(Math.floor(entries / 0.75))
}

/** The next size above `buckets`. */
export function grownSize(buckets: number): number {
  return tableSizes.find((size) => size > buckets) ?? largest
}

/** The next size below `buckets`. */
export function shrunkSize(buckets: number): number {
  return tableSizes.findLast((size) => size < buckets) ?? smallest
}

/** More entries than this and the next new key makes the table grow. */
export function upperLimit(buckets: number): number {
  return buckets >= largest ? buckets : Math.floor(buckets * 0.75)
}

/** Fewer entries than this after a delete and the table shrinks. */
export function lowerLimit(buckets: number): number {
  return buckets <= smallest ? 0 : Math.floor(buckets * 0.25)
}

/** As few empty buckets as this and the next use of one rebuilds the table, which drops the tombstones. */
export function minEmpty(buckets: number): number {
  return 1 + Math.floor(buckets * (1.0 - 0.93))
}

/**
 * Checked as borg 1.4 does: magic, exact file size, key and value sizes, counts that fit each other.
 * @throws BorgError 'IntegrityError'
 */
export function parseHashIndexHeader(file: Uint8Array, valueWords: number): HashIndexHeader {
  if (file.length < hashIndexHeaderSize) throw damaged(`header needs 18 bytes, got ${file.length}`)
  if (magic.some((byte, at) => file[at] !== byte)) throw damaged('no magic')
  const view = dataView(file)
  const header = { entries: view.getInt32(8, true), buckets: view.getInt32(12, true) }
  const [keySize, valueSize] = [view.getInt8(16), view.getInt8(17)]
  if (keySize !== objectIdSize) throw damaged(`key size ${keySize}, expected ${objectIdSize}`)
  if (valueSize !== valueWords * 4) throw damaged(`value size ${valueSize}, expected ${valueWords * 4}`)
  if (header.buckets < 0 || header.entries < 0 || header.entries > header.buckets) {
    throw damaged(`${header.entries} entries in ${header.buckets} buckets`)
  }
  const size = hashIndexHeaderSize + header.buckets * (keySize + valueSize)
  if (file.length !== size) throw damaged(`file has ${file.length} bytes, its header says ${size}`)
  return header
}

export function writeHashIndexHeader(file: Uint8Array, header: HashIndexHeader, valueWords: number): void {
  const view = dataView(file)
  file.set(magic)
  view.setInt32(8, header.entries, true)
  view.setInt32(12, header.buckets, true)
  view.setInt8(16, objectIdSize)
  view.setInt8(17, valueWords * 4)
}

export function damaged(what: string): BorgError {
  return new BorgError('IntegrityError', [`hash index: ${what}`])
}

// Tables are memory in file order; Node has no big-endian platform that Borg 1.x repositories are opened on today.
if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) throw new Error('tsborg needs a little-endian machine')
