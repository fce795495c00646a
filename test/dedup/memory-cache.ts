/** A chunk cache of a Map that refuses what a real one must never be asked. */
import { idKey, type ObjectId } from '../../src/base/ids.ts'
import type { ReferenceCounts } from '../../src/dedup/chunk-writer.ts'

interface Entry {
  references: number
  readonly size: number
  readonly storedSize: number
}

export class MemoryCache implements ReferenceCounts {
  readonly entries = new Map<string, Entry>()

  find(id: ObjectId): Entry | undefined {
    return this.entries.get(idKey(id))
  }

  add(id: ObjectId, size: number, storedSize: number): void {
    if (this.entries.has(idKey(id))) throw new Error('added twice')
    this.entries.set(idKey(id), { references: 1, size, storedSize })
  }

  reference(id: ObjectId): void {
    this.#known(id).references += 1
  }

  release(id: ObjectId): number {
    const entry = this.#known(id)
    entry.references -= 1
    if (entry.references === 0) this.entries.delete(idKey(id))
    return entry.references
  }

  replace(id: ObjectId, size: number, storedSize: number): void {
    this.entries.set(idKey(id), { references: this.#known(id).references + 1, size, storedSize })
  }

  referencesOf(id: ObjectId): number {
    return this.find(id)?.references ?? 0
  }

  #known(id: ObjectId): Entry {
    const entry = this.find(id)
    if (entry === undefined) throw new Error('not in the cache')
    return entry
  }
}
