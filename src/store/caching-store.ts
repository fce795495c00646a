/**
 * A Store that keeps local copies of a far repository's index and hints, so that opening it again downloads neither.
 *
 * A copy is used only when the far repository proves it at that moment: integrity.N is read, and its digests and the far
 * file's size must be those of the copy. What cannot be proven is read from afar; no other file is ever kept (why not
 * segments: docs/decisions/031-local-copies.md).
 */
import type { RunOptions } from '../base/events.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { expectedDigests, isProven, LedgerCache, type LedgerName, ledgerName } from './ledger-cache.ts'
import { type FileContent, isStoreNotFound, type NewFile, type Store, type WriteOptions } from './store.ts'
import { WrappingStore } from './wrapping-store.ts'

export interface CachingOptions {
  /** For this repository alone; made when it is missing, and owned. */
  readonly folder: Store
  /** Default: 1 GiB. */
  readonly bytesMax?: number | undefined
  /** Its events tell of a folder that cannot be used. */
  readonly run?: RunOptions | undefined
}

const bytesMaxDefault = 1024 * 1024 * 1024

export class CachingStore extends WrappingStore {
  readonly #cache: LedgerCache

  /** Owns `inner`. */
  constructor(inner: Store, { folder, bytesMax = bytesMaxDefault, run = {} }: CachingOptions) {
    super(inner)
    this.#cache = new LedgerCache(folder, bytesMax, run)
  }

  override async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const name = range === undefined ? ledgerName(path) : undefined
    return name === undefined ? this.inner.read(path, range) : this.#readLedger(name)
  }

  override async write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void> {
    await this.inner.write(path, content, options)
    await this.#cache.forget(path)
  }

  override async writeInOrder(files: readonly NewFile[]): Promise<void> {
    await this.inner.writeInOrder(files)
    for (const { path, content } of files) {
      const name = ledgerName(path)
      if (name !== undefined && content instanceof Uint8Array) await this.#cache.keep(name, content)
      else await this.#cache.forget(path)
    }
  }

  override async remove(path: StorePath): Promise<void> {
    await this.inner.remove(path)
    await this.#cache.forget(path)
  }

  override async removeAll(): Promise<void> {
    await this.inner.removeAll()
    await this.#cache.forgetAll()
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#cache.close()
    } finally {
      await super[Symbol.asyncDispose]()
    }
  }

  async #readLedger(name: LedgerName): Promise<Uint8Array> {
    const digests = await this.#digestsFromAfar(name)
    // Nothing vouches for it: what is there is all there is.
    if (digests === undefined) return this.inner.read(name.path)
    const copy = await this.#cache.find(name)
    if (copy !== undefined && isProven(name, copy, digests)) {
      const there = await this.inner.stat(name.path)
      if (there?.kind === 'file' && there.size === copy.length) return copy
    }
    const bytes = await this.inner.read(name.path)
    if (isProven(name, bytes, digests)) await this.#cache.keep(name, bytes)
    return bytes
  }

  async #digestsFromAfar(name: LedgerName): Promise<string | undefined> {
    try {
      return expectedDigests(await this.inner.read(storePath(`integrity.${name.transaction}`)), name)
    } catch (error) {
      if (isStoreNotFound(error)) return undefined
      throw error
    }
  }
}
