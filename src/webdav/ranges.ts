/**
 * Which bytes a GET wants. Source: RFC 9110 §14.
 */
export interface ByteRange {
  readonly start: number
  /** Not included. */
  readonly end: number
}

/**
 * 'all' without a range, and for those we need not understand: other units, several ranges, malformed ones.
 * 'none' when it lies outside the file.
 */
export function requestedRange(header: string | undefined, size: number): ByteRange | 'all' | 'none' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '')
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? '']
  if (first === '' && last === '') return 'all'
  if (first === '') return Number(last) === 0 ? 'none' : { start: Math.max(0, size - Number(last)), end: size }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return 'all'
  if (start >= size) return 'none'
  return { start, end: last === '' ? size : Math.min(size, Number(last) + 1) }
}
