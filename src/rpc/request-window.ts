/**
 * Reading ahead: many requests under way, answers delivered in the order asked, bounded in number and in bytes.
 */
import type { ObjectId } from '../base/ids.ts'

export interface WindowLimits {
  /** Requests whose answer was not delivered yet. */
  readonly requests: number
  /** Bytes of answers, those that lie here and those expected. */
  readonly bytes: number
}

/** What a stream of answers needs of a connection. */
export interface AnswerSource {
  /** Sends the request at once. */
  ask(id: ObjectId): Promise<Uint8Array>
  /** While `awaited` is pending, somebody waits for it. */
  urgently<T>(awaited: Promise<T>): Promise<T>
  /** Bytes of answers that came to lie here, or (negative) were taken. */
  hold(bytes: number): void
  /** What an answer is expected to weigh, in bytes. */
  readonly expected: ExpectedSize
}

/** A running mean of what answers weighed lately. Starts high, so that the first window of large objects is no surprise. */
export class ExpectedSize {
  #bytes = 1024 * 1024

  get bytes(): number {
    return this.#bytes
  }

  learn(bytes: number): void {
    this.#bytes += (bytes - this.#bytes) / 8
  }
}

interface Slot {
  readonly answer: Promise<Uint8Array>
  /** Undefined until it came. */
  bytes: number | undefined
}

/** Pulls ids lazily, and never waits for one while an answer that is due lies here. Fails at the turn of what failed. */
export async function* answersInOrder(
  ids: Iterable<ObjectId> | AsyncIterable<ObjectId>,
  source: AnswerSource,
  limits: WindowLimits,
): AsyncGenerator<Uint8Array> {
  const reader = new ReadingAhead(source, limits)
  const asking = reader.askAll(ids)
  // Seen when its turn comes; until then it must not count as unhandled.
  asking.catch(() => {})
  try {
    for (let slot = await reader.next(asking); slot !== undefined; slot = await reader.next(asking)) {
      const answer = await source.urgently(slot.answer)
      reader.delivered(slot)
      yield answer
    }
    await asking
  } finally {
    reader.stop()
  }
}

class ReadingAhead {
  readonly #source: AnswerSource
  readonly #limits: WindowLimits
  readonly #slots: Slot[] = []
  #waiting = 0
  #lying = 0
  #stopped = false
  /** Whoever waits for room, or for a slot. One of each at most. */
  #roomWaiter: (() => void) | undefined
  #slotWaiter: (() => void) | undefined

  constructor(source: AnswerSource, limits: WindowLimits) {
    this.#source = source
    this.#limits = limits
  }

  async askAll(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): Promise<void> {
    try {
      for await (const id of ids) {
        while (!this.#stopped && !this.#hasRoom()) await new Promise<void>((resolve) => (this.#roomWaiter = resolve))
        if (this.#stopped) return
        this.#ask(id)
        this.#wake('#slotWaiter')
      }
    } finally {
      this.#wake('#slotWaiter')
    }
  }

  /** The slot whose turn it is; undefined when nothing more will be asked. */
  async next(asking: Promise<void>): Promise<Slot | undefined> {
    let ended = false
    const end = (): void => {
      ended = true
      this.#wake('#slotWaiter')
    }
    if (this.#slots.length === 0) void asking.then(end, end)
    while (this.#slots.length === 0 && !ended) await new Promise<void>((resolve) => (this.#slotWaiter = resolve))
    return this.#slots.shift()
  }

  delivered(slot: Slot): void {
    this.#release(slot)
    this.#wake('#roomWaiter')
  }

  stop(): void {
    this.#stopped = true
    for (const slot of this.#slots.splice(0)) this.#release(slot)
    this.#wake('#roomWaiter')
  }

  #ask(id: ObjectId): void {
    const slot: Slot = { answer: this.#source.ask(id), bytes: undefined }
    this.#waiting++
    this.#slots.push(slot)
    slot.answer.then(
      ({ length }) => this.#came(slot, length),
      () => this.#came(slot, 0),
    )
  }

  #came(slot: Slot, bytes: number): void {
    this.#waiting--
    this.#source.expected.learn(bytes)
    if (this.#stopped) return
    slot.bytes = bytes
    this.#lying += bytes
    this.#source.hold(bytes)
    this.#wake('#roomWaiter')
  }

  #release(slot: Slot): void {
    if (slot.bytes === undefined) return
    this.#lying -= slot.bytes
    this.#source.hold(-slot.bytes)
  }

  #hasRoom(): boolean {
    const { requests, bytes } = this.#limits
    const ahead = this.#slots.length
    if (ahead === 0) return true
    return ahead < requests && this.#lying + this.#waiting * this.#source.expected.bytes < bytes
  }

  #wake(who: '#roomWaiter' | '#slotWaiter'): void {
    const waiter = who === '#roomWaiter' ? this.#roomWaiter : this.#slotWaiter
    if (who === '#roomWaiter') this.#roomWaiter = undefined
    else this.#slotWaiter = undefined
    waiter?.()
  }
}
