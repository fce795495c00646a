/**
 * Extended headers: what does not fit into a header, as text records in front of it.
 *
 * Source: POSIX pax, "pax Extended Header"; records are 'LENGTH KEYWORD=VALUE\n', LENGTH counting itself and the newline.
 */
import { decodeText } from '../base/text.ts'
import type { RawHeader } from './header.ts'

/** In the order they were written: GNU.sparse's records repeat. An empty value takes an earlier one back. */
export type PaxRecords = readonly (readonly [keyword: string, value: string])[]

/** @throws RangeError when the records are none */
export function parsePaxRecords(bytes: Uint8Array): PaxRecords {
  const records: [string, string][] = []
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 ? '' : decodeText(bytes.subarray(at, space))
    const end = at + Number(digits)
    const equals = bytes.indexOf(0x3d, space + 1)
    const fits = /^\d{1,15}$/.test(digits) && end <= bytes.length && equals > 0 && equals < end
    if (!fits || bytes[end - 1] !== 0x0a) throw new RangeError('malformed extended header')
    records.push([decodeText(bytes.subarray(space + 1, equals)), decodeText(bytes.subarray(equals + 1, end - 1))])
    at = end
  }
  return records
}

/** What the records say instead of the header. `modified` is in nanoseconds. */
export interface PaxFields {
  readonly name?: string
  readonly linkName?: string
  readonly size?: number
  readonly uid?: number
  readonly gid?: number
  readonly userName?: string
  readonly groupName?: string
  readonly modified?: bigint
}

const texts: Readonly<Record<string, keyof Pick<RawHeader, 'name' | 'linkName' | 'userName' | 'groupName'>>> = {
  path: 'name',
  linkpath: 'linkName',
  uname: 'userName',
  gname: 'groupName',
}

/** Keywords we do not know, extended attributes among them, are passed over as borg does. @throws RangeError */
export function paxFields(records: PaxRecords): PaxFields {
  const fields: Record<string, string | number | bigint> = {}
  for (const [keyword, value] of new Map(records)) {
    if (value === '') continue
    const text = texts[keyword]
    if (text !== undefined) fields[text] = wholeText(keyword, value)
    else if (keyword === 'size' || keyword === 'uid' || keyword === 'gid') fields[keyword] = wholeNumber(keyword, value)
    else if (keyword === 'mtime') fields['modified'] = decimalNanoseconds(keyword, value)
  }
  return fields
}

function wholeText(keyword: string, value: string): string {
  if (value.includes('\0')) throw new RangeError(`${keyword}: a NUL in a name`)
  return value
}

/** @throws RangeError */
export function wholeNumber(keyword: string, value: string): number {
  const number = Number(value)
  const isWhole = /^-?\d+$/.test(value) && Number.isSafeInteger(number) && (number >= 0 || keyword.endsWith('id'))
  if (!isWhole) throw new RangeError(`${keyword}: not a number: ${value.slice(0, 40)}`)
  return number
}

/** Decimal seconds; digits beyond nanoseconds are cut off. Python writes very small and large ones with an exponent. */
function decimalNanoseconds(keyword: string, value: string): bigint {
  const plain = /^(-?)(\d+)(?:\.(\d*))?$/.exec(value)
  if (plain !== null) {
    const [, sign, seconds, fraction = ''] = plain
    return BigInt(`${seconds}${fraction.slice(0, 9).padEnd(9, '0')}`) * (sign === '-' ? -1n : 1n)
  }
  const number = /^-?[\d.]+e[-+]?\d+$/.test(value) ? Number(value) * 1e9 : Number.NaN
  if (!Number.isFinite(number)) throw new RangeError(`${keyword}: not a time: ${value.slice(0, 40)}`)
  return BigInt(Math.trunc(number))
}
