/**
 * Reading: files kept open, so that a positional read is one trip, and several requests at once for long ones.
 */
import type { SftpSession } from './sftp-session.ts'

/** Servers allow few: some stop at 16. */
const handlesMax = 8
const inFlightMax = 2 * 1024 * 1024
/** Above this, the file's end is looked up before memory is taken for the answer. */
const trustedLength = 64 * 1024

interface OpenFile {
  readonly handle: Promise<Buffer>
  readers: number
  forgotten: boolean
}

export class SftpHandles {
  readonly #session: SftpSession
  readonly #open: (path: string) => Promise<Buffer>
  /** Least recently used first. */
  readonly #files = new Map<string, OpenFile>()

  constructor(session: SftpSession, open: (path: string) => Promise<Buffer>) {
    this.#session = session
    this.#open = open
  }

  /** Fewer bytes than `length` only at the file's end. */
  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await this.#take(path)
    try {
      const handle = await file.handle
      const size = length <= trustedLength ? length : await this.#sizeFrom(handle, path, offset, length)
      return await readPieces(this.#session, handle, path, offset, size)
    } catch (error) {
      // Whatever happened, the next read looks anew.
      await this.forget(path)
      throw error
    } finally {
      file.readers -= 1
      if (file.forgotten) await this.#closeUnused(path, file)
    }
  }

  /** Must be called before `path` stops naming the file it named. */
  async forget(path: string): Promise<void> {
    const file = this.#files.get(path)
    if (file === undefined) return
    this.#files.delete(path)
    file.forgotten = true
    await this.#closeUnused(path, file)
  }

  async forgetAll(): Promise<void> {
    for (const path of [...this.#files.keys()]) await this.forget(path)
  }

  async #take(path: string): Promise<OpenFile> {
    const known = this.#files.get(path)
    const file = known ?? { handle: this.#open(path), readers: 0, forgotten: false }
    file.readers += 1
    this.#files.delete(path)
    this.#files.set(path, file)
    if (known === undefined) {
      // It is waited for below, by who reads.
      file.handle.catch(() => {})
      const oldest = [...this.#files.keys()].slice(0, Math.max(0, this.#files.size - handlesMax))
      for (const name of oldest) await this.forget(name)
    }
    return file
  }

  async #sizeFrom(handle: Buffer, path: string, offset: number, length: number): Promise<number> {
    const { size } = await this.#session.fstat(handle, path)
    return size === undefined ? length : Math.min(length, Math.max(0, size - offset))
  }

  async #closeUnused(path: string, file: OpenFile): Promise<void> {
    if (file.readers > 0) return
    try {
      await this.#session.closeHandle(await file.handle, path)
    } catch {
      // It was never open, or the connection is gone: whoever needs it hears of that.
    }
  }
}

/** The whole file, opened for this once. */
export async function readWholeFile(session: SftpSession, handle: Buffer, path: string): Promise<Uint8Array> {
  const { size } = await session.fstat(handle, path)
  if (size !== undefined) return await readPieces(session, handle, path, 0, size)
  // A server that tells no sizes is read until it ends.
  const pieces: Uint8Array[] = []
  for (let offset = 0; ; ) {
    const piece = await session.read(handle, offset, session.readSize, path)
    if (piece === undefined || piece.length === 0) return new Uint8Array(Buffer.concat(pieces))
    pieces.push(piece)
    offset += piece.length
  }
}

async function readPieces(
  session: SftpSession,
  handle: Buffer,
  path: string,
  offset: number,
  size: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  const { readSize } = session
  const count = Math.ceil(size / readSize)
  let next = 0
  let end = size
  const work = async (): Promise<void> => {
    while (next < count && next * readSize < end) {
      const start = next * readSize
      next += 1
      const got = await readPiece(session, handle, path, offset, bytes.subarray(start, start + readSize), start)
      // The file ends in this piece: it became shorter, or is shorter than was asked for.
      if (start + got < Math.min(start + readSize, size)) end = Math.min(end, start + got)
    }
  }
  const workers = Math.min(count, Math.max(1, Math.floor(inFlightMax / readSize)))
  await Promise.all(Array.from({ length: workers }, work))
  return end === size ? bytes : bytes.slice(0, end)
}

/** Servers may answer with less than was asked for. */
async function readPiece(
  session: SftpSession,
  handle: Buffer,
  path: string,
  offset: number,
  into: Uint8Array,
  start: number,
): Promise<number> {
  let done = 0
  while (done < into.length) {
    const piece = await session.read(handle, offset + start + done, into.length - done, path)
    if (piece === undefined || piece.length === 0) break
    into.set(piece.subarray(0, into.length - done), done)
    done += piece.length
  }
  return Math.min(done, into.length)
}
