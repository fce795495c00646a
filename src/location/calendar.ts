/**
 * An instant as calendar fields, in UTC or in the local zone (TZ).
 */
import type { Nanoseconds } from '../base/ids.ts'

export interface CalendarTime {
  readonly year: number
  /** 1 .. 12 */
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly microsecond: number
  /** 0 is Sunday. */
  readonly weekday: number
  /** 1 is the first of January. */
  readonly dayOfYear: number
  /** East of Greenwich is positive. */
  readonly offsetMinutes: number
  /** 'UTC', 'CET', '+03' ... */
  readonly zone: string
}

/** Instants in whole microseconds since 1970, UTC: what Python's datetime can hold. */
export type Microseconds = number

/** Rounded as borg shows item times: nanoseconds become a double of seconds, and that half-even microseconds. */
export function itemMicroseconds(time: Nanoseconds): Microseconds {
  const seconds = Number(time) / 1e9
  const whole = Math.trunc(seconds)
  return whole * 1e6 + roundHalfEven((seconds - whole) * 1e6)
}

/** Cut off below the microsecond. */
export function wholeMicroseconds(time: Nanoseconds): Microseconds {
  return Number(time / 1000n) - (time % 1000n < 0n ? 1 : 0)
}

/** Whole seconds, as borg shows the times of archives. */
export function secondsOnly(instant: Microseconds): Microseconds {
  return Math.floor(instant / 1e6) * 1e6
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

export function utcTime(instant: Microseconds): CalendarTime {
  return fields(new Date(Math.floor(instant / 1000)), instant, 0, 'UTC')
}

export function localTime(instant: Microseconds): CalendarTime {
  const date = new Date(Math.floor(instant / 1000))
  const offsetMinutes = -date.getTimezoneOffset()
  // Shifted, so that the UTC getters of the shifted date are the local fields.
  const shifted = new Date(date.getTime() + offsetMinutes * 60_000)
  return fields(shifted, instant, offsetMinutes, undefined, date)
}

function fields(
  date: Date,
  instant: Microseconds,
  offsetMinutes: number,
  zone: string | undefined,
  unshifted = date,
): CalendarTime {
  const year = date.getUTCFullYear()
  const newYear = Date.UTC(year, 0, 1)
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    microsecond: ((instant % 1e6) + 1e6) % 1e6,
    weekday: date.getUTCDay(),
    dayOfYear: Math.floor((date.getTime() - newYear) / 86_400_000) + 1,
    offsetMinutes,
    get zone() {
      return zone ?? zoneName(unshifted)
    },
  }
}

/** Abbreviations live in the locales of those who use them; a zone that has none anywhere is its offset ('+03'). */
const localesWithAbbreviations = ['en-US', 'en-GB', 'en-AU', 'en-CA', 'en-IN', 'en-ZA', 'en-NZ']

function zoneName(date: Date): string {
  for (const locale of localesWithAbbreviations) {
    const parts = new Intl.DateTimeFormat(locale, { timeZoneName: 'short' }).formatToParts(date)
    const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
    if (/^[A-Z]{2,5}$/.test(name)) return name
  }
  const minutes = -date.getTimezoneOffset()
  const text = offsetText(minutes, '')
  return text.endsWith('00') ? text.slice(0, 3) : text
}

/** '+0100' */
export function offsetText(minutes: number, separator: '' | ':'): string {
  const distance = Math.abs(minutes)
  const hours = String(Math.floor(distance / 60)).padStart(2, '0')
  const rest = String(distance % 60).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${hours}${separator}${rest}`
}

/** ISO 8601 week and the year it belongs to. */
export function isoWeek(time: CalendarTime): { year: number; week: number } {
  const weekday = time.weekday === 0 ? 7 : time.weekday
  const week = Math.floor((time.dayOfYear - weekday + 10) / 7)
  if (week < 1) return { year: time.year - 1, week: weeksOf(time.year - 1) }
  if (week > weeksOf(time.year)) return { year: time.year + 1, week: 1 }
  return { year: time.year, week }
}

function weeksOf(year: number): number {
  const newYear = new Date(Date.UTC(year, 0, 1)).getUTCDay()
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return newYear === 4 || (leap && newYear === 3) ? 53 : 52
}
