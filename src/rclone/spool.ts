/**
 * A local file for content on its way to a remote: so that an upload may be repeated, has a known size, and can be read
 * from while it is not there yet.
 */
import { mkdtempSync } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const pieceSize = 1024 * 1024

export class Spool implements AsyncDisposable {
  #size = 0
  readonly #file: FileHandle

  /** In a new folder that only we may enter, and already without a name: it is gone with the process. */
  static async make(): Promise<Spool> {
    const folder = mkdtempSync(join(tmpdir(), 'tsborg-upload-'))
    try {
      return new Spool(await open(join(folder, 'content'), 'wx+', 0o600))
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  private constructor(file: FileHandle) {
    this.#file = file
  }

  get size(): number {
    return this.#size
  }

  /** All parts or, when it throws, none. */
  async append(parts: readonly Uint8Array[]): Promise<void> {
    let position = this.#size
    for (const part of parts) {
      let done = 0
      while (done < part.length) {
        const { bytesWritten } = await this.#file.write(part, done, part.length - done, position + done)
        done += bytesWritten
      }
      position += part.length
    }
    this.#size = position
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.#size - offset))
    const bytes = new Uint8Array(wanted)
    let done = 0
    while (done < wanted) {
      const { bytesRead } = await this.#file.read(bytes, done, wanted - done, offset + done)
      if (bytesRead === 0) throw new Error('a file for uploads became shorter')
      done += bytesRead
    }
    return bytes
  }

  /** Everything, from the start. */
  async *content(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < this.#size; offset += pieceSize) yield await this.read(offset, pieceSize)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
