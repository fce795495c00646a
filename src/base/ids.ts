/**
 * The branded values that must not be mixed up, each made in one place and checked there.
 */
import { fromHex, toHex } from './bytes.ts'

declare const brand: unique symbol
/** A `T` that only its own maker function produces. Costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** 32 bytes naming one repository object. All zeros names the manifest. Never mutated. */
export type ObjectId = Brand<Uint8Array, 'ObjectId'>
/** uint32; the order of segment numbers is the order of time. */
export type SegmentNumber = Brand<number, 'SegmentNumber'>
/** Integer nanoseconds since 1970-01-01 UTC. */
export type Nanoseconds = Brand<bigint, 'Nanoseconds'>
/** Relative, '/'-separated; bytes that are not UTF-8 appear as U+DC80..U+DCFF. */
export type ItemPath = Brand<string, 'ItemPath'>
/** Name of a file inside a Store: relative, non-empty parts joined by '/', none of them '.' or '..'. */
export type StorePath = Brand<string, 'StorePath'>

export const objectIdSize = 32

/** Takes a copy. @throws RangeError unless exactly 32 bytes. */
export function objectId(bytes: Uint8Array): ObjectId {
  if (bytes.length !== objectIdSize) throw new RangeError(`object id must have 32 bytes, got ${bytes.length}`)
  return Uint8Array.prototype.slice.call(bytes) as ObjectId
}

/** For bytes the caller owns and will not change: no copy. @throws RangeError unless exactly 32 bytes. */
export function ownedObjectId(bytes: Uint8Array): ObjectId {
  if (bytes.length !== objectIdSize) throw new RangeError(`object id must have 32 bytes, got ${bytes.length}`)
  return bytes as ObjectId
}

/** Key for a JS Map; hex, 64 characters. */
export function idKey(id: ObjectId): string {
  return toHex(id)
}

/** @throws RangeError unless 64 hex digits. */
export function objectIdFromHex(hex: string): ObjectId {
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw new RangeError(`object id must be 64 hex digits, got '${hex}'`)
  return fromHex(hex) as ObjectId
}

/** @throws RangeError unless an integer in 0 .. 2^32 - 1. */
export function segmentNumber(value: number): SegmentNumber {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`segment number must be a uint32, got ${value}`)
  }
  return value as SegmentNumber
}

export function nanoseconds(value: bigint): Nanoseconds {
  return value as Nanoseconds
}

/** @throws RangeError for an absolute or empty path. '..' inside is kept: extraction refuses it, listing shows it. */
export function itemPath(text: string): ItemPath {
  if (text === '' || text.startsWith('/')) throw new RangeError(`item path must be relative, got '${text}'`)
  return text as ItemPath
}

/** @throws RangeError for absolute paths, empty parts, '.' and '..'. The empty string names the root folder. */
export function storePath(text: string): StorePath {
  const parts = text === '' ? [] : text.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw new RangeError(`store path must be relative and normal, got '${text}'`)
  }
  return text as StorePath
}

/** 32 zero bytes. */
export const manifestId: ObjectId = new Uint8Array(objectIdSize) as ObjectId

export function isManifestId(id: ObjectId): boolean {
  for (let i = 0; i < objectIdSize; i++) if (id[i] !== 0) return false
  return true
}
