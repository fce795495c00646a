/**
 * Everything the engine may ask of the machine: time, chance, identity.
 *
 * Pure floors take a `Host`; tests pass a fake. `systemHost` is the only place in floors 0-2 that touches the machine.
 */
import { execFileSync } from 'node:child_process'
import { randomBytes, randomFillSync } from 'node:crypto'
import { hostname, networkInterfaces, userInfo } from 'node:os'
import type { Nanoseconds } from './ids.ts'

/** Everything non-deterministic the engine may ask for. Tests pass a fake; nothing else reads a clock. */
export interface Host {
  now(): Nanoseconds
  monotonicMs(): number
  randomBytes(length: number): Uint8Array
  /** Short name, up to the first dot. */
  readonly hostname: string
  readonly fqdn: string
  /** 'fqdn@hardware-id', as borg writes into locks. */
  readonly hostId: string
  readonly username: string
  readonly processId: number
  /** True unless `hostId` is this host and no such process exists: whoever cannot be asked is taken to live. */
  isProcessAlive(hostId: string, processId: number): boolean
  /** Waits; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

class SystemHost implements Host {
  readonly #epochOffset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  #fqdn: string | undefined
  #hostId: string | undefined

  now(): Nanoseconds {
    // The wall clock gives milliseconds; the monotonic one adds the digits below while both agree.
    const fine = this.#epochOffset + process.hrtime.bigint()
    const coarse = BigInt(Date.now()) * 1_000_000n
    const drift = fine - coarse
    return (drift >= 0n && drift < 2_000_000n ? fine : coarse) as Nanoseconds
  }

  monotonicMs(): number {
    return performance.now()
  }

  randomBytes(length: number): Uint8Array {
    return length <= 65536 ? randomFillSync(new Uint8Array(length)) : new Uint8Array(randomBytes(length))
  }

  get hostname(): string {
    return hostname().split('.')[0] ?? ''
  }

  get fqdn(): string {
    this.#fqdn ??= canonicalHostname()
    return this.#fqdn
  }

  get hostId(): string {
    this.#hostId ??= `${this.fqdn}@${hardwareId(this)}`
    return this.#hostId
  }

  get username(): string {
    try {
      return userInfo().username
    } catch {
      return String(process.getuid?.() ?? '')
    }
  }

  get processId(): number {
    return process.pid
  }

  isProcessAlive(hostId: string, processId: number): boolean {
    if (hostId !== this.hostId || !Number.isInteger(processId) || processId <= 0) return true
    try {
      process.kill(processId, 0)
      return true
    } catch (error) {
      return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
    }
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const abort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, milliseconds)
      signal?.addEventListener('abort', abort, { once: true })
    })
  }
}

/** The name the resolver calls canonical, as borg's getaddrinfo(AI_CANONNAME); the plain host name when there is none. */
function canonicalHostname(): string {
  try {
    const answer = execFileSync('hostname', ['--fqdn'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    })
    return answer.trim() || hostname()
  } catch {
    return hostname()
  }
}

/**
 * A 48-bit number in decimal: the first network interface's hardware address, as Python's uuid.getnode takes it;
 * without one a random number with the multicast bit set, so that it can never equal a real address.
 */
function hardwareId(host: Host): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const real =
    addresses.find((entry) => entry.family === 'IPv4' && !isZero(entry.mac)) ??
    addresses.find((entry) => !isZero(entry.mac))
  if (real !== undefined) return BigInt(`0x${real.mac.replaceAll(':', '')}`).toString()
  const [first = 0, ...rest] = host.randomBytes(6)
  return [first | 1, ...rest].reduce((value, byte) => value * 256n + BigInt(byte), 0n).toString()
}

function isZero(hardwareAddress: string): boolean {
  return /^[0:]*$/.test(hardwareAddress)
}

export const systemHost: Host = new SystemHost()
