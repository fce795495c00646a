/**
 * Items out of a damaged stream: skips what is lost and goes on at the next thing that looks like an item.
 *
 * An item starts with a map header followed by one of the known keys. After damage the decoder looks for the next such
 * place and takes it if a whole valid item follows. Source: format sheet objects.md section 10.
 */
import { encodeText } from '../base/text.ts'
import { isIntegrityError } from '../base/errors.ts'
import { Unpacker, type UnpackedMap } from '../format/msgpack-decode.ts'
import { pack } from '../format/msgpack-encode.ts'
import type { Item } from './item.ts'
import { decodeItem, droppedKeys } from './item-codec.ts'
import { itemDecodeLimits } from './item-stream.ts'

export type RobustItem =
  | { readonly kind: 'item'; readonly item: Item }
  | { readonly kind: 'invalid'; readonly problem: string }

/** A map of at most this many bytes is looked for when resynchronising. */
const lookaheadMax = 64 * 1024 * 1024

export class RobustItemDecoder {
  readonly #allowedKeys: ReadonlySet<string>
  readonly #starts: readonly Uint8Array[]
  #unpacker = new Unpacker(itemDecodeLimits)
  /** Bytes kept while searching for the next item; undefined while in step. */
  #lost: Uint8Array | undefined

  /** @param allowedKeys the manifest's item keys: a map with others is no item. */
  constructor(allowedKeys: readonly string[]) {
    this.#allowedKeys = new Set([...allowedKeys, ...droppedKeys])
    this.#starts = allowedKeys.map((key) => pack(encodeText(key)))
  }

  /** Call when a chunk of the stream is missing or unreadable. */
  resynchronise(): void {
    this.#unpacker = new Unpacker(itemDecodeLimits)
    this.#lost = new Uint8Array(0)
  }

  /** The items that became complete with this chunk. */
  *feed(chunk: Uint8Array): Generator<RobustItem> {
    if (this.#lost === undefined) {
      this.#unpacker.feed(chunk)
    } else if (!this.#search(chunk)) {
      return
    }
    for (;;) {
      let next: ReturnType<Unpacker['next']>
      try {
        next = this.#unpacker.next()
      } catch (error) {
        if (!isIntegrityError(error)) throw error
        this.resynchronise()
        yield { kind: 'invalid', problem: 'invalid msgpack' }
        return
      }
      if (next === undefined) return
      yield this.#judge(next.value)
    }
  }

  #judge(value: unknown): RobustItem {
    const problem = this.#problemOf(value)
    if (problem !== undefined) return { kind: 'invalid', problem }
    try {
      return { kind: 'item', item: decodeItem(value as UnpackedMap) }
    } catch (error) {
      if (!isIntegrityError(error)) throw error
      return { kind: 'invalid', problem: error.message }
    }
  }

  #problemOf(value: unknown): string | undefined {
    if (!(value instanceof Map)) return 'not a dictionary'
    for (const required of ['path', 'mtime']) if (!value.has(required)) return 'missing required keys'
    for (const key of value.keys())
      if (typeof key !== 'string' || !this.#allowedKeys.has(key)) return 'invalid item key'
    return undefined
  }

  /** True when an item start was found and the unpacker stands on it. */
  #search(chunk: Uint8Array): boolean {
    const bytes = new Uint8Array((this.#lost?.length ?? 0) + chunk.length)
    bytes.set(this.#lost ?? [])
    bytes.set(chunk, this.#lost?.length ?? 0)
    for (let at = 0; at < bytes.length; at++) {
      if (!this.#looksLikeItem(bytes, at)) continue
      const outcome = this.#tryAt(bytes.subarray(at))
      if (outcome === 'item') {
        this.#unpacker = new Unpacker(itemDecodeLimits)
        this.#unpacker.feed(bytes.subarray(at))
        this.#lost = undefined
        return true
      }
      if (outcome === 'incomplete' && bytes.length - at < lookaheadMax) {
        this.#lost = bytes.slice(at)
        return false
      }
    }
    // A start may be cut at the end: keep as much as a header and the longest key can take.
    this.#lost = bytes.slice(Math.max(0, bytes.length - 32))
    return false
  }

  #tryAt(bytes: Uint8Array): 'item' | 'incomplete' | 'no' {
    const unpacker = new Unpacker(itemDecodeLimits)
    unpacker.feed(bytes)
    try {
      const first = unpacker.next()
      if (first === undefined) return 'incomplete'
      return this.#judge(first.value).kind === 'item' ? 'item' : 'no'
    } catch (error) {
      if (!isIntegrityError(error)) throw error
      return 'no'
    }
  }

  #looksLikeItem(bytes: Uint8Array, at: number): boolean {
    const first = bytes[at] ?? 0
    const headerSize = (first & 0xf0) === 0x80 ? 1 : first === 0xde ? 3 : 0
    if (headerSize === 0) return false
    return this.#starts.some((start) => start.every((byte, i) => bytes[at + headerSize + i] === byte))
  }
}
