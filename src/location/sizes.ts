/**
 * Sizes and percentages for people, to the last digit as borg prints them; sizes as its config file has them.
 * Source: CLI contract "Times, sizes, durations"; fixtures/cli/misc-vectors.json; format/repository.md §3.
 */
import { fixedDecimal, roundDecimal } from './exact-decimal.ts'

export interface SizeStyle {
  /** Powers of 1024 instead of 1000. */
  readonly iec?: boolean | undefined
  /** Digits behind the point, from the first unit on. Default 2. */
  readonly precision?: number | undefined
  /** '+' in front of what is above zero. */
  readonly sign?: boolean | undefined
}

const decimalUnits = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y']
const binaryUnits = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi']

const powers: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 }

/** '1.12 MB', '981.45 KiB'. The next unit is used when the rounded number reaches it. */
export function formatSize(bytes: number, style: SizeStyle = {}): string {
  const units = style.iec ? binaryUnits : decimalUnits
  const factor = style.iec ? 1024 : 1000
  const precision = style.precision ?? 2
  let number = bytes
  let unit = 0
  while (unit < units.length - 1 && Math.abs(roundDecimal(number, precision)) >= factor) {
    number /= factor
    unit += 1
  }
  const sign = style.sign && bytes > 0 ? '+' : ''
  return `${sign}${fixedDecimal(number, unit === 0 ? 0 : precision)} ${units[unit]}B`
}

/** '12%' of a share between 0 and 1. */
export function formatPercent(share: number): string {
  return `${fixedDecimal(share * 100, 0)}%`
}

/** '10M' is 10000000, '1.5' is 1. Undefined for what is no size: lower-case or longer units among them. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/.exec(text.replace(/[KMGTP]$/, ''))
  if (match === null) return undefined
  const size = Math.trunc(Number(match[1]) * (powers[text.slice(-1)] ?? 1))
  return Number.isSafeInteger(size) ? size : undefined
}
