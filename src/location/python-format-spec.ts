/**
 * Python's format specs for texts and integers: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
 * Source: Python documentation, "Format Specification Mini-Language".
 */
import { fixedDecimal } from './exact-decimal.ts'

/** `kind` is the class of Python's exception; borg shows it. */
export class PythonFormatError extends Error {
  readonly kind: 'ValueError' | 'KeyError' | 'TypeError'

  constructor(kind: 'ValueError' | 'KeyError' | 'TypeError', message: string) {
    super(message)
    this.kind = kind
    this.name = kind
  }
}

interface Spec {
  readonly fill: string | undefined
  readonly align: string | undefined
  readonly sign: string
  readonly alternate: boolean
  readonly zero: boolean
  readonly width: number
  readonly grouping: string | undefined
  readonly precision: number | undefined
  readonly type: string | undefined
}

const grammar =
  /^(?:(?<fill>[\s\S])?(?<align>[<>=^]))?(?<sign>[ +-])?(?<alternate>#)?(?<zero>0)?(?<width>\d+)?(?<grouping>[,_])?(?:\.(?<precision>\d+))?(?<type>\S)?$/u

function parseSpec(text: string, type: 'str' | 'int'): Spec {
  const groups = grammar.exec(text)?.groups
  if (groups === undefined) {
    throw new PythonFormatError('ValueError', `Invalid format specifier '${text}' for object of type '${type}'`)
  }
  return {
    fill: groups['fill'],
    align: groups['align'],
    sign: groups['sign'] ?? '',
    alternate: groups['alternate'] !== undefined,
    zero: groups['zero'] !== undefined,
    width: Number(groups['width'] ?? 0),
    grouping: groups['grouping'],
    precision: groups['precision'] === undefined ? undefined : Number(groups['precision']),
    type: groups['type'],
  }
}

/** @throws PythonFormatError 'ValueError' */
export function formatText(value: string, specText: string): string {
  if (specText === '') return value
  const spec = parseSpec(specText, 'str')
  if (spec.type !== undefined && spec.type !== 's') throw unknownCode(spec.type, 'str')
  if (spec.sign !== '') throw new PythonFormatError('ValueError', 'Sign not allowed in string format specifier')
  if (spec.alternate) {
    throw new PythonFormatError('ValueError', 'Alternate form (#) not allowed in string format specifier')
  }
  if (spec.align === '=') {
    throw new PythonFormatError('ValueError', "'=' alignment not allowed in string format specifier")
  }
  if (spec.grouping !== undefined)
    throw new PythonFormatError('ValueError', `Cannot specify '${spec.grouping}' with 's'.`)
  const characters = Array.from(value)
  const shown = spec.precision === undefined ? value : characters.slice(0, spec.precision).join('')
  return pad(shown, spec.width, spec.fill ?? (spec.zero ? '0' : ' '), spec.align ?? '<')
}

/** @throws PythonFormatError 'ValueError' */
export function formatInteger(value: bigint, specText: string): string {
  if (specText === '') return value.toString()
  const spec = parseSpec(specText, 'int')
  const type = spec.type ?? 'd'
  if ('eEfFgG%'.includes(type))
    return finish(value < 0n, floatDigits(value, spec, type), '', spec, type === '%' ? '%' : '')
  if (!'bcdnoxX'.includes(type)) throw unknownCode(type, 'int')
  if (spec.precision !== undefined) {
    throw new PythonFormatError('ValueError', 'Precision not allowed in integer format specifier')
  }
  if (type === 'c') return pad(String.fromCodePoint(Number(value)), spec.width, spec.fill ?? ' ', spec.align ?? '<')
  const magnitude = value < 0n ? -value : value
  const radix = type === 'b' ? 2 : type === 'o' ? 8 : type === 'x' || type === 'X' ? 16 : 10
  if (radix !== 10 && spec.grouping === ',')
    throw new PythonFormatError('ValueError', `Cannot specify ',' with '${type}'.`)
  const digits = magnitude.toString(radix)
  const prefix = spec.alternate && radix !== 10 ? `0${type}` : ''
  return finish(value < 0n, type === 'X' ? digits.toUpperCase() : digits, prefix, spec, '', radix === 10 ? 3 : 4)
}

function unknownCode(type: string, of: 'str' | 'int'): PythonFormatError {
  return new PythonFormatError('ValueError', `Unknown format code '${type}' for object of type '${of}'`)
}

function floatDigits(value: bigint, spec: Spec, type: string): string {
  const number = Math.abs(Number(value))
  const precision = spec.precision ?? 6
  switch (type.toLowerCase()) {
    case 'f':
      return fixedDecimal(number, precision)
    case '%':
      return fixedDecimal(number * 100, precision)
    case 'e':
      return inCase(number.toExponential(precision).replace(/e([+-])(\d)$/, 'e$10$2'), type)
    default: {
      const significant = Math.max(precision, 1)
      const exponent = number === 0 ? 0 : Number(number.toExponential(significant - 1).split('e')[1])
      const plain =
        exponent < significant
          ? fixedDecimal(number, significant - 1 - exponent)
          : number.toExponential(significant - 1).replace(/e([+-])(\d)$/, 'e$10$2')
      return inCase(
        spec.alternate ? plain : plain.replace(/\.?0+(?=e|$)/, (zeros) => (plain.includes('.') ? '' : zeros)),
        type,
      )
    }
  }
}

function inCase(text: string, type: string): string {
  return type === type.toUpperCase() ? text.toUpperCase() : text
}

/** Sign, prefix, grouping and padding around the digits of a magnitude. */
function finish(negative: boolean, digits: string, prefix: string, spec: Spec, suffix: string, groupSize = 3): string {
  const sign = negative ? '-' : spec.sign === '-' ? '' : spec.sign
  const before = sign + prefix
  const fill = spec.fill ?? (spec.zero ? '0' : ' ')
  const align = spec.align ?? (spec.zero ? '=' : '>')
  const room = spec.width - before.length - suffix.length
  const grouped = group(digits, spec.grouping, groupSize, align === '=' && fill === '0' ? room : 0) + suffix
  if (align !== '=') return pad(before + grouped, spec.width, fill, align)
  return before + grouped.padStart(spec.width - before.length, fill)
}

/** Zero padding is grouped as well ('0,003'), and never begins with a separator. */
function group(digits: string, separator: string | undefined, size: number, room: number): string {
  if (separator === undefined) return digits
  const [whole = '', ...fraction] = digits.split('.')
  const tail = fraction.length === 0 ? '' : `.${fraction.join('.')}`
  let padded = whole
  while (separated(padded, separator, size).length + tail.length < room) padded = `0${padded}`
  return separated(padded, separator, size) + tail
}

function separated(digits: string, separator: string, size: number): string {
  const groups: string[] = []
  for (let end = digits.length; end > 0; end -= size) groups.unshift(digits.slice(Math.max(0, end - size), end))
  return groups.join(separator)
}

/** Widths count characters, not UTF-16 units. */
function pad(text: string, width: number, fill: string, align: string): string {
  const missing = width - Array.from(text).length
  if (missing <= 0) return text
  const left = align === '>' ? missing : align === '^' ? Math.floor(missing / 2) : 0
  return fill.repeat(left) + text + fill.repeat(missing - left)
}
