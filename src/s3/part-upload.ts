/**
 * An object on its way into the bucket: bytes are collected into parts of one size, and full parts are sent while the next
 * one fills. Nothing of it can be seen under its key until `complete`, and then all of it.
 *
 * Held in memory: the part being filled and those that have not arrived yet. Parts that arrived are let go; only
 * `publish`, which ends the upload early and begins another with the same bytes, makes them readable again.
 * All parts but the last have the same size, because R2 insists on it.
 */
import type { Host } from '../base/host.ts'
import { toHex } from '../base/bytes.ts'
import { isTransient, S3Failure } from './failure.ts'
import type { Condition, PutOptions, S3Objects, UploadedPart } from './objects.ts'

export interface PartUploadOptions {
  readonly partSize: number
  readonly storageClass?: string | undefined
  /** The name must be free until we take it. Only where the service honours conditions; elsewhere it cannot be asked for. */
  readonly ifAbsent: boolean
}

/** Sent but not there yet, at most; more wait. */
const partsInFlight = 2
const firstBufferSize = 64 * 1024

interface Part {
  readonly number: number
  readonly bytes: Uint8Array
  sending: Promise<void> | undefined
}

export class PartUpload {
  readonly key: string
  readonly #objects: S3Objects
  readonly #options: PartUploadOptions
  readonly #put: PutOptions
  readonly #aborting = new AbortController()
  #size = 0
  /** Of the part being filled. */
  #buffer = new Uint8Array(0)
  #filled = 0
  /** Full, not arrived. */
  #waiting: Part[] = []
  readonly #arrived: UploadedPart[] = []
  #upload: Promise<string> | undefined
  #failure: { readonly error: unknown } | undefined
  /** From which there is no way on. */
  #broken: { readonly error: unknown } | undefined
  /** How much of it an object under our key holds already, and which object that is. */
  #published = { size: 0, etag: '' }

  /** Touches nothing. */
  constructor(objects: S3Objects, key: string, options: PartUploadOptions) {
    this.#objects = objects
    this.key = key
    this.#options = options
    this.#put = { storageClass: options.storageClass, writer: writerName(objects.client.host) }
  }

  /** Bytes taken so far. */
  get size(): number {
    return this.#size
  }

  get publishedSize(): number {
    return this.#published.size
  }

  /** Waits until there is room for more. @throws S3Failure; then asking again tries again. */
  async ready(): Promise<void> {
    this.#pump()
    while (this.#waiting.length > partsInFlight) {
      await this.#waiting[0]?.sending
      this.#throwFailure()
      this.#pump()
    }
    this.#throwFailure()
  }

