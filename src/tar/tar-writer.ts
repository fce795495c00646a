/**
 * Writes a tarball in GNU's format, byte for byte as Python's tarfile does in stream mode.
 */
import { blockSize, encodeHeader, paddingOf, recordSize } from './header.ts'
import type { TarMember, TarType } from './member.ts'

/** Takes bytes in order; resolves when more is welcome. */
export type TarSink = (bytes: Uint8Array) => void | Promise<void>

/** Small pieces are written together. */
const bufferSize = 128 * 1024

export class TarWriter {
  readonly #write: TarSink
  #written = 0
  #buffer = new Uint8Array(bufferSize)
  #buffered = 0

  constructor(write: TarSink) {
    this.#write = write
  }

  /** @throws RangeError when `content` is not as long as `member.size` said, which is then already written */
  async add(
    member: Omit<TarMember, 'typeFlag'> & { readonly type: TarType },
    content?: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#put(encodeHeader(member))
    let size = 0
    for await (const bytes of content ?? []) {
      size += bytes.length
      if (size > member.size) break
      await this.#put(bytes)
    }
    if (size !== member.size) throw new RangeError(`content of ${member.name} has ${size} bytes, not ${member.size}`)
    await this.#put(new Uint8Array(paddingOf(size)))
  }

  /** Two blocks of zeros, and more of them up to a whole record. */
  async finish(): Promise<void> {
    const end = this.#written + 2 * blockSize
    await this.#put(new Uint8Array(Math.ceil(end / recordSize) * recordSize - this.#written))
    await this.#flush()
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#written += bytes.length
    if (this.#buffered + bytes.length > bufferSize) await this.#flush()
    if (bytes.length > bufferSize) return await this.#write(bytes)
    this.#buffer.set(bytes, this.#buffered)
    this.#buffered += bytes.length
  }

  /** What was handed out is not touched again: the sink may still hold it. */
  async #flush(): Promise<void> {
    if (this.#buffered === 0) return
    const full = this.#buffer.subarray(0, this.#buffered)
    this.#buffer = new Uint8Array(bufferSize)
    this.#buffered = 0
    await this.#write(full)
  }
}
