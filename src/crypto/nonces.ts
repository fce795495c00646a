/**
 * Who may encrypt with which AES-CTR blocks.
 *
 * Two objects enciphered with the same block of the key stream give away their XOR, so a block is used once in the life
 * of a key: across objects, crashes, rollbacks and clients. Every range is written down as used before it is used, in
 * the repository and in this client's security directory, in steps of 2^28 blocks.
 *
 * The counter lives here and nowhere else. It only ever counts up, and nothing that was read or decrypted moves it:
 * borg lets decryption set the counter that encryption continues from, and so reuses key stream (sheet, trap 1).
 * Facts: format sheet crypto.md section 8, fixtures/vectors/nonces.json.
 */
import { BorgError } from '../base/errors.ts'
import { nonceReservationBlocks } from '../base/limits.ts'

/** Bytes of one AES block, the unit of counters. */
export const blockSize = 16
/** One past the largest block number an envelope can name. */
export const counterEnd = 2n ** 64n

/** Where reservations are written down before use. The repository and the security directory both keep one. */
export interface NonceLedger {
  /** First block nobody has reserved; undefined when nothing was ever written. */
  free(): Promise<bigint | undefined>
  /** Writes `next` durably, if the ledger still holds `expected`. @throws when it does not. */
  reserve(next: bigint, expected: bigint | undefined): Promise<void>
}

/** Hands out ranges of AES-CTR blocks that no crash, rollback or second client can hand out again. */
export class NonceAllocator {
  readonly #ledgers: readonly NonceLedger[]
  #next: bigint
  #end: bigint
  /** The last reservation under way; those that wait for blocks form a line behind it. */
  #line: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined

  /**
   * `ledgers` are written in order: repository first, then local. `firstFree` is the first block after the manifest's
   * (`firstFreeAfter`), 0n for a new key.
   */
  constructor(ledgers: readonly NonceLedger[], firstFree: bigint) {
    this.#ledgers = ledgers
    this.#next = firstFree
    this.#end = firstFree
  }

  /**
   * The first of `blocks` consecutive block numbers that are now the caller's. Calls may overlap; each gets its own.
   * @throws whatever a ledger throws; then the allocator stays closed, because what was written down is unknown.
   */
  async take(blocks: number): Promise<bigint> {
    if (!Number.isSafeInteger(blocks) || blocks < 0) throw new RangeError(`cannot reserve ${blocks} blocks`)
    const wanted = BigInt(blocks)
    while (true) {
      if (this.#failure !== undefined) throw this.#failure.error
      const first = this.#next
      // Modes without cipher take nothing, and must not touch the ledgers for it.
      if (first + wanted <= this.#end || wanted === 0n) {
        this.#next = first + wanted
        return first
      }
      await this.#inLine(wanted)
    }
  }

  /** Reserves, unless somebody ahead in the line has done so for us. */
  #inLine(wanted: bigint): Promise<void> {
    this.#line = this.#line.then(async () => {
      if (this.#failure !== undefined || this.#next + wanted <= this.#end) return
      try {
        await this.#reserve(wanted)
      } catch (error) {
        this.#failure = { error }
      }
    })
    return this.#line
  }

  async #reserve(wanted: bigint): Promise<void> {
    const known: (bigint | undefined)[] = []
    for (const ledger of this.#ledgers) known.push(await ledger.free())
    let first = this.#end
    for (const free of known) if (free !== undefined && free > first) first = free
    const end = first + wanted + nonceReservationBlocks
    if (end >= counterEnd - 1n) {
      throw new BorgError('Error', [`no AES-CTR blocks left to encrypt with, the next free one would be ${first}`])
    }
    // Repository first: a crash in between leaves it ahead of the local ledger, and the next client starts after it.
    for (const [i, ledger] of this.#ledgers.entries()) await ledger.reserve(end, known[i])
    // Only now may the range be used. What was left of the last one is given up if others reserved in the meantime.
    this.#next = first
    this.#end = end
  }
}

/** First block after those of a stored object, counted generously as borg does: its header is taken for cipher text. */
export function firstFreeAfter(nonce: bigint, storedSize: number): bigint {
  return nonce + BigInt(Math.ceil(storedSize / blockSize))
}
