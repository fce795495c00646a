/**
 * A file being appended over connections that may break.
 *
 * As long as the whole file fits into what may be kept in memory, it is begun anew on the next connection. After that, or
 * where no claim protects its name, a break ends it: the transaction fails, and what was committed before is not touched.
 */
import { BorgError } from '../base/errors.ts'
import { copyBytes } from '../base/bytes.ts'
import type { StorePath } from '../base/ids.ts'
import type { Attempt, Connection, Connections } from './connections.ts'
import type { AppendFile } from './store.ts'

export interface AppendContext {
  readonly keptBytesMax: number
  readonly connections: Connections
  readonly again: <T>(what: string, attempt: Attempt<T>, mayRepeat: () => boolean) => Promise<T>
}

interface OpenFile {
  readonly connection: Connection
  readonly file: AppendFile
}

export class RetryingAppendFile implements AppendFile {
  readonly #path: StorePath
  readonly #context: AppendContext
  #open: OpenFile | undefined
  /** A file whose sealing failed is good for nothing: the next attempt begins it anew. */
  #sealFailed = false
  #size = 0
  /** Everything written; undefined once that was too much. */
  #kept: Uint8Array[] | undefined = []
  #closed = false

  constructor(path: StorePath, open: OpenFile, context: AppendContext) {
    this.#path = path
    this.#open = open
    this.#context = context
  }

  get size(): number {
    return this.#size
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    await this.#on('append to', (file) => file.write(...parts))
    for (const part of parts) this.#size += part.length
    if (this.#size > this.#context.keptBytesMax) this.#kept = undefined
    this.#kept?.push(...parts.map(copyBytes))
  }

  async flush(): Promise<void> {
    await this.#on('flush', (file) => file.flush())
  }

  async seal(): Promise<void> {
    await this.#on('complete', async (file) => {
      this.#sealFailed = true
      await file.seal()
    })
    this.#closed = true
    this.#kept = undefined
  }

  async abandon(): Promise<void> {
    this.#closed = true
    this.#kept = undefined
    await this.#letGo()
  }

  async #on(verb: string, act: (file: AppendFile) => Promise<void>): Promise<void> {
    if (this.#closed) throw new RangeError(`'${this.#path}' is no longer open for writing`)
    await this.#context.again(
      `${verb} ${this.#path}`,
      async (connection) => act(await this.#fileOn(connection)),
      () => this.#canGoOn,
    )
  }

  /** Whether another attempt has any prospect after a break. */
  get #canGoOn(): boolean {
    return this.#canBeginAnew || (!this.#sealFailed && !this.#context.connections.reopens)
  }

  get #canBeginAnew(): boolean {
    return this.#kept !== undefined && this.#context.connections.holdsClaims
  }

  async #fileOn(connection: Connection): Promise<AppendFile> {
    if (this.#open?.connection === connection && !this.#sealFailed) return this.#open.file
    if (!this.#canBeginAnew) {
      throw new BorgError('ConnectionBrokenWithHint', [
        `It broke while ${this.#path} was being written, and what was not committed before is lost.`,
      ])
    }
    await this.#letGo()
    const { store } = connection
    // Ours: we made it, and nobody else may write while we hold the claim, which was verified after the break.
    await store.remove(this.#path)
    const file = await store.append(this.#path)
    await file.write(...(this.#kept ?? []))
    this.#open = { connection, file }
    this.#sealFailed = false
    return file
  }

  async #letGo(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    // On a connection that is gone there is nothing left to be abandoned.
    if (open !== undefined && this.#context.connections.isCurrent(open.connection)) await open.file.abandon()
  }
}
