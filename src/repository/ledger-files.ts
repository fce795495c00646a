/**
 * index.N, hints.N and integrity.N: a ledger as it was when segment N committed it.
 *
 * They save reading the log, and they are never the only copy of anything: what is missing, behind or damaged is not
 * used, and replay.ts makes it anew. What integrity.N confirms is believed; a repository without it is believed as well.
 * Source: format/repository.md §7 to §9, §12, §13.
 */
import { concatBytes } from '../base/bytes.ts'
import { BorgError, isIntegrityError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type SegmentNumber, segmentNumber, type StorePath, storePath } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { formatTimestamp } from '../base/time.ts'
import type { Nanoseconds } from '../base/ids.ts'
import { hashIndexParts, integrityOf, verifyIntegrity } from '../format/integrity.ts'
import { unpack } from '../format/msgpack-decode.ts'
import { pack } from '../format/msgpack-encode.ts'
import { isStoreNotFound, type Store } from '../store/store.ts'
import { type DecodedHints, decodeHints, encodeHints } from './hints.ts'
import type { Ledger } from './ledger.ts'
import { NsIndex } from './ns-index.ts'

const rootFolder = storePath('')
const transactionsPath = storePath('transactions')
const ledgerFileName = /^(index|hints|integrity)\.(.+)$/

/** What integrity.N says of its two siblings. */
type Integrity = { readonly kind: 'unknown' } | { readonly kind: 'known'; readonly texts: ReadonlyMap<string, string> }

export class LedgerFiles {
  readonly #store: Store
  readonly #run: RunOptions

  constructor(store: Store, run: RunOptions) {
    this.#store = store
    this.#run = run
  }

  /** The newest transaction that has an index file, whatever is in it. */
  async indexTransaction(): Promise<SegmentNumber | undefined> {
    let newest: SegmentNumber | undefined
    for await (const { path, kind, size } of this.#store.list(rootFolder)) {
      const digits = /^index\.(\d+)$/.exec(path)?.[1]
      if (kind !== 'file' || size === 0 || digits === undefined || Number(digits) > 0xffff_ffff) continue
      const transaction = segmentNumber(Number(digits))
      if (newest === undefined || transaction > newest) newest = transaction
    }
    return newest
  }

  /** Whether any file of any transaction is there: then something has been committed once. */
  async exist(): Promise<boolean> {
    for await (const { path } of this.#store.list(rootFolder)) {
      if (/^(index|hints|integrity)\.\d+$/.test(path)) return true
    }
    return false
  }

  /** Undefined when there is none to be trusted; why is logged. */
  async loadIndex(transaction: SegmentNumber): Promise<NsIndex | undefined> {
    return this.#load('index', transaction, (bytes) => NsIndex.parse(bytes))
  }

  /** Undefined when there are none to be trusted; why is logged. */
  async loadHints(transaction: SegmentNumber): Promise<DecodedHints | undefined> {
    return this.#load('hints', transaction, (bytes) => decodeHints(bytes, transaction))
  }

  /** Whether integrity.N vouches for its siblings: only then do absences in them prove anything. */
  async isVouchedFor(transaction: SegmentNumber): Promise<boolean> {
    try {
      return (await this.#integrity(transaction)).kind === 'known'
    } catch (error) {
      if (isIntegrityError(error)) return false
      throw error
    }
  }

  /**
   * Writes all three for `transaction`, which must be committed, then removes those of other transactions. The index comes
   * last: where it is, the other two are as well.
   */
  async save(transaction: SegmentNumber, ledger: Ledger): Promise<void> {
    const index = ledger.index.serialize()
    const hints = encodeHints(ledger.hints())
    const integrity = pack(
      new Map<string, number | string>([
        ['version', 2],
        ['hints', integrityOf({ name: `hints.${transaction}`, bytes: hints })],
        ['index', integrityOf({ name: `index.${transaction}`, bytes: index, parts: hashIndexParts })],
      ]),
    )
    await this.#store.writeInOrder([
      { path: filePath('integrity', transaction), content: integrity },
      { path: filePath('hints', transaction), content: hints },
      { path: filePath('index', transaction), content: index },
    ])
    await this.#removeOthers(transaction)
  }

  /** Notes a commit of an append-only repository, so that people can find the state they want back. */
  async noteTransaction(transaction: SegmentNumber, now: Nanoseconds): Promise<void> {
    const line = encodeText(`transaction ${transaction}, UTC time ${formatTimestamp(now)}\n`)
    await this.#store.write(
      transactionsPath,
      concatBytes((await this.#read(transactionsPath)) ?? new Uint8Array(0), line),
    )
  }

  async #load<T>(
    kind: 'index' | 'hints',
    transaction: SegmentNumber,
    parse: (bytes: Uint8Array) => T,
  ): Promise<T | undefined> {
    const path = filePath(kind, transaction)
    const bytes = await this.#read(path)
    if (bytes === undefined) {
      this.#warn(`${path} is missing`)
      return undefined
    }
    try {
      await this.#verify(kind, transaction, bytes)
      return parse(bytes)
    } catch (error) {
      if (!isIntegrityError(error)) throw error
      this.#warn(`${path} cannot be trusted: ${error.message}`)
      return undefined
    }
  }

  async #verify(kind: 'index' | 'hints', transaction: SegmentNumber, bytes: Uint8Array): Promise<void> {
    const integrity = await this.#integrity(transaction)
    if (integrity.kind === 'unknown') return
    const name = filePath(kind, transaction)
    const path = `${this.#store.name}/${name}`
    const text = integrity.texts.get(kind)
    if (text === undefined) throw new BorgError('FileIntegrityError', [path])
    const parts = kind === 'index' ? hashIndexParts : []
    if (!verifyIntegrity({ name, bytes, parts }, text, path)) {
      this.#warn(`integrity.${transaction} uses an unknown algorithm, ${name} is used unverified`)
    }
  }

  /** @throws BorgError when the file is damaged itself. */
  async #integrity(transaction: SegmentNumber): Promise<Integrity> {
    const path = filePath('integrity', transaction)
    const bytes = await this.#read(path)
    if (bytes === undefined) return { kind: 'unknown' }
    const fields = unpack(bytes, { bytes: 64 * 1024, depth: 4, items: 64 })
    if (!(fields instanceof Map)) throw new BorgError('FileIntegrityError', [`${this.#store.name}/${path}`])
    if (fields.get('version') !== 2) {
      this.#warn(`${path} has an unknown version and is ignored`)
      return { kind: 'unknown' }
    }
    const texts = new Map<string, string>()
    for (const [name, value] of fields) {
      if (typeof name === 'string' && value instanceof Uint8Array) texts.set(name, decodeText(value))
    }
    return { kind: 'known', texts }
  }

  async #removeOthers(transaction: SegmentNumber): Promise<void> {
    const others: StorePath[] = []
    for await (const { path, kind } of this.#store.list(rootFolder)) {
      const suffix = ledgerFileName.exec(path)?.[2]
      if (kind === 'file' && suffix !== undefined && suffix !== String(transaction)) others.push(path)
    }
    for (const path of others) await this.#store.remove(path)
  }

  async #read(path: StorePath): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.read(path)
    } catch (error) {
      if (isStoreNotFound(error)) return undefined
      throw error
    }
  }

  #warn(message: string): void {
    reportLog(this.#run, 'warning', message, 'borg.repository')
  }
}

function filePath(kind: 'index' | 'hints' | 'integrity', transaction: SegmentNumber): StorePath {
  return storePath(`${kind}.${transaction}`)
}
