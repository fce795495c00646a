import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, copyBytes, equalBytes, toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { objectId } from '../../src/base/ids.ts'
import { type ChunkerParams, defaultChunkerParams } from '../../src/chunker/chunker.ts'
import { makeChunker } from '../../src/chunker/make-chunker.ts'
import { blocksFor, idHash, nonceOf, open } from '../../src/crypto/envelope.ts'
import { generateKey } from '../../src/crypto/key-blob.ts'
import { makeCompressor } from '../../src/compress/registry.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import { openLanes } from '../../src/workers/lane-pool.ts'
import type { ByteSource, HeldChunk, Lane } from '../../src/workers/lane.ts'
import { isSourceReadError } from '../../src/workers/source-read-error.ts'
import { FakeHost } from '../support/fake-host.ts'
import { inputBytes, loadFixture } from '../support/vectors.ts'
import { MemoryFile, systemError } from './memory-file.ts'

const host = new FakeHost()
const small: ChunkerParams = { algorithm: 'buzhash', minExponent: 6, maxExponent: 9, maskBits: 6, windowSize: 31 }
const content = inputBytes([
  { gen: 'sha256ctr', seed: 'lane', len: 20_000 },
  { gen: 'zero', len: 3_000 },
  { gen: 'sha256ctr', seed: 'tail', len: 777 },
])

function keyOf(mode: KeyMode): KeyMaterial {
  return generateKey(mode, objectId(new Uint8Array(32).fill(9)), (length) => host.randomBytes(length))
}

async function laneOf(key: KeyMaterial, compression = 'lz4'): Promise<Lane> {
  return (await openLanes(key, { threads: 0, byteLimit: 1_000_000, compression, host })).next()
}

function file(bytes: Uint8Array, readSize?: number): ByteSource {
  return { kind: 'file', file: new MemoryFile(bytes, readSize === undefined ? {} : { readSize }) }
}

async function* blocks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

/** Plaintext of every chunk, taken the way of a new chunk: sealed at once, then opened. */
async function plainsOf(lane: Lane, source: ByteSource, params = small): Promise<Uint8Array[]> {
  const plains: Uint8Array[] = []
  let nonce = 0n
  for await (const held of lane.chunk(source, params)) {
    const stored = await held.seal(nonce)
    nonce += BigInt(held.blocksMax)
    plains.push(await lane.open(held.id, stored))
  }
  return plains
}

async function errorOf(chunks: AsyncIterable<HeldChunk>): Promise<unknown> {
  try {
    for await (const held of chunks) held.drop()
  } catch (error) {
    return error
  }
  return undefined
}

describe.each<KeyMode>(['none', 'authenticated', 'repokey', 'keyfile-blake2'])('in mode %s', (mode) => {
  const key = keyOf(mode)

  test('what is sealed opens to the chunk, and chunks joined are the file', async () => {
    const lane = await laneOf(key)
    const plains = await plainsOf(lane, file(content))

    expect(plains.length).toBeGreaterThan(50)
    expect(equalBytes(concatBytes(...plains), content)).toBe(true)
  })

  test('ids, sizes and cuts are those of the chunker and the key', async () => {
    const lane = await laneOf(key)
    const expected: string[] = []
    const chunker = makeChunker(small, key.chunkSeed)
    for (const chunks of [chunker.push(content), chunker.finish()]) {
      for (const chunk of chunks) {
        const plain = chunk.kind === 'data' ? chunk.bytes : new Uint8Array(chunk.size)
        expected.push(`${chunk.kind} ${plain.length} ${toHex(idHash(key, plain))}`)
      }
    }

    const seen: string[] = []
    for await (const held of lane.chunk(file(content), small)) {
      seen.push(`${held.allocation} ${held.size} ${toHex(held.id)}`)
      held.drop()
    }

    expect(seen).toEqual(expected)
    expect(seen.some((line) => line.startsWith('zeros'))).toBe(true)
  })

  test('the blocks announced are enough for what is sealed', async () => {
    const lane = await laneOf(key, 'zlib,0')
    for await (const held of lane.chunk(file(content), small)) {
      const used = nonceOf(await held.seal(5n))
      expect(used?.blocks ?? 0n).toBeLessThanOrEqual(BigInt(held.blocksMax))
      expect(used?.nonce).toBe(mode === 'none' || mode === 'authenticated' ? undefined : 5n)
      expect(held.blocksMax).toBe(
        blocksFor(key, await makeCompressor('zlib,0', (length) => new Uint8Array(length)), held.size),
      )
    }
  })
})

