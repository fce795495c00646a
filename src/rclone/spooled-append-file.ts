/**
 * A file that is gathered on this machine and goes to the remote when it is sealed.
 */
import type { AppendFile } from '../store/store.ts'
import type { Spool } from './spool.ts'

export interface Publication {
  /** Puts the spool's content in its place, complete. May be repeated. */
  publish(): Promise<void>
  close(): Promise<void>
}

export class SpooledAppendFile implements AppendFile {
  readonly #spool: Spool
  readonly #publication: Publication
  #state: 'open' | 'sealed' | 'closed' = 'open'

  constructor(spool: Spool, publication: Publication) {
    this.#spool = spool
    this.#publication = publication
  }

  get size(): number {
    return this.#spool.size
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    this.#requireOpen()
    await this.#spool.append(parts)
  }

  async flush(): Promise<void> {
    this.#requireOpen()
  }

  async seal(): Promise<void> {
    this.#requireOpen()
    this.#state = 'closed'
    await this.#publication.publish()
    await this.#publication.close()
    this.#state = 'sealed'
  }

  async abandon(): Promise<void> {
    if (this.#state === 'sealed') return
    this.#state = 'closed'
    await this.#publication.close()
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw new Error('the file is closed')
  }
}
