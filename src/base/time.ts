/**
 * Nanoseconds and borg's timestamps. The engine's clock is `Host.now()`; nothing here reads one.
 */
import type { Nanoseconds } from './ids.ts'
import { itemTimeMaxNanoseconds } from './limits.ts'

const nanosecondsPerMicrosecond = 1000n
const microsecondsPerMillisecond = 1000n

/** `YYYY-mm-ddTHH:MM:SS.ffffff`, UTC, always six digits: manifests compare these as text. */
export function formatTimestamp(time: Nanoseconds): string {
  const microseconds = floorDivide(time, nanosecondsPerMicrosecond)
  const milliseconds = floorDivide(microseconds, microsecondsPerMillisecond)
  const rest = microseconds - milliseconds * microsecondsPerMillisecond
  return `${new Date(Number(milliseconds)).toISOString().slice(0, -1)}${rest.toString().padStart(3, '0')}`
}

/** Reads what `formatTimestamp` writes; the fraction may be missing or have one to six digits. Undefined if malformed. */
export function parseTimestamp(text: string): Nanoseconds | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?$/.exec(text)
  if (match === null) return undefined
  const milliseconds = Date.parse(`${match[1]}Z`)
  if (Number.isNaN(milliseconds)) return undefined
  const microseconds = BigInt((match[2] ?? '').padEnd(6, '0'))
  return (BigInt(milliseconds) * 1_000_000n + microseconds * nanosecondsPerMicrosecond) as Nanoseconds
}

/** One microsecond later: how a manifest stays newer than the one it replaces. */
export function nextMicrosecond(time: Nanoseconds): Nanoseconds {
  return (time + nanosecondsPerMicrosecond) as Nanoseconds
}

/** Times outside what borg can store and show are moved to the nearest it can. */
export function clampItemTime(time: bigint): Nanoseconds {
  if (time < 0n) return 0n as Nanoseconds
  return (time > itemTimeMaxNanoseconds ? itemTimeMaxNanoseconds : time) as Nanoseconds
}

/** Whole and fractional seconds as a double; exact to about a microsecond. */
export function toSeconds(time: Nanoseconds): number {
  return Number(time) / 1e9
}

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend % divisor < 0n ? quotient - 1n : quotient
}