const key = keyOf('repokey')

test('chunks do not depend on how reads came back, nor on whether it is a file or a stream', async () => {
  const lane = await laneOf(key)
  const expected = (await plainsOf(lane, file(content))).map((plain) => plain.length)

  for (const size of [1, 100, 513, 5000]) {
    expect((await plainsOf(lane, file(content, size))).map((plain) => plain.length)).toEqual(expected)
    const stream: ByteSource = { kind: 'stream', bytes: blocks(content, size) }
    expect((await plainsOf(lane, stream)).map((plain) => plain.length)).toEqual(expected)
  }
})

test('a file shorter than the smallest chunk is one chunk, after two reads', async () => {
  const lane = await laneOf(key)
  const source = new MemoryFile(content.subarray(0, 300))

  const plains = await plainsOf(lane, { kind: 'file', file: source }, defaultChunkerParams)

  expect(plains.map((plain) => toHex(plain))).toEqual([toHex(content.subarray(0, 300))])
  expect(source.reads).toBe(2)
})

test('an empty file has no chunks', async () => {
  expect(await plainsOf(await laneOf(key), file(new Uint8Array(0)))).toEqual([])
})

test('a chunk kept while the lane reads on keeps its content', async () => {
  const lane = await laneOf(key)
  const kept: HeldChunk[] = []
  for await (const held of lane.chunk(file(content, 700), small)) kept.push(held)

  const plains: Uint8Array[] = []
  for (const held of kept) plains.push(await open(key, held.id, await held.seal(0n)))

  expect(equalBytes(concatBytes(...plains), content)).toBe(true)
})

test('several files may be chunked at the same time', async () => {
  const lane = await laneOf(key)
  const contents = [1, 2, 3, 4].map((i) => inputBytes([{ gen: 'sha256ctr', seed: `file ${i}`, len: 5000 * i }]))

  const plains = await Promise.all(contents.map((bytes) => plainsOf(lane, file(bytes, 400))))

  for (const [i, bytes] of contents.entries()) expect(equalBytes(concatBytes(...(plains[i] ?? [])), bytes)).toBe(true)
})

test('a file given up half way leaves nothing behind for the next', async () => {
  const lane = await laneOf(key)
  for await (const held of lane.chunk(file(content), small)) {
    held.drop()
    break
  }

  expect(equalBytes(concatBytes(...(await plainsOf(lane, file(content)))), content)).toBe(true)
})

describe('all-zero chunks', () => {
  const { zero_chunk_ids: vectors } = loadFixture<{ zero_chunk_ids: readonly { size: number; sha256: string }[] }>(
    'vectors/chunker.json',
  )

  test.each(vectors)('of $size bytes have the id borg gives them, each time', async ({ size, sha256 }) => {
    const lane = await laneOf(keyOf('none'))
    const params: ChunkerParams = { algorithm: 'fixed', blockSize: Math.max(size, 64), headerSize: 0 }
    for (let round = 0; round < 2; round++) {
      const ids: string[] = []
      for await (const held of lane.chunk(file(new Uint8Array(size)), params))
        ids.push(`${held.allocation} ${toHex(held.id)}`)
      expect(ids).toEqual([`zeros ${sha256}`])
    }
  })

  test('are sealed as the zeros they are', async () => {
    const lane = await laneOf(key)
    const plains = await plainsOf(lane, file(new Uint8Array(5000)))
    expect(equalBytes(concatBytes(...plains), new Uint8Array(5000))).toBe(true)
  })
})

