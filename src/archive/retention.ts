/**
 * Which archives to keep: borg's prune rules, as a plan that can be printed before anything is deleted.
 *
 * Source: CLI contract common.md section 17; decisions of the running program in fixtures/cli/retention-vectors.json.
 */
import type { Nanoseconds } from '../base/ids.ts'
import { type CalendarTime, isoWeek, localTime, secondsOnly, wholeMicroseconds } from '../location/calendar.ts'
import type { ArchiveEntry } from './archive-directory.ts'

export type PeriodRule =
  | 'secondly'
  | 'minutely'
  | 'hourly'
  | 'daily'
  | 'weekly'
  | 'monthly'
  | 'quarterly_13weekly'
  | 'quarterly_3monthly'
  | 'yearly'

export type RetentionRule =
  | { readonly keep: 'within'; readonly seconds: number }
  /** Negative: no limit. Zero: the rule is off. */
  | { readonly keep: PeriodRule; readonly count: number }

export type RetentionVerdict =
  /** `rule` as borg prints it: 'daily', 'weekly[oldest]', 'within'. */
  | { readonly archive: ArchiveEntry; readonly keep: true; readonly rule: string; readonly number: number }
  /** The newest candidate is an interrupted run's checkpoint: it may still be useful. */
  | { readonly archive: ArchiveEntry; readonly keep: true; readonly rule: 'checkpoint'; readonly number: 0 }
  | { readonly archive: ArchiveEntry; readonly keep: false }

/** In the order rules are applied, whatever order they were given in. */
export const periodRules: readonly PeriodRule[] = [
  'secondly',
  'minutely',
  'hourly',
  'daily',
  'weekly',
  'monthly',
  'quarterly_13weekly',
  'quarterly_3monthly',
  'yearly',
]

const checkpointSuffix = /\.checkpoint(\.\d+)?$/

/**
 * A verdict for every archive, newest first. Pure. `calendar` turns an instant into calendar fields, by
 * default of this process's zone, because borg's periods are local.
 */
export function planRetention(
  archives: readonly ArchiveEntry[],
  rules: readonly RetentionRule[],
  now: Nanoseconds,
  calendar: (time: Nanoseconds) => CalendarTime = localCalendar,
): RetentionVerdict[] {
  const newestFirst = [...archives].sort(compareNewestFirst)
  const normal = newestFirst.filter((archive) => !checkpointSuffix.test(archive.name))
  const kept = new Map<ArchiveEntry, { rule: string; number: number }>()
  keepWithin(normal, rules, now, kept)
  for (const period of periodRules) {
    const rule = rules.find((candidate) => candidate.keep === period)
    if (rule !== undefined && rule.keep !== 'within' && rule.count !== 0) {
      keepPeriods(normal, period, rule.count, calendar, kept)
    }
  }
  return newestFirst.map((archive, position): RetentionVerdict => {
    if (checkpointSuffix.test(archive.name)) {
      return position === 0 ? { archive, keep: true, rule: 'checkpoint', number: 0 } : { archive, keep: false }
    }
    const reason = kept.get(archive)
    return reason === undefined ? { archive, keep: false } : { archive, keep: true, ...reason }
  })
}

/** In the zone of this process, cut to whole seconds as borg shows archive times. */
export function localCalendar(time: Nanoseconds): CalendarTime {
  return localTime(secondsOnly(wholeMicroseconds(time)))
}

type Kept = Map<ArchiveEntry, { rule: string; number: number }>

function keepWithin(
  normal: readonly ArchiveEntry[],
  rules: readonly RetentionRule[],
  now: Nanoseconds,
  kept: Kept,
): void {
  const within = rules.find((rule) => rule.keep === 'within')
  if (within === undefined || within.keep !== 'within') return
  const since = now - BigInt(Math.round(within.seconds)) * 1_000_000_000n
  for (const archive of normal) {
    if (archive.time > since) kept.set(archive, { rule: 'within', number: kept.size + 1 })
  }
}

function keepPeriods(
  normal: readonly ArchiveEntry[],
  period: PeriodRule,
  count: number,
  calendar: (time: Nanoseconds) => CalendarTime,
  kept: Kept,
): void {
  let number = 0
  let lastPeriod: string | undefined
  for (const archive of normal) {
    const text = periodText(period, calendar(archive.time))
    if (text === lastPeriod) continue
    // An archive kept by an earlier rule uses up its period, but none of this rule's count.
    lastPeriod = text
    if (kept.has(archive)) continue
    number += 1
    kept.set(archive, { rule: period, number })
    if (number === count) return
  }
  const oldest = normal.at(-1)
  if (count > 0 && oldest !== undefined && !kept.has(oldest)) {
    kept.set(oldest, { rule: `${period}[oldest]`, number: number + 1 })
  }
}

function periodText(period: PeriodRule, time: CalendarTime): string {
  const { year, month, day, hour, minute, second } = time
  switch (period) {
    case 'secondly':
      return [year, month, day, hour, minute, second].join('-')
    case 'minutely':
      return [year, month, day, hour, minute].join('-')
    case 'hourly':
      return [year, month, day, hour].join('-')
    case 'daily':
      return [year, month, day].join('-')
    case 'weekly':
      return Object.values(isoWeek(time)).join('-')
    case 'monthly':
      return [year, month].join('-')
    case 'quarterly_13weekly':
      return isoQuarter(isoWeek(time))
    case 'quarterly_3monthly':
      return [year, Math.floor((month - 1) / 3)].join('-')
    case 'yearly':
      return String(year)
  }
}

/** Week 53 belongs to the fourth quarter. */
function isoQuarter({ year, week }: { year: number; week: number }): string {
  return `${year}-${Math.min(4, Math.ceil(week / 13))}`
}

/** Ties in time: the greater name counts as newer. */
function compareNewestFirst(a: ArchiveEntry, b: ArchiveEntry): number {
  if (a.time !== b.time) return a.time > b.time ? -1 : 1
  return a.name > b.name ? -1 : a.name < b.name ? 1 : 0
}
