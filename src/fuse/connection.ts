/**
 * The conversation with the kernel: requests in as they come, answers out as they are ready.
 *
 * Reading never blocks, so that the conversation can be ended from our side; several requests are under way at a time,
 * as many as the kernel sends.
 */
import { systemErrorCode } from '../base/errors.ts'
import { errnoTable } from '../base/errno-table.ts'
import type { TreeFileSystem } from './file-system.ts'
import { decodeRequest, encodeError, encodeReplyHeader, type Request } from './protocol.ts'

/** An open /dev/fuse. Tests pass a fake. */
export interface FuseDevice {
  /** Resolves when there may be something to read, or after `wake`. */
  ready(): Promise<void>
  /** Whether there is something to read within less than a millisecond, for which it may hold up this thread. */
  readySoon(): boolean
  /** The next request; undefined when there is none now. @throws system errors: ENODEV once it is unmounted */
  read(into: Uint8Array): number | undefined
  /** One reply, in parts. @throws system errors: ENOENT when nobody waits for it any more */
  write(parts: readonly Uint8Array[]): void
  wake(): void
  close(): void
}

/** Room for the largest request that has no data to write. */
const bufferSize = 64 * 1024
/** Requests taken in a row before timers and other callbacks get their turn. */
const batchMax = 64
/** Steps of promises an answer takes that needs nothing to be read. */
const quickSteps = 16

/** Serves until the file system is unmounted, or until `stop`. The device is closed then. */
export class FuseConnection {
  readonly #device: FuseDevice
  readonly #files: TreeFileSystem
  /** Asked and not answered. */
  readonly #open = new Set<bigint>()
  readonly #running = new Set<Promise<void>>()
  readonly #initialised: Promise<void>
  #onInitialised: () => void = () => {}
  #stopping = false
  #failure: unknown
  readonly done: Promise<void>

  constructor(device: FuseDevice, files: TreeFileSystem) {
    this.#device = device
    this.#files = files
    this.#initialised = new Promise((resolve) => {
      this.#onInitialised = resolve
    })
    this.done = this.#serve()
    // Who does not wait for the end must not be ended by it.
    this.done.catch(() => {})
  }

  /** Resolves when kernel and we have agreed on a version. @throws what ended the conversation before */
  async started(): Promise<void> {
    await Promise.race([this.#initialised, this.done.then(() => Promise.reject(new Error('unmounted at once')))])
  }

  /** Ends the conversation: who still uses the file system gets errors. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#device.wake()
    await this.done
  }

  async #serve(): Promise<void> {
    const buffer = new Uint8Array(bufferSize)
    try {
      for (let taken = 0; !this.#stopping; ) {
        const outcome = this.#takeOne(buffer)
        if (outcome === 'unmounted') return
        // What asked this mostly asks more at once: the answer goes out before anything else, and the next is near.
        for (let step = 0; step < quickSteps && this.#running.size > 0; step++) await undefined
        if (outcome === 'taken' && taken < batchMax) taken += 1
        else {
          taken = 0
          if (outcome === 'taken') await new Promise((resolve) => setImmediate(resolve))
          else if (this.#running.size > 0 || !this.#device.readySoon()) await this.#device.ready()
        }
      }
    } finally {
      this.#device.close()
      await Promise.all(this.#running)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #takeOne(buffer: Uint8Array): 'taken' | 'nothing' | 'unmounted' {
    try {
      const size = this.#device.read(buffer)
      if (size === undefined) return 'nothing'
      this.#take(buffer.subarray(0, size))
      return 'taken'
    } catch (error) {
      switch (systemErrorCode(error)) {
        case 'ENODEV':
          return 'unmounted'
        case 'EINTR':
        // The asker gave up before we took it.
        case 'ENOENT':
          return 'taken'
        default:
          throw error
      }
    }
  }

  #take(bytes: Uint8Array): void {
    const request = decodeRequest(bytes)
    if (request === undefined) return
    if (request.kind === 'interrupt') {
      this.#interrupt(request.interrupted)
      return
    }
    this.#open.add(request.unique)
    const running = this.#answer(request)
      .catch((error) => {
        this.#failure ??= error
        this.#stopping = true
        this.#device.wake()
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #answer(request: Request): Promise<void> {
    const answer = await this.#files.answer(request)
    if (!this.#open.delete(request.unique)) return
    if (answer.kind === 'failed') this.#send([encodeError(request.unique, answer.errno)])
    if (answer.kind === 'done') this.#sendBody(request, answer.body)
  }

  /** An answer the kernel does not take is that asker's trouble: the others go on. */
  #sendBody({ unique, kind }: Request, body: Uint8Array): void {
    try {
      this.#send([encodeReplyHeader(unique, body.length), body])
    } catch (error) {
      if (systemErrorCode(error) !== 'EINVAL' || kind === 'init') throw error
      this.#send([encodeError(unique, errnoTable['EIO']?.[0] ?? 5)])
    }
    if (kind === 'init') this.#onInitialised()
  }

  /** Whoever waits for a slow answer may give up: it is not stopped, only no longer waited for. */
  #interrupt(unique: bigint): void {
    if (this.#open.delete(unique)) this.#send([encodeError(unique, errnoTable['EINTR']?.[0] ?? 4)])
  }

  #send(parts: readonly Uint8Array[]): void {
    if (this.#stopping) return
    try {
      this.#device.write(parts)
    } catch (error) {
      const code = systemErrorCode(error)
      // Nobody waits for it any more, or everything is over.
      if (code !== 'ENOENT' && code !== 'ENODEV' && code !== 'EBADF') throw error
    }
  }
}
