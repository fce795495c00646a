/** One at a time, first come, first served: a transaction has many callers and one log. */
export class Turns {
  #last: Promise<void> | undefined

  /** Nobody is at work and nobody waits: the caller may act at once, as long as it does not await. */
  get idle(): boolean {
    return this.#last === undefined
  }

  /** Runs `work` when everyone before is done, whether they failed or not. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const result = before === undefined ? work() : before.then(work)
    const done = result.then(ignore, ignore)
    this.#last = done
    void done.then(() => {
      if (this.#last === done) this.#last = undefined
    })
    return result
  }
}

function ignore(): void {}
