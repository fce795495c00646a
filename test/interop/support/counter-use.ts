/**
 * Which counters of AES-CTR a repository's log has spent: two different plaintexts under one counter would betray both.
 *
 * Reads segments with a parser of its own. Source: format sheets repository.md (records) and crypto.md (envelope: type,
 * 32 bytes of MAC, 8 of nonce, then whole and part blocks of 16 bytes, one counter each).
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const macEnd = 33
const nonceEnd = 41

interface Span {
  readonly first: bigint
  /** Not included. */
  readonly end: bigint
}

/** Gathered over the life of a repository, as compaction removes what was written. */
export class CounterUse {
  /** By digest of the stored object: moving an object as it is spends nothing. */
  readonly #spans = new Map<string, Span>()

  get size(): number {
    return this.#spans.size
  }

  addLog(repository: string): void {
    for (const stored of storedObjects(repository)) {
      const key = createHash('sha256').update(stored).digest('base64')
      const first = stored.readBigUInt64BE(macEnd)
      this.#spans.set(key, { first, end: first + BigInt(Math.ceil((stored.length - nonceEnd) / 16)) })
    }
  }

  /** Pairs that share a counter. */
  overlaps(): readonly (readonly [Span, Span])[] {
    const ordered = [...this.#spans.values()].sort((a, b) => (a.first < b.first ? -1 : 1))
    return ordered.flatMap((span, index) => {
      const next = ordered[index + 1]
      return next !== undefined && next.first < span.end ? [[span, next] as const] : []
    })
  }
}

function* storedObjects(repository: string): Generator<Buffer> {
  const data = join(repository, 'data')
  for (const folder of readdirSync(data)) {
    for (const file of readdirSync(join(data, folder))) {
      const bytes = readFileSync(join(data, folder, file))
      for (let at = 8; at + 9 <= bytes.length; at += bytes.readUInt32LE(at + 4)) {
        if (bytes[at + 8] === 0) yield bytes.subarray(at + 41, at + bytes.readUInt32LE(at + 4))
      }
    }
  }
}
