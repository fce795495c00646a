/**
 * A Store that leaves room on the line for others: at most so many bytes a second up, and so many down.
 *
 * What is written goes out in pieces, evenly. What is read is asked for as it was: two halves of a file could be of two
 * different files. Names, sizes and claims cost nothing.
 */
import { concatBytes, copyBytes, equalBytes } from '../base/bytes.ts'
import { type Host, systemHost } from '../base/host.ts'
import type { StorePath } from '../base/ids.ts'
import { ByteRate } from './byte-rate.ts'
import {
  type AppendFile,
  contentPieces,
  type FileContent,
  type NewFile,
  type Store,
  type WriteOptions,
} from './store.ts'
import { WrappingStore } from './wrapping-store.ts'

export interface ThrottleOptions {
  /** Absent: as fast as it goes. */
  readonly uploadBytesPerSecond?: number | undefined
  /** Absent: as fast as it goes. */
  readonly downloadBytesPerSecond?: number | undefined
  readonly host?: Host | undefined
  /** Ends waiting at once; calls made after it are not held up. */
  readonly signal?: AbortSignal | undefined
}

/** The two limits, to be shared by all Stores on one line: a Store opened again must not start with a full purse. */
export class LineRates {
  readonly up: ByteRate | undefined
  readonly down: ByteRate | undefined
  readonly signal: AbortSignal | undefined

  /** @throws RangeError for a rate that is no positive number. */
  constructor(options: ThrottleOptions) {
    const { uploadBytesPerSecond, downloadBytesPerSecond, host = systemHost, signal } = options
    this.up = uploadBytesPerSecond === undefined ? undefined : new ByteRate(uploadBytesPerSecond, host, signal)
    this.down = downloadBytesPerSecond === undefined ? undefined : new ByteRate(downloadBytesPerSecond, host, signal)
    this.signal = signal
  }
}

export class ThrottledStore extends WrappingStore {
  readonly #rates: LineRates

  /** Owns `inner`. */
  constructor(inner: Store, rates: LineRates | ThrottleOptions) {
    super(inner)
    this.#rates = rates instanceof LineRates ? rates : new LineRates(rates)
  }

  override parent(): Store | undefined {
    const parent = this.inner.parent()
    return parent === undefined ? undefined : new ThrottledStore(parent, this.#rates)
  }

  override async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const { down } = this.#rates
    if (down === undefined) return this.inner.read(path, range)
    // As if all of it came, so that many at a time do not slip through; what a whole file costs is known only afterwards.
    const expected = range?.length ?? 0
    await down.take(expected)
    let received = 0
    try {
      const bytes = await this.inner.read(path, range)
      received = bytes.length
      return bytes
    } finally {
      down.give(expected - received)
    }
  }

  override async write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void> {
    return this.inner.write(path, this.#paced(content), options)
  }

  override async writeInOrder(files: readonly NewFile[]): Promise<void> {
    return this.inner.writeInOrder(files.map(({ path, content }) => ({ path, content: this.#paced(content) })))
  }

  override async append(path: StorePath): Promise<AppendFile> {
    const file = await this.inner.append(path)
    const { up } = this.#rates
    return up === undefined ? file : new ThrottledAppendFile(file, up)
  }

  #paced(content: FileContent): FileContent {
    const { up, signal } = this.#rates
    return up === undefined ? content : pacedPieces(content, up, signal)
  }
}

async function* pacedPieces(content: FileContent, rate: ByteRate, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  // Begun after an abort it is cleaning up, and runs to its end; an abort in the middle ends it there.
  const isAfterAbort = signal?.aborted === true
  for await (const whole of contentPieces(content)) {
    for (const piece of cut(whole, rate.pieceSize)) {
      if (!isAfterAbort) signal?.throwIfAborted()
      await rate.take(piece.length)
      yield piece
    }
  }
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** One call becomes several of the file inside; one that failed half way goes on from there when it is repeated. */
class ThrottledAppendFile implements AppendFile {
  readonly #inner: AppendFile
  readonly #rate: ByteRate
  #size = 0
  /** What a failed call has written all the same. */
  #ahead: Uint8Array = new Uint8Array(0)

  constructor(inner: AppendFile, rate: ByteRate) {
    this.#inner = inner
    this.#rate = rate
  }

  get size(): number {
    return this.#size
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts)
    const done = this.#ahead.length
    if (!equalBytes(bytes.subarray(0, done), this.#ahead)) {
      throw new RangeError('a write that failed half way can only be repeated as it was')
    }
    try {
      if (bytes.length === done) await this.#inner.write()
      for (const piece of cut(bytes.subarray(done), this.#rate.pieceSize)) {
        await this.#rate.take(piece.length)
        await this.#inner.write(piece)
      }
    } catch (error) {
      this.#ahead = copyBytes(bytes.subarray(0, this.#inner.size - this.#size))
      throw error
    }
    this.#size += bytes.length
    this.#ahead = new Uint8Array(0)
  }

  async flush(): Promise<void> {
    await this.#inner.flush()
  }

  async seal(): Promise<void> {
    if (this.#ahead.length > 0) throw new RangeError('a file cannot be sealed after a write that failed half way')
    await this.#inner.seal()
  }

  async abandon(): Promise<void> {
    await this.#inner.abandon()
  }
}
