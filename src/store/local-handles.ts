/**
 * Files kept open for reading, so that a positional read is one system call.
 *
 * Limits as in borg: format sheet repository, section 16.
 */
import { nativePath } from '../base/text.ts'
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { withPath } from './local-files.ts'

const readLater = promisify(read)

const handlesMax = 90
const idleMsMax = 240_000
const sweepMs = 1000
/** Above this, a read does not block the thread. */
const asyncReadSize = 1024 * 1024
/** Above this, the file's end is looked up before memory is taken for the answer. */
const trustedLength = 64 * 1024
const zeroedSize = 4096

interface Handle {
  readonly descriptor: number
  usedMs: number
  readers: number
  forgotten: boolean
}

export class LocalHandles {
  readonly #nowMs: () => number
  /** Least recently used first. */
  readonly #handles = new Map<string, Handle>()
  #latest: Handle | undefined
  #sweptMs: number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#sweptMs = nowMs()
  }

  get count(): number {
    return this.#handles.size
  }

  /** Fewer bytes than `length` only at the file's end. Follows symbolic links, as people move segment folders by them. */
  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const handle = this.#take(path)
    try {
      const size =
        length <= trustedLength ? length : Math.min(length, Math.max(0, fstatSync(handle.descriptor).size - offset))
      return await readInto(handle.descriptor, ownMemory(size), offset)
    } catch (error) {
      throw withPath(error, path)
    } finally {
      handle.readers -= 1
      if (handle.forgotten) closeWhenUnused(handle)
    }
  }

  /** Must be called when `path` stops naming the file it named. */
  forget(path: string): void {
    const handle = this.#handles.get(path)
    if (handle === undefined) return
    this.#handles.delete(path)
    if (this.#latest === handle) this.#latest = undefined
    handle.forgotten = true
    closeWhenUnused(handle)
  }

  forgetAll(): void {
    for (const path of [...this.#handles.keys()]) this.forget(path)
  }

  #take(path: string): Handle {
    const nowMs = this.#nowMs()
    if (nowMs - this.#sweptMs > sweepMs) this.#closeIdle(nowMs)
    const handle = this.#handles.get(path) ?? this.#open(path)
    handle.usedMs = nowMs
    handle.readers += 1
    // Reads come in runs on one file: it need not be moved to the end each time.
    if (handle !== this.#latest) {
      this.#handles.delete(path)
      this.#handles.set(path, handle)
      this.#latest = handle
    }
    return handle
  }

  #open(path: string): Handle {
    const [oldest] = this.#handles.keys()
    if (oldest !== undefined && this.#handles.size >= handlesMax) this.forget(oldest)
    return { descriptor: openSync(nativePath(path), constants.O_RDONLY), usedMs: 0, readers: 0, forgotten: false }
  }

  #closeIdle(nowMs: number): void {
    this.#sweptMs = nowMs
    for (const [path, handle] of this.#handles) {
      if (nowMs - handle.usedMs <= idleMsMax) return
      this.forget(path)
    }
  }
}

/** The whole file, opened for this once. */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  const descriptor = openSync(nativePath(path), constants.O_RDONLY)
  try {
    return await readInto(descriptor, ownMemory(fstatSync(descriptor).size), 0)
  } catch (error) {
    throw withPath(error, path)
  } finally {
    closeSync(descriptor)
  }
}

async function readInto(descriptor: number, bytes: Uint8Array, offset: number): Promise<Uint8Array> {
  let done = 0
  while (done < bytes.length) {
    const rest = bytes.length - done
    const got =
      rest <= asyncReadSize
        ? readSync(descriptor, bytes, done, rest, offset + done)
        : (await readLater(descriptor, bytes, done, rest, offset + done)).bytesRead
    if (got === 0) break
    done += got
  }
  return done === bytes.length ? bytes : bytes.slice(0, done)
}

/** Not from Node's shared pool, a plain Uint8Array, and zeroed first only where that is cheaper than asking not to. */
function ownMemory(size: number): Uint8Array {
  if (size <= zeroedSize) return new Uint8Array(size)
  const buffer = Buffer.allocUnsafeSlow(size)
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size)
}

function closeWhenUnused(handle: Handle): void {
  if (handle.readers === 0) closeSync(handle.descriptor)
}
