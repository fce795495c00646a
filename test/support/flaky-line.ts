/**
 * A line to a Store that breaks at a chosen call, before it has had its effect or after, and is dead from then on: what a
 * RetryingStore has to cope with. `open` gives the next connection.
 */
import type { StorePath } from '../../src/base/ids.ts'
import type { AppendFile, Store } from '../../src/store/store.ts'

export interface Break {
  /** The number of the call, from 0, counted over all connections. */
  readonly at: number
  /** Whether the Store had done what it was asked when the line broke. */
  readonly when: 'before' | 'after'
  readonly lasts: 'once' | 'forever'
  readonly code?: string
}

export class FlakyLine {
  readonly #far: Store
  readonly #breaks: readonly Break[]
  /** What was called, in order: 'verb path'. */
  readonly calls: string[] = []
  opened = 0

  constructor(far: Store, ...breaks: readonly Break[]) {
    this.#far = far
    this.#breaks = breaks
  }

  open(): Store {
    this.opened += 1
    const far = this.#far
    let dead = false
    const die = (plan: Break, verb: string): never => {
      dead = true
      throw Object.assign(new Error(`${plan.code ?? 'ECONNRESET'}: ${verb}`), { code: plan.code ?? 'ECONNRESET' })
    }
    const over = async <T>(verb: string, act: () => Promise<T>): Promise<T> => {
      // Not what a broken connection is expected to say: whoever closed it must know.
      if (dead) throw new Error('the connection is closed')
      const number = this.calls.length
      this.calls.push(verb)
      const plan = this.#breaks.find(({ at, lasts }) => at === number || (lasts === 'forever' && number > at))
      if (plan?.when === 'before') die(plan, verb)
      const result = await act()
      if (plan?.when === 'after') die(plan, verb)
      return result
    }
    const overLine = (file: AppendFile, path: StorePath): AppendFile => ({
      get size() {
        return file.size
      },
      write: (...parts) => over(`appendWrite ${path}`, () => file.write(...parts)),
      flush: () => over(`flush ${path}`, () => file.flush()),
      seal: () => over(`seal ${path}`, () => file.seal()),
      abandon: () => over(`abandon ${path}`, () => file.abandon()),
    })
    return new Proxy(far, {
      get(_, key) {
        const member: unknown = Reflect.get(far, key, far)
        if (typeof member !== 'function' || typeof key === 'symbol' || key === 'parent') {
          if (key === Symbol.asyncDispose) {
            return async () => {
              dead = true
            }
          }
          return typeof member === 'function' ? member.bind(far) : member
        }
        if (key === 'list') {
          return async function* (folder: StorePath) {
            // Breaks half way, when some entries have been seen.
            const all = []
            for await (const entry of far.list(folder)) all.push(entry)
            yield* all.slice(0, all.length / 2)
            await over(`list ${folder}`, async () => {})
            yield* all.slice(all.length / 2)
          }
        }
        return async (...args: unknown[]) => {
          const result = await over(
            `${key} ${String(args[0] ?? '')}`,
            () => member.apply(far, args) as Promise<unknown>,
          )
          return key === 'append' ? overLine(result as AppendFile, args[0] as StorePath) : result
        }
      },
    })
  }
}
