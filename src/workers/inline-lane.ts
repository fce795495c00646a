/**
 * The lane on the caller's own thread: no messages, no copies.
 *
 * Files are read straight into the chunker's buffer; a chunk is a view of it, hashed and sealed in place. Only a chunk
 * that is still undecided when the next one is asked for is copied.
 */
import { copyBytes } from '../base/bytes.ts'
import { EventLoopTurns } from '../base/flow.ts'
import type { Host } from '../base/host.ts'
import type { ObjectId } from '../base/ids.ts'
import { type Chunk, type Chunker, type ChunkerParams, formatChunkerParams } from '../chunker/chunker.ts'
import { makeChunker } from '../chunker/make-chunker.ts'
import type { Compressor } from '../compress/compressor.ts'
import { type StoredAlgorithm, storedAlgorithm } from '../compress/header.ts'
import { makeCompressor } from '../compress/registry.ts'
import { blocksFor, compressPayload, idHash, open, openPayload, sealPayload } from '../crypto/envelope.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import type { OpenFile } from '../platform/file-system.ts'
import type { ByteSource, HeldChunk, Lane } from './lane.ts'
import { asSourceReadError } from './source-read-error.ts'
import { sparseCut } from './sparse-cut.ts'

/** Read and scanned at a time: stays in the processor's cache, and large enough to forget the system call. */
const readSizeMax = 1024 * 1024
/** Sizes whose all-zero id is remembered. Sparse files repeat a few; the rest is tails. */
const zeroIdsMax = 1024

export class InlineLane implements Lane {
  readonly #key: KeyMaterial
  readonly #spec: string
  readonly #host: Pick<Host, 'randomBytes' | 'monotonicMs'>
  readonly #turns: EventLoopTurns
  /** Chunkers not in use, by the text of their parameters: their buffers are large, files are many. */
  readonly #idle = new Map<string, Chunker[]>()
  readonly #zeroIds = new Map<number, ObjectId>()
  #zeros = new Uint8Array(0)
  /** Loaded on first use: who only reads loads no compressor. */
  #compressor: Promise<Compressor> | undefined

  constructor(key: KeyMaterial, compression: string, host: Pick<Host, 'randomBytes' | 'monotonicMs'>) {
    this.#key = key
    this.#spec = compression
    this.#host = host
    this.#turns = new EventLoopTurns(() => host.monotonicMs())
  }

  async *chunk(source: ByteSource, params: ChunkerParams): AsyncGenerator<HeldChunk> {
    const compressor = await this.#loadedCompressor()
    const sparse = sparseCut(source, params)
    if (sparse !== undefined) return yield* this.#held(sparse, compressor)
    const chunkers = this.#chunkersFor(params)
    const chunker = chunkers.pop() ?? makeChunker(params, this.#key.chunkSeed)
    try {
      const pieces = source.kind === 'file' ? cutFile(source.file, chunker) : cutStream(source.bytes, chunker)
      yield* this.#held(pieces, compressor)
    } finally {
      chunker.reset()
      chunkers.push(chunker)
    }
  }

  async *#held(
    pieces: Iterable<Iterable<Chunk>> | AsyncIterable<Iterable<Chunk>>,
    compressor: Compressor,
  ): AsyncGenerator<HeldChunk> {
    for await (const chunks of pieces) {
      await this.#turns.take()
      for (const chunk of chunks) {
        const held = this.#heldChunk(chunk, compressor)
        yield held
        held.keep()
      }
    }
  }

