/**
 * The argument of --compression: 'lz4', 'zstd,10', 'auto,lzma,6', 'obfuscate,110,zstd,3'.
 *
 * Light on purpose: the command line parses with it at start-up. Which texts are accepted and what is said about the
 * others is borg's: cli/common sheet section 16, fixtures/cli/misc-vectors.json.
 */
import { BorgError } from '../base/errors.ts'

export type CompressionSpec =
  | { readonly name: 'none' | 'lz4' }
  | { readonly name: 'zstd' | 'zlib' | 'lzma'; readonly level: number }
  /** `inner` or lz4 or none, whichever suits the chunk. */
  | { readonly name: 'auto'; readonly inner: CompressionSpec }
  /** `level` 1..6: padding relative to the size; 110..123: up to 2^(level-100) bytes; 250: Padme. */
  | { readonly name: 'obfuscate'; readonly level: number; readonly inner: CompressionSpec }

interface LevelRange {
  readonly from: number
  readonly to: number
  readonly usual: number
}

const levels: Readonly<Record<'zstd' | 'zlib' | 'lzma', LevelRange>> = {
  zstd: { from: 1, to: 22, usual: 3 },
  zlib: { from: 0, to: 9, usual: 6 },
  lzma: { from: 0, to: 9, usual: 6 },
}

/** What commands use when nobody says otherwise. */
export const defaultCompression = 'lz4'

/**
 * Case-sensitive; levels of lz4 and none are ignored, as borg ignores them.
 * @throws BorgError 'CommandError' whose only argument is what borg prints behind "argument -C/--compression: ".
 */
export function parseCompressionSpec(text: string): CompressionSpec {
  return parseWords(text.split(','), text)
}

/** The shortest text that parses to `spec`, levels always written. */
export function formatCompressionSpec(spec: CompressionSpec): string {
  switch (spec.name) {
    case 'none':
    case 'lz4':
      return spec.name
    case 'zstd':
    case 'zlib':
    case 'lzma':
      return `${spec.name},${spec.level}`
    case 'auto':
      return `auto,${formatCompressionSpec(spec.inner)}`
    case 'obfuscate':
      return `obfuscate,${spec.level},${formatCompressionSpec(spec.inner)}`
  }
}

function parseWords(words: readonly string[], text: string): CompressionSpec {
  const [name, ...rest] = words
  switch (name) {
    case 'none':
    case 'lz4':
      return { name }
    case 'zstd':
    case 'zlib':
    case 'lzma':
      return { name, level: parseLevel(levels[name], rest, text) }
    case 'auto':
      // borg counts words before it looks at them, so 'auto,auto,lz4' passes and 'auto,auto,zstd,3' does not.
      if (rest.length < 1 || rest.length > 2) throw refusal('bad arguments')
      return { name, inner: parseWords(rest, text) }
    case 'obfuscate': {
      if (rest.length < 2 || rest.length > 4) throw refusal('bad arguments')
      const level = parseInteger(rest[0] ?? '', text)
      if (!isObfuscationLevel(level)) {
        throw refusal('level must be (inclusively) within 1...6, 110...123 or equal to 250')
      }
      return { name, level, inner: parseWords(rest.slice(1), text) }
    }
    default:
      throw refusal('unsupported compression type')
  }
}

function isObfuscationLevel(level: number): boolean {
  return (level >= 1 && level <= 6) || (level >= 110 && level <= 123) || level === 250
}

function parseLevel(range: LevelRange, words: readonly string[], text: string): number {
  const [word, ...more] = words
  if (word === undefined) return range.usual
  if (more.length > 0) throw refusal('bad arguments')
  const level = parseInteger(word, text)
  if (level < range.from || level > range.to) throw refusal(`level must be >= ${range.from} and <= ${range.to}`)
  return level
}

/** Python's int(): blanks around, a sign and single underscores between digits are fine. */
function parseInteger(word: string, text: string): number {
  const digits = word.trim()
  if (!/^[+-]?\d+(?:_\d+)*$/.test(digits)) throw refusal(`invalid CompressionSpec value: '${text}'`)
  return Number(digits.replaceAll('_', ''))
}

function refusal(reason: string): BorgError {
  return new BorgError('CommandError', [reason])
}
