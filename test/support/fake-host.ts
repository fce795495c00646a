/**
 * A machine that does as it is told: the clock moves when asked, entropy is seeded, processes live until killed here.
 */
import type { Host } from '../../src/base/host.ts'
import type { Nanoseconds } from '../../src/base/ids.ts'

export class FakeHost implements Host {
  #now: bigint
  #random: number
  hostname = 'fake'
  fqdn = 'fake.example.org'
  hostId = 'fake.example.org@1'
  username = 'ada'
  processId: number
  /** Processes of this host that are gone. */
  readonly dead = new Set<number>()
  /** Called by `sleep` before time jumps: where a test lets the other side act. */
  onSleep: (() => void | Promise<void>) | undefined

  constructor(options: { seed?: number; processId?: number; startNanoseconds?: bigint } = {}) {
    this.#random = options.seed ?? 1
    this.processId = options.processId ?? 4711
    this.#now = options.startNanoseconds ?? 1_790_000_000_000_000_000n
  }

  /** Every look at the clock moves it by one microsecond, so that no two events share an instant. */
  now(): Nanoseconds {
    this.#now += 1000n
    return this.#now as Nanoseconds
  }

  monotonicMs(): number {
    return Number(this.#now / 1_000_000n)
  }

  advanceSeconds(seconds: number): void {
    this.#now += BigInt(Math.round(seconds * 1e9))
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      // xorshift32: reproducible, never used for real secrets
      this.#random ^= this.#random << 13
      this.#random ^= this.#random >>> 17
      this.#random ^= this.#random << 5
      bytes[i] = this.#random & 0xff
    }
    return bytes
  }

  isProcessAlive(hostId: string, processId: number): boolean {
    return hostId !== this.hostId || !this.dead.has(processId)
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await this.onSleep?.()
    this.advanceSeconds(milliseconds / 1000)
  }
}
