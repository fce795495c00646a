/**
 * borg's version numbers as the protocol carries them: [major, minor, patch, kind, number?]. Kind is -1 for a release, below
 * that for what comes before one, so that lists compare as versions do. Source: format/rpc.md §3.
 */
import type { Packable } from '../format/msgpack-encode.ts'
import type { Unpacked } from '../format/msgpack-decode.ts'

export type BorgVersion = readonly number[]

const kinds: Readonly<Record<string, number>> = { a: -4, b: -3, rc: -2 }

/** '1.2.0a8' -> [1, 2, 0, -4, 8]. @throws RangeError for any other shape. */
export function parseVersion(text: string): BorgVersion {
  const match = /^(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?$/.exec(text)
  if (match === null) throw new RangeError(`not a version: '${text}'`)
  const [, major, minor, patch, kind, number] = match
  const release = [Number(major), Number(minor), Number(patch)]
  return kind === undefined ? [...release, -1] : [...release, kinds[kind] ?? -1, Number(number)]
}

/** The way back: [1, 2, 0, -4, 8] -> '1.2.0a8'. */
export function formatVersion([major = 0, minor = 0, patch = 0, kind = -1, number]: BorgVersion): string {
  const release = `${major}.${minor}.${patch}`
  if (kind === -1) return release
  const word = Object.keys(kinds).find((name) => kinds[name] === kind) ?? '.dev'
  return `${release}${word}${number ?? ''}`
}

/** Below 0 when `a` is older. */
export function compareVersions(a: BorgVersion, b: BorgVersion): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Undefined for anything but a list of integers. */
export function versionFromWire(value: Unpacked | undefined): BorgVersion | undefined {
  if (!Array.isArray(value) || value.length < 3) return undefined
  const numbers = value.filter((part): part is number => typeof part === 'number')
  return numbers.length === value.length ? numbers : undefined
}

export function versionToWire(version: BorgVersion): Packable {
  return version
}
