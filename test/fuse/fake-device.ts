/**
 * A kernel of our own: queues requests, keeps replies by the request they answer.
 */
import { makeSystemErrorNamed } from '../../src/base/errno.ts'
import type { FuseDevice } from '../../src/fuse/connection.ts'

export interface Reply {
  /** Positive errno, or 0. */
  readonly error: number
  readonly body: Uint8Array
}

export class FakeDevice implements FuseDevice {
  readonly #queue: Uint8Array[] = []
  readonly #replies = new Map<bigint, Reply>()
  readonly #waiting = new Map<bigint, (reply: Reply) => void>()
  #wake: () => void = () => {}
  #unique = 0n
  closed = false
  unmounted = false
  /** Thrown by the next `read`, once. */
  readError: string | undefined
  /** Larger replies are refused. */
  replySizeMax = Number.POSITIVE_INFINITY

  ready(): Promise<void> {
    if (this.#queue.length > 0 || this.unmounted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  readySoon(): boolean {
    return this.#queue.length > 0
  }

  read(into: Uint8Array): number | undefined {
    const error = this.unmounted ? 'ENODEV' : this.readError
    this.readError = undefined
    if (error !== undefined) throw makeSystemErrorNamed(error, 'read')
    const next = this.#queue.shift()
    if (next === undefined) return undefined
    into.set(next)
    return next.length
  }

  write(parts: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(parts)
    if (bytes.readUInt32LE(0) !== bytes.length) throw new Error(`a reply of ${bytes.length} bytes says otherwise`)
    if (bytes.length > this.replySizeMax) throw makeSystemErrorNamed('EINVAL', 'write')
    const unique = bytes.readBigUInt64LE(8)
    if (this.#replies.has(unique)) throw new Error(`request ${unique} was answered before`)
    const reply = { error: Math.abs(bytes.readInt32LE(4)), body: Uint8Array.from(bytes.subarray(16)) }
    this.#replies.set(unique, reply)
    this.#waiting.get(unique)?.(reply)
  }

  wake(): void {
    this.#wake()
  }

  close(): void {
    this.closed = true
  }

  unmount(): void {
    this.unmounted = true
    this.#wake()
  }

  /** The number of the request. */
  send(opcode: number, node: number, body: Uint8Array = new Uint8Array(0)): bigint {
    this.#unique += 2n
    const bytes = Buffer.alloc(40 + body.length)
    bytes.writeUInt32LE(bytes.length, 0)
    bytes.writeUInt32LE(opcode, 4)
    bytes.writeBigUInt64LE(this.#unique, 8)
    bytes.writeBigUInt64LE(BigInt(node), 16)
    bytes.set(body, 40)
    this.#queue.push(bytes)
    this.#wake()
    return this.#unique
  }

  answerTo(unique: bigint): Promise<Reply> {
    const known = this.#replies.get(unique)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve) => this.#waiting.set(unique, resolve))
  }

  isAnswered(unique: bigint): boolean {
    return this.#replies.has(unique)
  }

  async ask(opcode: number, node: number, body?: Uint8Array): Promise<Reply> {
    return await this.answerTo(this.send(opcode, node, body))
  }
}
