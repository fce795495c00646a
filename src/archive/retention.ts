import type { Nanoseconds } from '../base/ids.ts'
import type { ArchiveEntry } from './archive-directory.ts'

export type RetentionRule =
  | { keep: 'within'; seconds: number }
  | {
      keep: 'secondly' | 'minutely' | 'hourly' | 'daily' | 'weekly' | 'monthly' | '13weekly' | '3monthly' | 'yearly'
      count: number
    }
export type RetentionVerdict =
  | { archive: ArchiveEntry; keep: true; rule: string; number: number }
  | { archive: ArchiveEntry; keep: false }
/** Pure. `localTime` turns an instant into calendar fields, because borg's periods are local. */
export declare function planRetention(
  archives: readonly ArchiveEntry[],
  rules: readonly RetentionRule[],
  now: Nanoseconds,
  localTime: (time: Nanoseconds) => CalendarTime,
): RetentionVerdict[]
export interface CalendarTime {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  isoYear: number
  isoWeek: number
}
