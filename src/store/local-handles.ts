/**
 * Files kept open for reading, so that a positional read is one system call.
 *
 * Limits as in borg: format sheet repository, section 16.
 */
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { nativePath, withPath } from './local-files.ts'

const readLater = promisify(read)

const handlesMax = 90
const idleMsMax = 240_000
/** Above this, a read does not block the thread. */
const asyncReadSize = 1024 * 1024
/** Above this, the file's end is looked up before memory is taken for the answer. */
const trustedLength = 64 * 1024

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

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
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
    handle.forgotten = true
    closeWhenUnused(handle)
  }

  forgetAll(): void {
    for (const path of [...this.#handles.keys()]) this.forget(path)
  }

  #take(path: string): Handle {
    const nowMs = this.#nowMs()
    this.#closeIdle(nowMs)
    const found = this.#handles.get(path)
    const handle = found ?? {
      descriptor: openSync(nativePath(path), constants.O_RDONLY),
      usedMs: nowMs,
      readers: 0,
      forgotten: false,
    }
    handle.usedMs = nowMs
    handle.readers += 1
    this.#handles.delete(path)
    this.#handles.set(path, handle)
    return handle
  }

  #closeIdle(nowMs: number): void {
    for (const [path, handle] of this.#handles) {
      if (this.#handles.size < handlesMax && nowMs - handle.usedMs <= idleMsMax) return
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

/** Not zeroed first, not from Node's shared pool, and a plain Uint8Array. */
function ownMemory(size: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(size)
  return new Uint8Array(buffer.buffer, buffer.byteOffset, size)
}

function closeWhenUnused(handle: Handle): void {
  if (handle.readers === 0) closeSync(handle.descriptor)
}
