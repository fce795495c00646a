/** An open file without a disk: content, the sizes its reads come in, and where it breaks. */
import type { FileLayout, OpenFile, Stat } from '../../src/platform/file-system.ts'

export interface MemoryFileOptions {
  /** Largest result of a read, as with pipes; absent: whatever fits. */
  readonly readSize?: number
  /** The read that would pass this offset throws `error`. */
  readonly failAt?: number
  readonly error?: Error
  /** What the file system says about holes; absent: nothing. */
  readonly layout?: FileLayout
}

export class MemoryFile implements OpenFile {
  readonly descriptor = -1
  readonly #content: Uint8Array
  readonly #options: MemoryFileOptions
  #position = 0
  reads = 0
  closed = false

  constructor(content: Uint8Array, options: MemoryFileOptions = {}) {
    this.#content = content
    this.#options = options
  }

  stat(): Stat {
    throw new Error('a lane has no business with metadata')
  }

  read(into: Uint8Array): number {
    this.reads += 1
    const part = this.#content.subarray(
      this.#position,
      this.#position + Math.min(into.length, this.#options.readSize ?? into.length),
    )
    const { failAt, error } = this.#options
    if (failAt !== undefined && this.#position + part.length >= failAt) throw error ?? systemError('EIO', 'read')
    into.set(part)
    this.#position += part.length
    return part.length
  }

  readAt(into: Uint8Array, position: number): number {
    this.reads += 1
    const part = this.#content.subarray(
      position,
      position + Math.min(into.length, this.#options.readSize ?? into.length),
    )
    into.set(part)
    return part.length
  }

  layout(): FileLayout | undefined {
    return this.#options.layout
  }

  close(): void {
    this.closed = true
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** As Node reports what the system said. */
export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: failed, ${syscall}`), { code, syscall, errno: -5 })
}
