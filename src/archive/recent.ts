/**
 * What was used last, up to a total weight: the memory of a tree that is browsed.
 */
interface Kept<Value> {
  readonly value: Value
  readonly weight: number
}

export class Recent<Key, Value> {
  readonly #weightMax: number
  /** Least recently used first. */
  readonly #kept = new Map<Key, Kept<Value>>()
  #weight = 0

  constructor(weightMax: number) {
    this.#weightMax = weightMax
  }

  get(key: Key): Value | undefined {
    const found = this.#kept.get(key)
    if (found === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, found)
    return found.value
  }

  /** Drops the oldest until the rest fits; the newest stays even when it is too heavy alone. */
  set(key: Key, value: Value, weight: number): void {
    this.delete(key)
    this.#kept.set(key, { value, weight })
    this.#weight += weight
    for (const oldest of this.#kept.keys()) {
      if (this.#weight <= this.#weightMax || this.#kept.size === 1) return
      this.delete(oldest)
    }
  }

  delete(key: Key): void {
    this.#weight -= this.#kept.get(key)?.weight ?? 0
    this.#kept.delete(key)
  }
}
