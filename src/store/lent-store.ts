/**
 * A Store that stays its owner's: whoever it is lent to may use it, and disposing of it does nothing.
 */
import type { Store } from './store.ts'

export function lentStore(store: Store): Store {
  const lent = {} as Store
  return new Proxy(lent, {
    get(_, key) {
      if (key === Symbol.asyncDispose) return async () => {}
      // Bound to the owner: classes keep their state in private fields, which a proxy has none of.
      const member: unknown = Reflect.get(store, key, store)
      return typeof member === 'function' ? member.bind(store) : member
    },
    has: (_, key) => key in store,
  })
}
