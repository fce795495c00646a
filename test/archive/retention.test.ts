import { afterAll, describe, expect, test } from 'vitest'
import fc from 'fast-check'
import type { ArchiveEntry } from '../../src/archive/archive-directory.ts'
import { type PeriodRule, planRetention, type RetentionRule } from '../../src/archive/retention.ts'
import { nameMatcher } from '../../src/archive/select.ts'
import { manifestId, nanoseconds } from '../../src/base/ids.ts'
import { loadFixture } from '../support/vectors.ts'

interface Case {
  readonly id: string
  readonly dataset: string
  readonly options: readonly string[]
  readonly tz: string
  readonly kept: readonly { name: string; rule: string; n: number | null }[]
  readonly pruned: readonly string[]
}
interface Dataset {
  readonly name: string
  readonly timestamp: string
  readonly age_hours?: number
}
const vectors = loadFixture<{
  now_utc_of_run: string
  datasets: Record<string, readonly Dataset[]>
  cases: readonly Case[]
}>('cli/retention-vectors.json')

const zone = process.env['TZ']
afterAll(() => {
  process.env['TZ'] = zone
})

const now = nanoseconds(BigInt(Date.parse(vectors.now_utc_of_run)) * 1_000_000n)

const optionRules: Record<string, PeriodRule> = {
  '--keep-last': 'secondly',
  '--keep-secondly': 'secondly',
  '--keep-minutely': 'minutely',
  '--keep-hourly': 'hourly',
  '-H': 'hourly',
  '--keep-daily': 'daily',
  '-d': 'daily',
  '--keep-weekly': 'weekly',
  '-w': 'weekly',
  '--keep-monthly': 'monthly',
  '-m': 'monthly',
  '--keep-13weekly': 'quarterly_13weekly',
  '--keep-3monthly': 'quarterly_3monthly',
  '--keep-yearly': 'yearly',
  '-y': 'yearly',
}
const unitSeconds: Record<string, number> = { H: 3600, d: 86400, w: 604800, m: 31 * 86400, y: 365 * 86400 }

function parseOptions(options: readonly string[]): { rules: RetentionRule[]; glob: string } {
  const words = options.flatMap((option) =>
    option.startsWith('--') && option.includes('=') ? option.split(/=(.*)/s, 2) : [option],
  )
  const rules: RetentionRule[] = []
  let glob = '*'
  for (let i = 0; i < words.length; i += 2) {
    const [option = '', value = ''] = [words[i], words[i + 1]]
    const rule = optionRules[option]
    if (rule !== undefined) rules.push({ keep: rule, count: Number(value) })
    else if (option === '--keep-within') {
      rules.push({ keep: 'within', seconds: Number.parseInt(value, 10) * (unitSeconds[value.slice(-1)] ?? 0) })
    } else glob = option === '-P' || option === '--prefix' ? `${value}*` : value
  }
  return { rules, glob }
}

function entriesOf(dataset: readonly Dataset[], glob: string): ArchiveEntry[] {
  const matches = nameMatcher(glob)
  return dataset
    .map(({ name, timestamp }) => ({
      name,
      id: manifestId,
      time: nanoseconds(BigInt(Date.parse(timestamp)) * 1_000_000n),
    }))
    .filter(({ name }) => matches(name) || matches(name.replace(/\.checkpoint(\.\d+)?$/, '')))
}

describe('prune keeps what borg keeps', () => {
  test.each(vectors.cases.map((vector) => [vector.id, vector] as const))('%s', (_, vector) => {
    process.env['TZ'] = vector.tz
    const { rules, glob } = parseOptions(vector.options)
    const verdicts = planRetention(entriesOf(vectors.datasets[vector.dataset] ?? [], glob), rules, now)
    const kept = verdicts.flatMap((verdict) =>
      verdict.keep ? [{ name: verdict.archive.name, rule: verdict.rule, n: verdict.number }] : [],
    )
    const pruned = verdicts.filter((verdict) => !verdict.keep).map((verdict) => verdict.archive.name)
    expect(kept).toEqual(vector.kept.map(({ name, rule, n }) => ({ name, rule, n: n ?? 0 })))
    expect(pruned).toEqual(vector.pruned)
  })
})

test('a rule keeps at least as many archives as it promises, or all', () => {
  const times = fc.uniqueArray(fc.integer({ min: 0, max: 2_000_000_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(
      times,
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom(...Object.values(optionRules)),
      (seconds, count, keep) => {
        const archives = seconds.map((second) => ({
          name: `a${second}`,
          id: manifestId,
          time: nanoseconds(BigInt(second) * 1_000_000_000n),
        }))
        const kept = planRetention(archives, [{ keep, count }], now).filter((verdict) => verdict.keep)
        const periods = new Set(kept.map((verdict) => verdict.archive.name))
        return periods.size === kept.length && kept.length >= 1 && kept.length <= count
      },
    ),
  )
})
