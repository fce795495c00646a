/**
 * The Store contract (store.ts, S1-S7) as test cases that any Store can be put through, with any test runner.
 *
 * What a crash may and may not take cannot be seen from inside a running process; that part is tested where the crash can
 * be staged (test/support/crash-store.ts for the users of a Store).
 */
import { claimCases } from './contract-claims.ts'
import { fileCases } from './contract-files.ts'
import type { Store } from './store.ts'

export interface ContractCase {
  /** A sentence, starting with the clause it belongs to. */
  readonly promise: string
  readonly run: () => Promise<void>
}

export interface ContractOptions {
  /** A second Store on the files of the first, as another process would open it. Without it some cases prove less. */
  readonly reopen?: ((store: Store) => Store | Promise<Store>) | undefined
}

/** @param makeStore a fresh Store each time, its place empty or still to be made. Cases dispose of it. */
export function storeContract(
  makeStore: () => Store | Promise<Store>,
  options: ContractOptions = {},
): readonly ContractCase[] {
  return [...fileCases, ...claimCases].map(([promise, body]) => ({
    promise,
    async run(): Promise<void> {
      const store = await makeStore()
      await store.createRoot({ parents: true })
      const opened: Store[] = [store]
      const reopen = async (): Promise<Store> => {
        const again = (await options.reopen?.(store)) ?? store
        if (again !== store) opened.push(again)
        return again
      }
      try {
        await body(store, reopen)
      } finally {
        for (const each of opened) await each[Symbol.asyncDispose]()
      }
    },
  }))
}
