/**
 * Hex digits that people type, and what Python has against them. Source: CLI contract, commands §22.
 */
import { BorgError } from '../parsing.ts'

/** The bytes, or what is wrong. */
export function parseHex(digits: string): Uint8Array | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII, all of it
  if (/[^\u0000-\u007f]/.test(digits)) return 'string argument should contain only ASCII characters'
  if (digits.length % 2 !== 0) return 'Odd-length string'
  if (!/^[0-9a-fA-F]*$/.test(digits)) return 'Non-hexadecimal digit found'
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

/** What is wrong with the id of an object, or undefined. */
export function idProblem(digits: string): string | undefined {
  const bytes = parseHex(digits)
  if (typeof bytes === 'string') return bytes
  return bytes.length === 32 ? undefined : `Expected 32 bytes (64 hex digits), got ${bytes.length} bytes.`
}

/** @throws BorgError 'CommandError' */
export function requireId(digits: string): void {
  const problem = idProblem(digits)
  if (problem !== undefined) throw new BorgError('CommandError', [`object id ${digits} is invalid [${problem}].`])
}
