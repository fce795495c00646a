/**
 * The port to where the heavy arithmetic runs: this thread or another.
 *
 * Plaintext never leaves a lane on the backup path: the caller sees an id, decides, and either seals the chunk or drops
 * it. What crosses is an id out, a verdict in, sealed bytes out, once (decision 004).
 */
import type { ObjectId } from '../base/ids.ts'
import type { Chunk, ChunkerParams } from '../chunker/chunker.ts'
import type { StoredAlgorithm } from '../compress/header.ts'
import type { OpenFile } from '../platform/file-system.ts'

export type ByteSource =
  /** Read from its current position (its start with `skipHoles`) to its end; stays open. */
  | {
      readonly kind: 'file'
      readonly file: OpenFile
      /** Do not read holes. Only the fixed chunker can tell them from zeros: --sparse. */
      readonly skipHoles?: boolean | undefined
    }
  /** Blocks are only read, and only until the next one is asked for. */
  | { readonly kind: 'stream'; readonly bytes: AsyncIterable<Uint8Array> }

/** Turns plaintext into ids and stored bytes. Several calls may run at a time. */
export interface Lane {
  /**
   * The chunks of a source, in order. Each is the caller's to `seal` or `drop`; one that is neither before the next is
   * asked for costs a copy.
   * @throws SourceReadError when the source cannot be read: the only failure of the source that comes out of here.
   */
  chunk(source: ByteSource, params: ChunkerParams): AsyncIterable<HeldChunk>
  /** `plain` as one chunk. It must not change before the chunk is sealed or dropped. */
  hold(plain: Uint8Array): Promise<HeldChunk>
  /**
   * The verified plaintext of a stored object, which belongs to the caller together with `stored`. `id` undefined:
   * manifest only.
   * @throws BorgError 'IntegrityError' | 'DecompressionError'
   */
  open(id: ObjectId | undefined, stored: Uint8Array): Promise<Uint8Array>
  /**
   * How a stored object is compressed.
   * @throws BorgError 'IntegrityError' | 'UnsupportedPayloadError'
   */
  algorithmOf(id: ObjectId, stored: Uint8Array): Promise<StoredAlgorithm>
}

export interface HeldChunk {
  readonly id: ObjectId
  /** Plaintext bytes. */
  readonly size: number
  readonly allocation: Chunk['kind']
  /** Cipher blocks to reserve before `seal`: an upper bound, 0 where nothing is encrypted. */
  readonly blocksMax: number
  /** How `seal` will have compressed it. */
  algorithm(): Promise<StoredAlgorithm>
  /**
   * Compressed, encrypted, authenticated; releases the plaintext. The plaintext is no longer needed once the call has
   * returned its promise. `nonce` as in crypto/envelope.ts.
   */
  seal(nonce: bigint): Promise<Uint8Array>
  /** Releases the plaintext unused; nothing happens when it is gone already. */
  drop(): void
}
