import type { ObjectId } from '../base/ids.ts'
import type { Chunk, ChunkerParams } from '../chunker/chunker.ts'
import type { OpenFile } from '../platform/file-system.ts'

export type ByteSource = { kind: 'file'; file: OpenFile } | { kind: 'stream'; bytes: AsyncIterable<Uint8Array> }

/**
 * Turns plaintext into ids and stored bytes, on this thread or another. Plaintext never leaves a lane on the
 * backup path: the caller sees an id, decides, and either seals the chunk or drops it.
 */
export interface Lane {
  /** In file order. @throws only source read errors; repository errors cannot come out of here. */
  chunk(source: ByteSource, params: ChunkerParams): AsyncIterable<HeldChunk>
  hold(plain: Uint8Array): Promise<HeldChunk>
  open(id: ObjectId | undefined, stored: Uint8Array): Promise<Uint8Array>
}
export interface HeldChunk {
  readonly id: ObjectId
  readonly size: number
  readonly allocation: Chunk['kind']
  /** Cipher blocks to reserve before `seal`: an upper bound, 0 where nothing is encrypted. */
  readonly blocksMax: number
  seal(nonce: bigint): Promise<Uint8Array>
  drop(): void
}