  async hold(plain: Uint8Array): Promise<HeldChunk> {
    const compressor = await this.#loadedCompressor()
    return new InlineChunk(this.#key, compressor, { id: idHash(this.#key, plain), plain, allocation: 'data' })
  }

  async open(id: ObjectId | undefined, stored: Uint8Array): Promise<Uint8Array> {
    await this.#turns.take()
    return open(this.#key, id, stored)
  }

  async algorithmOf(id: ObjectId, stored: Uint8Array): Promise<StoredAlgorithm> {
    return storedAlgorithm(openPayload(this.#key, id, stored))
  }

  #heldChunk(chunk: Chunk, compressor: Compressor): InlineChunk {
    const plain = chunk.kind === 'data' ? chunk.bytes : this.#zerosOf(chunk.size)
    const id = chunk.kind === 'data' ? idHash(this.#key, plain) : this.#zeroIdOf(plain)
    return new InlineChunk(this.#key, compressor, { id, plain, allocation: chunk.kind })
  }

  #zeroIdOf(zeros: Uint8Array): ObjectId {
    const known = this.#zeroIds.get(zeros.length)
    if (known !== undefined) return known
    const id = idHash(this.#key, zeros)
    if (this.#zeroIds.size >= zeroIdsMax) this.#zeroIds.clear()
    this.#zeroIds.set(zeros.length, id)
    return id
  }

  #zerosOf(size: number): Uint8Array {
    if (this.#zeros.length < size) this.#zeros = new Uint8Array(size)
    return this.#zeros.subarray(0, size)
  }

  #chunkersFor(params: ChunkerParams): Chunker[] {
    const name = formatChunkerParams(params)
    const idle = this.#idle.get(name) ?? []
    this.#idle.set(name, idle)
    return idle
  }

  #loadedCompressor(): Promise<Compressor> {
    this.#compressor ??= makeCompressor(this.#spec, (length) => this.#host.randomBytes(length))
    return this.#compressor
  }
}

interface HeldPlain {
  readonly id: ObjectId
  readonly plain: Uint8Array
  readonly allocation: Chunk['kind']
}

class InlineChunk implements HeldChunk {
  readonly id: ObjectId
  readonly size: number
  readonly allocation: Chunk['kind']
  readonly #key: KeyMaterial
  readonly #compressor: Compressor
  #plain: Uint8Array | undefined
  /** Compressed already, because somebody asked how. */
  #payload: Uint8Array | undefined

  constructor(key: KeyMaterial, compressor: Compressor, { id, plain, allocation }: HeldPlain) {
    this.#key = key
    this.#compressor = compressor
    this.id = id
    this.size = plain.length
    this.allocation = allocation
    this.#plain = plain
  }

  get blocksMax(): number {
    return blocksFor(this.#key, this.#compressor, this.size)
  }

  async algorithm(): Promise<StoredAlgorithm> {
    // Payloads are lent until the compressor's next call.
    this.#payload ??= copyBytes(this.#compress())
    return storedAlgorithm(this.#payload)
  }

  async seal(nonce: bigint): Promise<Uint8Array> {
    const payload = this.#payload ?? this.#compress()
    this.drop()
    return sealPayload(this.#key, payload, nonce)
  }

  drop(): void {
    this.#plain = undefined
    this.#payload = undefined
  }

  #compress(): Uint8Array {
    if (this.#plain === undefined) throw new TypeError('this chunk was sealed or dropped before')
    return compressPayload(this.#compressor, this.#plain)
  }

  /** The buffer below is about to be used again: an undecided chunk moves out. Zeros are never overwritten. */
  keep(): void {
    if (this.#plain !== undefined && this.allocation === 'data') this.#plain = copyBytes(this.#plain)
  }
}

/** Cuts as they become known; iterate each group before asking for the next. */
function* cutFile(file: OpenFile, chunker: Chunker): Generator<Iterable<Chunk>> {
  for (;;) {
    const size = readSome(file, chunker.reserve().subarray(0, readSizeMax))
    if (size === 0) break
    yield chunker.accept(size)
  }
  yield chunker.finish()
}

async function* cutStream(bytes: AsyncIterable<Uint8Array>, chunker: Chunker): AsyncGenerator<Iterable<Chunk>> {
  for await (const block of marked(bytes)) yield chunker.push(block)
  yield chunker.finish()
}

function readSome(file: OpenFile, into: Uint8Array): number {
  try {
    return file.read(into)
  } catch (error) {
    throw asSourceReadError(error)
  }
}

/** The same stream, its system errors marked as the source's. */
async function* marked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]()
  let open = true
  try {
    for (;;) {
      const step = await iterator.next().catch((error: unknown) => {
        open = false
        throw asSourceReadError(error)
      })
      open = step.done !== true
      if (step.done) return
      yield step.value
    }
  } finally {
    if (open) await iterator.return?.()
  }
}
