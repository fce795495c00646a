/**
 * XXH64, seed 0 (xxHash specification, doc/xxhash_spec.md of its project): everything but the stripes, which are the
 * only part whose speed matters and which the variants bring.
 */
import type { Xxh64Stream } from './kernel.ts'

export const prime1 = 0x9e3779b185ebca87n
export const prime2 = 0xc2b2ae3d27d4eb4fn
const prime3 = 0x165667b19e3779f9n
const prime4 = 0x85ebca77c2b2ae63n
const prime5 = 0x27d4eb2f165667c5n
const stripeSize = 32

/** Folds `bytes`, a multiple of 32, into the four lanes. */
export type EatStripes = (lanes: BigUint64Array, bytes: Uint8Array) => void

export function xxh64Over(eatStripes: EatStripes): Xxh64Stream {
  const lanes = BigUint64Array.of(prime1 + prime2, prime2, 0n, -prime1)
  const rest = new Uint8Array(stripeSize)
  let restSize = 0
  let total = 0
  return {
    update(bytes) {
      total += bytes.length
      let at = 0
      if (restSize > 0) {
        at = Math.min(stripeSize - restSize, bytes.length)
        rest.set(bytes.subarray(0, at), restSize)
        restSize += at
        if (restSize < stripeSize) return
        eatStripes(lanes, rest)
      }
      const end = bytes.length - ((bytes.length - at) % stripeSize)
      if (end > at) eatStripes(lanes, bytes.subarray(at, end))
      rest.set(bytes.subarray(end))
      restSize = bytes.length - end
    },
    digest() {
      const start = total >= stripeSize ? mergeLanes(lanes) : prime5
      const digest = new Uint8Array(8)
      const hash = finish(u64(start + BigInt(total)), rest.subarray(0, restSize))
      new DataView(digest.buffer).setBigUint64(0, hash)
      return digest
    },
  }
}

/** One lane over one word; also mixes single words at the end. */
export function round(lane: bigint, input: bigint): bigint {
  return u64(rotateLeft(u64(lane + input * prime2), 31n) * prime1)
}

function mergeLanes(lanes: BigUint64Array): bigint {
  const [a, b, c, d] = [lanes[0]!, lanes[1]!, lanes[2]!, lanes[3]!]
  let hash = u64(rotateLeft(a, 1n) + rotateLeft(b, 7n) + rotateLeft(c, 12n) + rotateLeft(d, 18n))
  for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * prime1 + prime4)
  return hash
}

function finish(start: bigint, rest: Uint8Array): bigint {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength)
  let hash = start
  let at = 0
  for (; at + 8 <= rest.length; at += 8) {
    hash = u64(rotateLeft(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * prime1 + prime4)
  }
  for (; at + 4 <= rest.length; at += 4) {
    hash = u64(rotateLeft(hash ^ u64(BigInt(view.getUint32(at, true)) * prime1), 23n) * prime2 + prime3)
  }
  for (; at < rest.length; at++) hash = u64(rotateLeft(hash ^ u64(BigInt(rest[at]!) * prime5), 11n) * prime1)
  hash = u64((hash ^ (hash >> 33n)) * prime2)
  hash = u64((hash ^ (hash >> 29n)) * prime3)
  return hash ^ (hash >> 32n)
}

function rotateLeft(value: bigint, turn: bigint): bigint {
  return u64(value << turn) | (value >> (64n - turn))
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}
