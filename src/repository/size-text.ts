/**
 * Sizes as borg writes them in config files and in the arguments of its errors. Source: cli/common.md §9; format/repository.md §3.
 */
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'] as const
const powers: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 }

/** '999 B', '1.00 kB', '12.62 MB'. */
export function formatSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (unit < units.length - 1 && Math.abs(Number(fixed(value, unit))) >= 1000) {
    value /= 1000
    unit += 1
  }
  return `${fixed(value, unit)} ${units[unit]}`
}

function fixed(value: number, unit: number): string {
  if (unit === 0) return String(value)
  const hundredfold = value * 100
  // Ties that are exact in binary go to the even digit; toFixed would take them up.
  if (Math.abs(hundredfold % 1) === 0.5 && hundredfold / 100 === value) {
    const below = Math.floor(hundredfold)
    return ((below % 2 === 0 ? below : below + 1) / 100).toFixed(2)
  }
  return value.toFixed(2)
}

/** '10M' is 10000000, '1.5' is 1. Undefined for what is no size: lower-case or longer units among them. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/.exec(text.replace(/[KMGTP]$/, ''))
  if (match === null) return undefined
  const size = Math.trunc(Number(match[1]) * (powers[text.slice(-1)] ?? 1))
  return Number.isSafeInteger(size) ? size : undefined
}
