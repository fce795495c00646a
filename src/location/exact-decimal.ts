/**
 * Decimals the way C and Python print them: of the exact binary value, ties to even.
 *
 * `toFixed` works on the exact value too, but takes the larger of two equally near decimals (1.125 -> '1.13').
 */

/** `value.toFixed(digits)` with ties to even. @throws RangeError unless finite. */
export function fixedDecimal(value: number, digits: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`not a finite number: ${value}`)
  const { mantissa, exponent } = exactParts(Math.abs(value))
  // |value| * 10^digits = mantissa * 10^digits * 2^exponent
  const scaled = mantissa * 10n ** BigInt(digits)
  const rounded = exponent >= 0 ? scaled << BigInt(exponent) : roundedShift(scaled, BigInt(-exponent))
  const text = rounded.toString().padStart(digits + 1, '0')
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** Python's round(value, digits) for floats. */
export function roundDecimal(value: number, digits: number): number {
  return Number(fixedDecimal(value, digits))
}

function roundedShift(value: bigint, bits: bigint): bigint {
  const quotient = value >> bits
  const rest = value - (quotient << bits)
  const half = 1n << (bits - 1n)
  if (rest > half || (rest === half && (quotient & 1n) === 1n)) return quotient + 1n
  return quotient
}

/** value = mantissa * 2^exponent, exactly. */
function exactParts(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number(bits >> 52n) & 0x7ff
  const fraction = bits & 0xf_ffff_ffff_ffffn
  if (biased === 0) return { mantissa: fraction, exponent: -1074 }
  return { mantissa: fraction | (1n << 52n), exponent: biased - 1075 }
}
