/**
 * Which archives to keep: borg's prune rules, as a plan that can be printed before anything is deleted.
 *
 * Source: CLI contract common.md section 17; decisions of the running program in fixtures/cli/retention-vectors.json.
 */
import type { Nanoseconds } from '../base/ids.ts'
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

/** Calendar fields of an instant in the user's zone. */
export interface CalendarTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly isoYear: number
  readonly isoWeek: number
}

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
 * A verdict for every archive, newest first. Pure. `localTime` turns an instant into calendar fields, because borg's
 * periods are local.
 */
export function planRetention(
  archives: readonly ArchiveEntry[],
  rules: readonly RetentionRule[],
  now: Nanoseconds,
  localTime: (time: Nanoseconds) => CalendarTime,
): RetentionVerdict[] {
  const newestFirst = [...archives].sort(compareNewestFirst)
  const normal = newestFirst.filter((archive) => !checkpointSuffix.test(archive.name))
  const kept = new Map<ArchiveEntry, { rule: string; number: number }>()
  keepWithin(normal, rules, now, kept)
  for (const period of periodRules) {
    const rule = rules.find((candidate) => candidate.keep === period)
    if (rule !== undefined && rule.keep !== 'within' && rule.count !== 0) {
      keepPeriods(normal, period, rule.count, localTime, kept)
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
  localTime: (time: Nanoseconds) => CalendarTime,
  kept: Kept,
): void {
  let number = 0
  let lastPeriod: string | undefined
  for (const archive of normal) {
    const text = periodText(period, localTime(archive.time))
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
  const { year, month, day, hour, minute, second, isoYear, isoWeek } = time
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
      return [isoYear, isoWeek].join('-')
    case 'monthly':
      return [year, month].join('-')
    case 'quarterly_13weekly':
      // Week 53 belongs to the fourth quarter.
      return [isoYear, Math.min(4, Math.ceil(isoWeek / 13))].join('-')
    case 'quarterly_3monthly':
      return [year, Math.floor((month - 1) / 3)].join('-')
    case 'yearly':
      return String(year)
  }
}

/** Ties in time: the greater name counts as newer. */
function compareNewestFirst(a: ArchiveEntry, b: ArchiveEntry): number {
  if (a.time !== b.time) return a.time > b.time ? -1 : 1
  return a.name > b.name ? -1 : a.name < b.name ? 1 : 0
}
