/**
 * New chunks that are being sealed and not yet in the cache: where a twin that turns up meanwhile waits, so that it is
 * stored once.
 */
import { idKey, type ObjectId } from '../base/ids.ts'

export class PendingChunks {
  readonly #sealing = new Map<string, Promise<void>>()

  /** Settles when the chunk of this id has left the pending state; undefined when it is not in it. */
  find(id: ObjectId): Promise<void> | undefined {
    // Most of the time nothing is pending: spare the key.
    return this.#sealing.size === 0 ? undefined : this.#sealing.get(idKey(id))
  }

  /** Runs `seal`; until it settles, `find` gives what twins wait for. They see its failure too. */
  async during<T>(id: ObjectId, seal: () => Promise<T>): Promise<T> {
    const key = idKey(id)
    const sealed = seal()
    const settled = sealed.then(() => undefined)
    // Usually there is no twin to see it; whoever called `during` does.
    settled.catch(() => {})
    this.#sealing.set(key, settled)
    try {
      return await sealed
    } finally {
      this.#sealing.delete(key)
    }
  }
}
