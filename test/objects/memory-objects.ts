/** A repository of a Map, enough for readers and writers of objects: put, delete, get, and failures on demand. */
import { BorgError } from '../../src/base/errors.ts'
import { idKey, type ObjectId, objectIdFromHex } from '../../src/base/ids.ts'
import type { RepositoryReader } from '../../src/repository/repository.ts'

export class MemoryObjects {
  readonly stored = new Map<string, Uint8Array>()
  /** Calls in order: 'put <id>', 'delete <id>', 'get <id>'. */
  readonly calls: string[] = []
  /** Puts called and not settled: how many bytes, and at most so far. */
  putting = 0
  puttingMax = 0
  /** Replaces what a put does; called before anything is stored. */
  onPut: (id: ObjectId) => Promise<void> = async () => {}
  onDelete: (id: ObjectId) => Promise<void> = async () => {}
  getManyEnded = false

  async put(id: ObjectId, stored: Uint8Array): Promise<void> {
    this.calls.push(`put ${idKey(id)}`)
    this.putting += stored.length
    this.puttingMax = Math.max(this.puttingMax, this.putting)
    try {
      await this.onPut(id)
      this.stored.set(idKey(id), stored)
    } finally {
      this.putting -= stored.length
    }
  }

  async delete(id: ObjectId): Promise<void> {
    this.calls.push(`delete ${idKey(id)}`)
    await this.onDelete(id)
    if (!this.stored.delete(idKey(id))) throw this.#notFound(id)
  }

  async get(id: ObjectId): Promise<Uint8Array> {
    this.calls.push(`get ${idKey(id)}`)
    const stored = this.stored.get(idKey(id))
    if (stored === undefined) throw this.#notFound(id)
    return stored
  }

  async *getMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncGenerator<Uint8Array> {
    try {
      for await (const id of ids) yield await this.get(id)
    } finally {
      this.getManyEnded = true
    }
  }

  /** As the part of a repository that object readers use. */
  reader(): RepositoryReader {
    const unused = async (): Promise<never> => {
      throw new Error('not part of this fake')
    }
    return {
      id: objectIdFromHex('00'.repeat(32)),
      location: 'memory',
      count: unused,
      list: unused,
      scan: unused,
      loadKey: unused,
      freeNonce: unused,
      breakLock: unused,
      get: (id) => this.get(id),
      getMany: (ids) => this.getMany(ids),
      [Symbol.asyncDispose]: async () => {},
    }
  }

  #notFound(id: ObjectId): BorgError {
    return new BorgError('Repository.ObjectNotFound', [idKey(id), 'memory'])
  }
}

/** Counts up from 0, remembers what was handed out. */
export class CountingNonces {
  next = 0n
  readonly taken: { readonly first: bigint; readonly blocks: number }[] = []

  async take(blocks: number): Promise<bigint> {
    const first = this.next
    this.next += BigInt(blocks)
    this.taken.push({ first, blocks })
    return first
  }
}
