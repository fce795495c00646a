/**
 * A file of an SftpStore while it is written: created exclusively, made durable with its name when sealed.
 */
import type { AppendFile } from '../store/store.ts'
import type { SftpFiles } from './sftp-files.ts'
import type { SftpOutput } from './sftp-output.ts'

export class SftpAppendFile implements AppendFile {
  readonly #files: SftpFiles
  readonly #path: string
  readonly #handle: Buffer
  #output: SftpOutput | undefined
  #size = 0

  constructor(files: SftpFiles, path: string, handle: Buffer, output: SftpOutput) {
    this.#files = files
    this.#path = path
    this.#handle = handle
    this.#output = output
  }

  get size(): number {
    return this.#output?.size ?? this.#size
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    await this.#open().write(parts)
  }

  async flush(): Promise<void> {
    await this.#open().flush()
  }

  async seal(): Promise<void> {
    const output = this.#open()
    this.#close(output)
    try {
      await output.finish(this.#files.syncs)
    } catch (error) {
      await this.#files.closeQuietly(this.#handle, this.#path)
      throw error
    }
    await this.#files.session.closeHandle(this.#handle, this.#path)
    await this.#files.syncFolderOf(this.#path)
  }

  async abandon(): Promise<void> {
    const output = this.#output
    if (output === undefined) return
    this.#close(output)
    await output.abandon()
    await this.#files.closeQuietly(this.#handle, this.#path)
  }

  #close(output: SftpOutput): void {
    this.#size = output.size
    this.#output = undefined
  }

  #open(): SftpOutput {
    if (this.#output === undefined) throw new RangeError(`'${this.#path}' is no longer open for writing`)
    return this.#output
  }
}
