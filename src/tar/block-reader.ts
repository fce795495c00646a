/**
 * A stream of bytes cut where a tarball needs it, with the position for error messages.
 */
import { TarFormatError } from './member.ts'

export class BlockReader {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #position = 0

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#source = input[Symbol.asyncIterator]()
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position
  }

  /** The next `size` bytes, fewer at the end of the input. */
  async read(size: number): Promise<Uint8Array> {
    const block = new Uint8Array(size)
    let filled = 0
    while (filled < size) {
      const bytes = await this.#some(size - filled)
      if (bytes.length === 0) return block.subarray(0, filled)
      block.set(bytes, filled)
      filled += bytes.length
    }
    return block
  }

  /** @throws TarFormatError when the input has fewer */
  async readExactly(size: number, what: string): Promise<Uint8Array> {
    const start = this.#position
    const bytes = await this.read(size)
    if (bytes.length < size) throw new TarFormatError(start, `cut off within ${what}`)
    return bytes
  }

  /** The next `size` bytes in views of the input. @throws TarFormatError when it has fewer */
  async *stream(size: number, what: string): AsyncGenerator<Uint8Array, void, undefined> {
    const start = this.#position
    for (let left = size; left > 0; ) {
      const bytes = await this.#some(left)
      if (bytes.length === 0) throw new TarFormatError(start, `cut off within ${what}, which begins`)
      left -= bytes.length
      yield bytes
    }
  }

  async skip(size: number, what: string): Promise<void> {
    for await (const _ of this.stream(size, what));
  }

  /** Closes the input. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  /** Up to `sizeMax` bytes, none at the end of the input. */
  async #some(sizeMax: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next()
      if (next.done === true) return this.#rest
      this.#rest = next.value
    }
    const bytes = this.#rest.subarray(0, sizeMax)
    this.#rest = this.#rest.subarray(bytes.length)
    this.#position += bytes.length
    return bytes
  }
}
