export type ChunkerParams =
  | { algorithm: 'buzhash'; minExponent: number; maxExponent: number; maskBits: number; windowSize: number }
  | { algorithm: 'fixed'; blockSize: number; headerSize: number }

/** A cut. `bytes` is a view, valid until the chunker is called again; zeros carry no bytes. */
export type Chunk = { kind: 'data'; bytes: Uint8Array } | { kind: 'zeros'; size: number }

/** A pure state machine: push blocks of any size, cuts depend only on content. One per file. */
export interface Chunker {
  push(block: Uint8Array): Iterable<Chunk>
  finish(): Iterable<Chunk>
}
export declare function parseChunkerParams(text: string): ChunkerParams
