/** XXH64 (xxHash specification, doc/xxhash_spec.md of its project) with bigint arithmetic: slow, the oracle. */
import type { Xxh64, Xxh64Stream } from './kernel.ts'

const prime1 = 0x9e3779b185ebca87n
const prime2 = 0xc2b2ae3d27d4eb4fn
const prime3 = 0x165667b19e3779f9n
const prime4 = 0x85ebca77c2b2ae63n
const prime5 = 0x27d4eb2f165667c5n
const stripeSize = 32

export const xxh64Portable: Xxh64 = (...parts) => {
  const stream = xxh64StreamPortable()
  for (const part of parts) stream.update(part)
  return stream.digest()
}

export function xxh64StreamPortable(): Xxh64Stream {
  const lanes = [u64(prime1 + prime2), prime2, 0n, u64(-prime1)]
  const rest = new Uint8Array(stripeSize)
  let restSize = 0
  let total = 0n
  return {
    update(bytes) {
      total += BigInt(bytes.length)
      let at = 0
      while (at < bytes.length) {
        const taken = bytes.subarray(at, at + stripeSize - restSize)
        rest.set(taken, restSize)
        restSize += taken.length
        at += taken.length
        if (restSize < stripeSize) return
        eatStripe(lanes, rest)
        restSize = 0
      }
    },
    digest() {
      const start = total >= stripeSize ? mergeLanes(lanes) : prime5
      const digest = new Uint8Array(8)
      new DataView(digest.buffer).setBigUint64(0, finish(u64(start + total), rest.subarray(0, restSize)))
      return digest
    },
  }
}

function eatStripe(lanes: bigint[], stripe: Uint8Array): void {
  const view = viewOf(stripe)
  for (let lane = 0; lane < 4; lane++) lanes[lane] = round(lanes[lane]!, view.getBigUint64(8 * lane, true))
}

function mergeLanes(lanes: readonly bigint[]): bigint {
  const [a, b, c, d] = [lanes[0]!, lanes[1]!, lanes[2]!, lanes[3]!]
  let hash = u64(rotateLeft(a, 1n) + rotateLeft(b, 7n) + rotateLeft(c, 12n) + rotateLeft(d, 18n))
  for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * prime1 + prime4)
  return hash
}

function finish(start: bigint, rest: Uint8Array): bigint {
  const view = viewOf(rest)
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

function round(lane: bigint, input: bigint): bigint {
  return u64(rotateLeft(u64(lane + input * prime2), 31n) * prime1)
}

function rotateLeft(value: bigint, turn: bigint): bigint {
  return u64(value << turn) | (value >> (64n - turn))
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
