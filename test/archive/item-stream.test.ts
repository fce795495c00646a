import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Item, itemSize } from '../../src/archive/item.ts'
import { encodeItem } from '../../src/archive/item-codec.ts'
import { decodeItems, ItemStreamWriter } from '../../src/archive/item-stream.ts'
import { RobustItemDecoder } from '../../src/archive/robust-items.ts'
import { itemKeys } from '../../src/archive/item-codec.ts'
import { concatBytes, toHex } from '../../src/base/bytes.ts'
import { itemPath, nanoseconds, objectId } from '../../src/base/ids.ts'
import { inputBytes, loadFixture } from '../support/vectors.ts'

interface StreamVector {
  readonly n_items: number
  readonly seed: number
  readonly total: number
  readonly sizes: readonly number[]
  readonly stream_sha256: string
  readonly last_chunk_sha256: string
}
const vectors = loadFixture<{ item_stream: { first_items_hex: readonly string[]; streams: readonly StreamVector[] } }>(
  'vectors/items.json',
)
const { first_items_hex: firstItems, streams } = vectors.item_stream

/** Item i of the vectors' generator (fixtures/README-vectors.md). */
function itemNumber(i: number): Item {
  const name = createHash('sha256').update(String(i)).digest('hex')
  const id = objectId(inputBytes([{ gen: 'sha256ctr', seed: String(i), len: 32 }]))
  return {
    path: itemPath(`dir${i % 97}/file-${name}`),
    mode: 0o100644,
    uid: i % 7,
    gid: 0,
    user: 'u',
    group: 'g',
    modified: nanoseconds(1_700_000_000_000_000_000n + BigInt(i)),
    chunks: [{ id, size: i, storedSize: i + 2 }],
    size: i,
    hardlinkMaster: false,
  }
}

async function chunksOf(count: number, seed: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  const sink = {
    add: async (plain: Uint8Array) => {
      chunks.push(plain.slice())
      return { id: objectId(new Uint8Array(32)), size: plain.length, storedSize: 0 }
    },
  }
  const writer = new ItemStreamWriter(sink, seed)
  for (let i = 0; i < count; i++) await writer.add(itemNumber(i))
  await writer.flush()
  return chunks
}

describe('the item stream', () => {
  test('the generator is the vectors’ generator', () => {
    expect(firstItems.map((_, i) => toHex(encodeItem(itemNumber(i))))).toEqual(firstItems)
  })

  test.each(streams.map((vector) => [vector.n_items, vector] as const))(
    '%i items are cut where borg cuts',
    async (_, vector) => {
      const chunks = await chunksOf(vector.n_items, vector.seed)
      expect(chunks.map((chunk) => chunk.length)).toEqual(vector.sizes)
      const whole = createHash('sha256')
      for (const chunk of chunks) whole.update(chunk)
      expect(whole.digest('hex')).toBe(vector.stream_sha256)
      expect(
        createHash('sha256')
          .update(chunks.at(-1) ?? '')
          .digest('hex'),
      ).toBe(vector.last_chunk_sha256)
    },
  )

  test('items that cross chunk borders come back', async () => {
    const chunks = await chunksOf(3000, 1)
    const sizes: number[] = []
    for await (const item of decodeItems(
      (async function* () {
        yield* chunks
      })(),
    ))
      sizes.push(itemSize(item))
    expect(sizes).toEqual(Array.from({ length: 3000 }, (_, i) => i))
  })
})

describe('a damaged stream', () => {
  const packed = Array.from({ length: 50 }, (_, i) => encodeItem(itemNumber(i)))
  const pathsOf = (found: Iterable<{ kind: string; item?: Item }>): string[] =>
    [...found].flatMap((entry) => (entry.kind === 'item' && entry.item ? [entry.item.path] : []))

  test('goes on at the next whole item after a lost chunk', () => {
    const decoder = new RobustItemDecoder(itemKeys)
    const stream = concatBytes(...packed)
    const first = pathsOf(decoder.feed(stream.subarray(0, 2000)))
    decoder.resynchronise()
    const rest = pathsOf(decoder.feed(stream.subarray(4000, 7000)))
    const more = pathsOf(decoder.feed(stream.subarray(7000)))
    const all = packed.map((_, i) => itemNumber(i).path as string)
    expect(first).toEqual(all.slice(0, first.length))
    expect([...rest, ...more]).toEqual(all.slice(all.length - rest.length - more.length))
    expect(first.length + rest.length + more.length).toBeGreaterThan(37)
  })

  test('reports what is no item and keeps the rest', () => {
    const decoder = new RobustItemDecoder(itemKeys)
    const found = [
      ...decoder.feed(concatBytes(packed[0] ?? new Uint8Array(), Uint8Array.of(0x01), packed[1] ?? new Uint8Array())),
    ]
    expect(found.map((entry) => entry.kind)).toEqual(['item', 'invalid', 'item'])
  })

  test('is not what attic left behind: an acl that says nothing', () => {
    // {acl: nil, mtime: 1, path: 'x'}
    const item = Buffer.from('83a361636cc0a56d74696d6501a470617468a178', 'hex')

    expect(pathsOf(new RobustItemDecoder(itemKeys).feed(item))).toEqual(['x'])
  })
})
