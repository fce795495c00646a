/**
 * Every sealed object a machine ever handed to a segment file, crashed transactions included: which blocks of the key
 * stream were used, and for what.
 */
import { createHash } from 'node:crypto'
import { concatBytes, copyBytes, dataView } from '../../../src/base/bytes.ts'
import { magicSize, putHeaderSize, readHeader } from '../../../src/repository/segment-entry.ts'

interface Envelope {
  readonly first: bigint
  /** One past the last block. */
  readonly end: bigint
  readonly digest: string
}

/** Type byte, MAC, iv; format sheet crypto, section 2. */
const ivAt = 33
const cipherHeaderSize = 41
const blockSize = 16n

export class EnvelopeLedger {
  readonly #known: readonly Envelope[]
  readonly #segments: Uint8Array[][] = []
  /** What was parsed, and from how many pieces. */
  #parsed: { readonly pieces: number; readonly envelopes: readonly Envelope[] } = { pieces: 0, envelopes: [] }

  constructor(known: readonly Envelope[] = []) {
    this.#known = known
  }

  /** Takes note of what is written to a new segment file. */
  segment(): (parts: readonly Uint8Array[]) => void {
    const written: Uint8Array[] = []
    this.#segments.push(written)
    return (parts) => {
      for (const part of parts) written.push(copyBytes(part))
    }
  }

  /** A ledger that begins with all that this one knows. */
  fork(): EnvelopeLedger {
    return new EnvelopeLedger(this.#all())
  }

  get size(): number {
    return this.#all().length
  }

  /** Fails when two different objects used the same block. An object that is moved keeps its blocks. */
  requireDisjoint(): void {
    const all = [...this.#all()].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))
    let last: Envelope | undefined
    for (const envelope of all) {
      if (last !== undefined && envelope.first < last.end && envelope.digest !== last.digest) {
        throw new Error(`blocks ${envelope.first} to ${last.end} of the key stream were used for two objects`)
      }
      if (last === undefined || envelope.end > last.end) last = envelope
    }
  }

  #all(): readonly Envelope[] {
    const pieces = this.#segments.reduce((sum, parts) => sum + parts.length, 0)
    if (pieces !== this.#parsed.pieces) {
      const envelopes = this.#segments.flatMap((parts) => [...envelopesIn(concatBytes(...parts))])
      this.#parsed = { pieces, envelopes }
    }
    return [...this.#known, ...this.#parsed.envelopes]
  }
}

/** Objects in a segment, whole or cut short: an object cut short has used what is there of it. */
function* envelopesIn(segment: Uint8Array): Generator<Envelope> {
  for (let at = magicSize; at + putHeaderSize + cipherHeaderSize <= segment.length; ) {
    const header = readHeader(segment, at)
    if (typeof header === 'string') throw new Error(`what was written is no segment entry: ${header}`)
    if (header.tag === 'put') {
      const stored = segment.subarray(at + putHeaderSize, at + header.size)
      const first = dataView(stored).getBigUint64(ivAt)
      const blocks = (BigInt(header.size - putHeaderSize - cipherHeaderSize) + blockSize - 1n) / blockSize
      yield { first, end: first + blocks, digest: createHash('sha256').update(stored).digest('base64') }
    }
    at += header.size
  }
}
