/**
 * Calendar fields of an instant in the zone of this process.
 */
import type { Nanoseconds } from '../base/ids.ts'
import type { CalendarTime } from './retention.ts'

const dayMilliseconds = 86_400_000

/** Truncated to whole seconds, as borg converts archive times. */
export function localCalendarTime(time: Nanoseconds): CalendarTime {
  const date = new Date(Number(time / 1_000_000_000n) * 1000)
  const iso = isoWeekOf(date.getFullYear(), date.getMonth(), date.getDate())
  return {
    year: date.getFullYear(),
    month: date.getMonth() + 1,
    day: date.getDate(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    ...iso,
  }
}

/** ISO 8601: the week belongs to the year that holds its Thursday. */
function isoWeekOf(year: number, month: number, day: number): { isoYear: number; isoWeek: number } {
  const date = Date.UTC(year, month, day)
  const weekday = (new Date(date).getUTCDay() + 6) % 7
  const thursday = new Date(date + (3 - weekday) * dayMilliseconds)
  const yearStart = Date.UTC(thursday.getUTCFullYear(), 0, 1)
  return {
    isoYear: thursday.getUTCFullYear(),
    isoWeek: Math.floor((thursday.getTime() - yearStart) / dayMilliseconds / 7) + 1,
  }
}
