/**
 * A file of a LocalStore while it is written: created exclusively, made durable with its name when sealed.
 *
 * Source: format sheet repository, section 16 (SyncFile).
 */
import { nativePath } from '../base/text.ts'
import { closeSync, constants, openSync } from 'node:fs'
import { namingFile, syncAndClose, syncFolder, writePartsSync } from './local-files.ts'
import type { AppendFile } from './store.ts'

export class LocalAppendFile implements AppendFile {
  readonly #path: string
  readonly #folder: string
  #descriptor: number | undefined
  #size = 0
  /** Whether a failed write may have left bytes past `#size`. */
  #overlong = false

  /** @throws the system's EEXIST when there is a file of that name. */
  static create(path: string, folder: string, mode: number): LocalAppendFile {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
    return new LocalAppendFile(path, folder, openSync(nativePath(path), flags, mode))
  }

  private constructor(path: string, folder: string, descriptor: number) {
    this.#path = path
    this.#folder = folder
    this.#descriptor = descriptor
  }

  get size(): number {
    return this.#size
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    const descriptor = this.#open()
    this.#overlong = true
    await namingFile(this.#path, () => {
      // Positioned, so that what a failed call wrote is written over by the next.
      writePartsSync(descriptor, parts, this.#size)
    })
    this.#overlong = false
    for (const part of parts) this.#size += part.length
  }

  /** Nothing is held back, so nothing is left to be done. */
  async flush(): Promise<void> {
    this.#open()
  }

  async seal(): Promise<void> {
    const descriptor = this.#open()
    this.#descriptor = undefined
    await namingFile(this.#path, () => syncAndClose(descriptor, this.#overlong ? this.#size : undefined))
    await syncFolder(this.#folder)
  }

  async abandon(): Promise<void> {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #open(): number {
    if (this.#descriptor === undefined) throw new RangeError(`'${this.#path}' is no longer open for writing`)
    return this.#descriptor
  }
}
