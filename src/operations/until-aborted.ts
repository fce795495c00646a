/**
 * Reading from somebody who may never say anything again: an open pipe, a command that hangs.
 */

/** `source`, until the signal aborts: whoever waits for the next element is then told the reason at once. */
export async function* untilAborted<T>(
  source: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  signal?.throwIfAborted()
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  // One listener for all steps, and a promise per step: racing against one long promise would hold on to every step.
  let refuse: ((reason: unknown) => void) | undefined
  const onAbort = (): void => refuse?.(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const next = (): Promise<IteratorResult<T>> =>
    new Promise((resolve, reject) => {
      refuse = reject
      Promise.resolve(iterator.next()).then(resolve, reject)
    })
  let waiting = false
  try {
    for (;;) {
      signal?.throwIfAborted()
      waiting = true
      const step = await next()
      waiting = false
      if (step.done === true) return
      yield step.value
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    const closed = Promise.resolve(iterator.return?.())
    // A source that is still being waited for closes when it has said its next word: that may be never.
    if (waiting) closed.catch(() => {})
    else await closed
  }
}
