/** The levels borg offers for zstd. */

/** @throws RangeError unless 1..22. */
export function requireZstdLevel(level: number): void {
  if (!Number.isInteger(level) || level < 1 || level > 22)
    throw new RangeError(`zstd level must be 1..22, got ${level}`)
}
