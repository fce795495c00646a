/**
 * Stored metadata as JSON, as borg's debug commands print it: four blanks a level, keys in their bytes' order. Byte strings
 * that are UTF-8 are text; any other, and those that begin with DEL, are DEL and their hex digits.
 * Source: CLI contract, commands §22; checked against borg 1.4.
 */
import type { Unpacked, UnpackedMap } from '../../index.ts'
import { type PythonJson, stringifyPython, toHex } from '../../parsing.ts'

const del = 0x7f
const level = '    '
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function rawJson(value: Unpacked | undefined): string {
  return stringifyPython(decoded(value ?? null), { sortKeys: true, indent: level.length })
}

/** The same one level deeper: a part of a document that is written piece by piece. */
export function rawJsonPart(value: Unpacked | undefined): string {
  return rawJson(value).replace(/^/gm, level)
}

function decoded(value: Unpacked): PythonJson {
  if (value instanceof Uint8Array) return textOrHex(value)
  if (Array.isArray(value)) return value.map(decoded)
  return value instanceof Map ? decodedMap(value) : value
}

function decodedMap(map: UnpackedMap): ReadonlyMap<string, PythonJson> {
  return new Map([...map].map(([key, value]) => [typeof key === 'string' ? key : keyText(key), decoded(value)]))
}

function keyText(key: Uint8Array | number | bigint): string {
  return key instanceof Uint8Array ? textOrHex(key) : String(key)
}

function textOrHex(bytes: Uint8Array): string {
  if (bytes[0] !== del) {
    try {
      return utf8.decode(bytes)
    } catch {
      // Not text: in hex.
    }
  }
  return `\u007f${toHex(bytes)}`
}
