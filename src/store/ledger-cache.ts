/**
 * Local copies of a far repository's index.N and hints.N, each used only when the far integrity.N vouches for its bytes.
 *
 * Nothing here can fail a run: what goes wrong with the local folder ends its use, with one warning. Several processes may
 * share it: files appear whole, and none of them says anything about another.
 */
import { isBorgError, systemErrorCode } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { decodeText } from '../base/text.ts'
import { hashIndexParts, verifyIntegrity } from '../format/integrity.ts'
import { unpack } from '../format/msgpack-decode.ts'
import { isStoreNotFound, type Store } from './store.ts'

export type LedgerKind = 'index' | 'hints'

export interface LedgerName {
  readonly path: StorePath
  readonly kind: LedgerKind
  /** The segment that ends the transaction, in decimal. */
  readonly transaction: string
}

/** Undefined for every other file. */
export function ledgerName(path: StorePath): LedgerName | undefined {
  const [, kind, transaction] = /^(index|hints)\.(\d+)$/.exec(path) ?? []
  if (kind === undefined || transaction === undefined) return undefined
  return { path, kind: kind === 'index' ? 'index' : 'hints', transaction }
}

/** What integrity.N, read just now, says of its sibling; undefined when that proves nothing. */
export function expectedDigests(integrity: Uint8Array, { kind }: LedgerName): string | undefined {
  try {
    const fields = unpack(integrity, { bytes: 64 * 1024, depth: 4, items: 64 })
    if (!(fields instanceof Map) || fields.get('version') !== 2) return undefined
    const text = fields.get(kind)
    return text instanceof Uint8Array ? decodeText(text) : undefined
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

/** Whether the digests, of an algorithm that we know, are those of `bytes`. */
export function isProven({ path, kind }: LedgerName, bytes: Uint8Array, digests: string): boolean {
  try {
    return verifyIntegrity({ name: path, bytes, parts: kind === 'index' ? hashIndexParts : [] }, digests)
  } catch (error) {
    if (isBorgError(error, 'FileIntegrityError')) return false
    throw error
  }
}

export class LedgerCache {
  readonly #folder: Store
  readonly #bytesMax: number
  readonly #run: RunOptions
  #broken = false

  /** Owns `folder`, which is for one repository alone. */
  constructor(folder: Store, bytesMax: number, run: RunOptions) {
    this.#folder = folder
    this.#bytesMax = bytesMax
    this.#run = run
  }

  /** Whatever is there under that name: to be proven. */
  async find(name: LedgerName): Promise<Uint8Array | undefined> {
    return this.#quietly(async () => {
      const entry = await this.#folder.stat(name.path)
      return entry?.kind === 'file' ? await this.#folder.read(name.path) : undefined
    })
  }

  /** Keeps it in the place of those of the same kind. Larger ones than all that may be kept are not. */
  async keep(name: LedgerName, bytes: Uint8Array): Promise<void> {
    await this.#quietly(async () => {
      await this.#removeWhere(({ kind, transaction }) => kind === name.kind && transaction !== name.transaction)
      if (bytes.length + (await this.#bytesBeside(name)) > this.#bytesMax) return
      await this.#folder.createRoot({ parents: true })
      // Need not survive a crash: it is proven each time.
      await this.#folder.write(name.path, bytes, { transient: true })
    })
  }

  async forget(path: StorePath): Promise<void> {
    if (ledgerName(path) !== undefined) await this.#quietly(() => this.#folder.remove(path))
  }

  async forgetAll(): Promise<void> {
    await this.#quietly(() => this.#removeWhere(() => true))
  }

  async close(): Promise<void> {
    await this.#quietly(async () => this.#folder[Symbol.asyncDispose]())
  }

  async #bytesBeside(name: LedgerName): Promise<number> {
    let sum = 0
    for await (const { path, size } of this.#folder.list(storePath(''))) if (path !== name.path) sum += size
    return sum
  }

  async #removeWhere(matches: (name: LedgerName) => boolean): Promise<void> {
    const paths: StorePath[] = []
    for await (const { path } of this.#folder.list(storePath(''))) {
      // With a tail: what a crash left of one that was being written.
      const name = ledgerName(storePath(path.replace(/-\w+$/, '')))
      if (name !== undefined && matches(name)) paths.push(path)
    }
    for (const path of paths) await this.#folder.remove(path)
  }

  async #quietly<T>(act: () => Promise<T>): Promise<T | undefined> {
    if (this.#broken) return undefined
    try {
      return await act()
    } catch (error) {
      // Another process removed it between two looks.
      if (isStoreNotFound(error) || systemErrorCode(error) === 'ENOENT') return undefined
      this.#broken = true
      const reason = systemErrorCode(error) ?? (error instanceof Error ? error.message : 'unknown reason')
      const message = `Local copies in ${this.#folder.name} cannot be used, going on without them: ${reason}`
      reportLog(this.#run, 'warning', message, 'borg.repository')
      return undefined
    }
  }
}