  /** Takes a copy. Cannot fail; call `ready` first, so that not too much is held. */
  add(bytes: Uint8Array): void {
    const { partSize } = this.#options
    for (let at = 0; at < bytes.length; ) {
      const room = Math.min(bytes.length - at, partSize - this.#filled)
      this.#reserve(this.#filled + room)
      this.#buffer.set(bytes.subarray(at, at + room), this.#filled)
      this.#filled += room
      at += room
      if (this.#filled === partSize) this.#closePart()
    }
    this.#size += bytes.length
    this.#pump()
  }

  /** Bytes from `offset` on that are in memory, up to `end`; undefined where a part was let go that covers `offset`. */
  inMemory(offset: number, end: number): Uint8Array | undefined {
    const { partSize } = this.#options
    const number = Math.floor(offset / partSize) + 1
    const start = (number - 1) * partSize
    const part = this.#waiting.find((each) => each.number === number)
    if (part !== undefined) return part.bytes.slice(offset - start, end - start)
    const isFilling = number === this.#arrived.length + this.#waiting.length + 1
    return isFilling ? this.#buffer.slice(offset - start, Math.min(end - start, this.#filled)) : undefined
  }

  /** Everything is in the bucket when this resolves, but nobody sees it. `complete` shows it. */
  async store(): Promise<void> {
    if (this.#filled > 0 || this.#arrived.length + this.#waiting.length === 0) this.#closePart()
    await this.#drain()
  }

  /** Makes it an object, at once if it is small. @throws S3Failure; it may have become one nevertheless. */
  async complete(): Promise<void> {
    if (this.#upload === undefined && this.#waiting.length === 0 && this.#published.size === 0) {
      const body = this.#buffer.subarray(0, this.#filled)
      if (!(await this.#objects.put(this.key, body, { ...this.#put, condition: this.#condition }))) {
        await this.#requireOurs(this.#size)
      }
      return
    }
    if (this.#filled > 0) this.#closePart()
    await this.#drain()
    await this.#finish()
  }

  /**
   * Makes the parts that have arrived an object, unfinished as it is; what comes later will replace it by a longer one.
   * Reading it back is the only way to see them again.
   */
  async publish(): Promise<void> {
    await this.#drain()
    try {
      await this.#finish()
      const found = await this.#objects.head(this.key)
      const count = this.#arrived.length
      this.#published = { size: count * this.#options.partSize, etag: found?.etag ?? '' }
      // The same parts again, by copies within the bucket.
      this.#arrived.length = 0
      this.#upload = this.#objects.createUpload(this.key, this.#put)
      const upload = await this.#upload
      for (let number = 1; number <= count; number++) this.#arrived.push(await this.#copyPart(upload, number))
    } catch (error) {
      // Half way between two uploads: nothing can be built on that.
      this.#broken = { error }
      throw error
    }
  }

  async abandon(): Promise<void> {
    this.#aborting.abort(new S3Failure(0, '', 'given up'))
    this.#buffer = new Uint8Array(0)
    this.#filled = 0
    await Promise.allSettled(this.#waiting.map((part) => part.sending))
    this.#waiting = []
    const upload = await this.#upload?.catch(() => undefined)
    if (upload !== undefined) await this.#objects.abortUpload(this.key, upload)
  }

  get #condition(): Condition | undefined {
    if (!this.#options.ifAbsent) return undefined
    return this.#published.size === 0 ? 'if absent' : { ifMatch: this.#published.etag }
  }

  async #finish(): Promise<void> {
    const upload = await this.#upload
    if (upload === undefined) return
    const parts = [...this.#arrived]
    const outcome = await this.#objects.completeUpload(this.key, upload, parts, this.#condition)
    // Either an attempt of ours succeeded without our hearing of it, or somebody interfered.
    if (outcome !== 'done') await this.#requireOurs(this.#arrivedSize)
  }

  get #arrivedSize(): number {
    return Math.min(this.#size, this.#arrived.length * this.#options.partSize)
  }

  async #requireOurs(size: number): Promise<void> {
    const found = await this.#objects.head(this.key)
    if (found?.writer === this.#put.writer && found?.size === size) return
    const why =
      found === undefined ? 'the upload was given up by somebody else' : 'somebody else has written it meanwhile'
    throw this.#objects.client.failure(412, 'PreconditionFailed', 'writing', this.key, why)
  }

  async #copyPart(upload: string, number: number): Promise<UploadedPart> {
    const { partSize } = this.#options
    const range = { offset: (number - 1) * partSize, length: partSize }
    try {
      return await this.#objects.copyPart(this.key, upload, number, { key: this.key, ...range })
    } catch (error) {
      if (!(error instanceof S3Failure) || isTransient(error)) throw error
      // Not every service can copy parts: then the bytes travel twice.
      const found = await this.#objects.get(this.key, range)
      if (found?.bytes.length !== partSize) throw error
      return await this.#objects.putPart(this.key, upload, number, found.bytes)
    }
  }

  #reserve(size: number): void {
    if (size <= this.#buffer.length) return
    const grown = new Uint8Array(
      Math.min(this.#options.partSize, Math.max(size, 2 * this.#buffer.length, firstBufferSize)),
    )
    grown.set(this.#buffer.subarray(0, this.#filled))
    this.#buffer = grown
  }

  #closePart(): void {
    const number = this.#arrived.length + this.#waiting.length + 1
    this.#waiting.push({ number, bytes: this.#buffer.subarray(0, this.#filled), sending: undefined })
    this.#buffer = new Uint8Array(0)
    this.#filled = 0
  }

  /** Starts what may be started. Failures are kept for `ready` and `#drain` to throw. */
  #pump(): void {
    for (const part of this.#waiting.slice(0, partsInFlight)) part.sending ??= this.#send(part)
  }

  async #send(part: Part): Promise<void> {
    try {
      this.#upload ??= this.#objects.createUpload(this.key, this.#put)
      const upload = await this.#upload.catch((error: unknown) => {
        this.#upload = undefined
        throw error
      })
      const sent = await this.#objects.putPart(this.key, upload, part.number, part.bytes, this.#aborting.signal)
      this.#arrived.push(sent)
      this.#waiting = this.#waiting.filter((each) => each !== part)
    } catch (error) {
      this.#failure ??= { error }
      part.sending = undefined
    }
  }

  async #drain(): Promise<void> {
    this.#throwFailure()
    for (;;) {
      this.#pump()
      const [first] = this.#waiting
      if (first === undefined) break
      await first.sending
      this.#throwFailure()
    }
    this.#arrived.sort((a, b) => a.number - b.number)
  }

  #throwFailure(): void {
    if (this.#broken !== undefined) throw this.#broken.error
    const failure = this.#failure
    if (failure === undefined) return
    this.#failure = undefined
    throw failure.error
  }
}

function writerName(host: Host): string {
  return toHex(host.randomBytes(16))
}
