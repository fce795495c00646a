import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../src/base/bytes.ts'
import { itemChunkerParams } from '../../src/chunker/chunker.ts'
import { makeChunker } from '../../src/chunker/make-chunker.ts'
import { type Packable, pack } from '../../src/format/msgpack-encode.ts'
import { inputBytes, loadFixture } from '../support/vectors.ts'
import { cutWhole, pushSliced } from './cuts.ts'

const { item_stream: vectors } = loadFixture<{
  item_stream: {
    first_items_hex: readonly string[]
    streams: readonly {
      n_items: number
      seed: number
      total: number
      sizes: readonly number[]
      stream_sha256: string
      last_chunk_sha256: string
    }[]
  }
}>('vectors/items.json')

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Item `i` of the vectors' generator (fixtures/README-vectors.md), keys in borg's order. */
function packedItem(i: number): Uint8Array {
  const id = inputBytes([{ gen: 'sha256ctr', seed: String(i), len: 32 }])
  const fields: readonly (readonly [string, Packable])[] = [
    ['chunks', [[id, i, i + 2]]],
    ['gid', 0],
    ['group', 'g'],
    ['hardlink_master', false],
    ['mode', 0o100644],
    ['mtime', 1_700_000_000_000_000_000n + BigInt(i)],
    ['path', `dir${i % 97}/file-${sha256(String(i))}`],
    ['size', i],
    ['uid', i % 7],
    ['user', 'u'],
  ]
  return pack(new Map(fields))
}

test.each(vectors.first_items_hex.map((hex, i) => ({ hex, i })))(
  'item $i is built as the vectors build it',
  ({ hex, i }) => {
    expect(toHex(packedItem(i))).toBe(toHex(fromHex(hex)))
  },
)

describe('the item stream is cut as borg cuts it', () => {
  test.each(vectors.streams)('$n_items items', ({ n_items, seed, total, sizes, stream_sha256, last_chunk_sha256 }) => {
    const items = Array.from({ length: n_items }, (_, i) => packedItem(i))
    const stream = concatBytes(...items)
    expect([stream.length, sha256(stream)]).toEqual([total, stream_sha256])

    const cuts = cutWhole(makeChunker(itemChunkerParams, seed), stream)
    const perItem = pushSliced(
      makeChunker(itemChunkerParams, seed),
      stream,
      items.map((item) => item.length),
    )

    expect(cuts.map((cut) => cut.size)).toEqual(sizes)
    expect(perItem.map((cut) => cut.size)).toEqual(sizes)
    expect(sha256(cuts.at(-1)?.bytes ?? '')).toBe(last_chunk_sha256)
  })
})