describe('holding', () => {
  test('gives the id of the bytes and seals them', async () => {
    const lane = await laneOf(key)
    const plain = copyBytes(content.subarray(0, 1000))
    const held = await lane.hold(plain)

    expect(toHex(held.id)).toBe(toHex(idHash(key, plain)))
    expect(toHex(await lane.open(held.id, await held.seal(3n)))).toBe(toHex(plain))
  })

  test('a chunk cannot be sealed twice, nor after it was dropped', async () => {
    const lane = await laneOf(key)
    const sealed = await lane.hold(content)
    await sealed.seal(0n)
    const dropped = await lane.hold(content)
    dropped.drop()

    await expect(sealed.seal(1n)).rejects.toThrow(TypeError)
    await expect(dropped.seal(1n)).rejects.toThrow(TypeError)
  })
})

test('opening refuses bytes that are not what the id says', async () => {
  const lane = await laneOf(key)
  const [a, b] = [await lane.hold(content.subarray(0, 100)), await lane.hold(content.subarray(100, 200))]
  const stored = await a.seal(0n)

  await expect(lane.open(b.id, stored)).rejects.toSatisfy((error) => isBorgError(error, 'IntegrityError'))
})

describe('failures of a source', () => {
  test.each(['EIO', 'EACCES', 'ENOSPC', 'ESTALE'])('%s from a file is marked as the source’s', async (code) => {
    const lane = await laneOf(key)
    const source = new MemoryFile(content, { readSize: 512, failAt: 5000, error: systemError(code, 'read') })

    const error = await errorOf(lane.chunk({ kind: 'file', file: source }, small))

    expect(isSourceReadError(error) && error.cause).toMatchObject({ code })
    expect(source.closed).toBe(false)
  })

  test('a stream’s system error is marked, anything else it throws comes out as it is', async () => {
    const lane = await laneOf(key)
    async function* failing(error: Error): AsyncGenerator<Uint8Array> {
      yield content
      throw error
    }
    const thrownBy = (error: Error): Promise<unknown> =>
      errorOf(lane.chunk({ kind: 'stream', bytes: failing(error) }, small))
    const others = [
      new Error('a bug'),
      new DOMException('stop', 'AbortError'),
      Object.assign(new Error(), { code: 'ABORT_ERR' }),
    ]

    expect(isSourceReadError(await thrownBy(systemError('EPIPE', 'read')))).toBe(true)
    for (const other of others) expect(await thrownBy(other)).toBe(other)
  })

  test('a stream given up is told so', async () => {
    const lane = await laneOf(key)
    let ended = false
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield content
      } finally {
        ended = true
      }
    }
    for await (const held of lane.chunk({ kind: 'stream', bytes: source() }, small)) {
      held.drop()
      break
    }
    expect(ended).toBe(true)
  })
})

test('a malformed compression is refused when lanes are opened', async () => {
  await expect(laneOf(key, 'zstd,99')).rejects.toSatisfy((error) => isBorgError(error, 'CommandError'))
  await expect(openLanes(key, { threads: 2, byteLimit: 1, compression: 'lz4' })).rejects.toThrow(RangeError)
})

test('a large source lets the event loop have its turns', async () => {
  const impatient = {
    randomBytes: (length: number) => new Uint8Array(length),
    monotonicMs: () => performance.now() * 1000,
  }
  const lane = (await openLanes(key, { threads: 0, byteLimit: 1, compression: 'none', host: impatient })).next()
  let turns = 0
  let running = true
  const count = (): void => {
    turns += 1
    if (running) setImmediate(count)
  }
  setImmediate(count)

  for await (const held of lane.chunk(file(content, 100), small)) held.drop()
  running = false

  expect(turns).toBeGreaterThan(10)
})

test('any content in any reads comes out as it went in', async () => {
  const lane = await laneOf(key, 'none')
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 1, max: 600 }), async (bytes, readSize) => {
      const plains = await plainsOf(lane, file(bytes, readSize))
      expect(toHex(concatBytes(...plains))).toBe(toHex(bytes))
    }),
  )
})
