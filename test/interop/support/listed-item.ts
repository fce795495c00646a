/**
 * Items as `borg list --json-lines` shows them, made without the code that renders our own listings.
 * Source: CLI contract common.md sections 7.4 and 9.
 */
import type { Item } from '../../../src/archive/item.ts'
import type { ListedItem } from './fixture-repository.ts'

/** Letters of `ls` by file type, the upper four bits of a mode. */
const typeLetters: Readonly<Record<number, string>> = { 1: 'p', 2: 'c', 4: 'd', 6: 'b', 8: '-', 10: 'l', 12: 's' }

export function listedItem(item: Item): ListedItem {
  const type = typeLetters[item.mode >> 12] ?? '?'
  const later = item.source !== undefined && type !== 'l'
  const source = printed(item.source ?? '')
  const sum = (item.chunks ?? []).reduce((total, chunk) => total + chunk.size, 0)
  return {
    type,
    mode: `${later ? 'h' : type}${permissions(item.mode)}`,
    user: item.user ?? item.uid ?? null,
    group: item.group ?? item.gid ?? null,
    uid: item.uid ?? null,
    gid: item.gid ?? null,
    path: printed(item.path),
    healthy: item.chunksHealthy === undefined,
    source,
    linktarget: source,
    flags: item.bsdflags ?? 0,
    size: item.size ?? (type === 'l' ? source.length : sum),
    mtime: isoMicroseconds(item.modified),
  }
}

/** Bytes that are no UTF-8 are shown as question marks. */
export function printed(text: string): string {
  return text.replace(/[\u{dc80}-\u{dcff}]/gu, '?')
}

/** UTC, no zone, six digits: as Python prints a timestamp that went through a double. */
export function isoMicroseconds(nanoseconds: bigint): string {
  const seconds = Number(nanoseconds) / 1e9
  const whole = Math.floor(seconds)
  const micros = String(Math.round((seconds - whole) * 1e6)).padStart(6, '0')
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${micros}`
}

function permissions(mode: number): string {
  const special = [
    { bit: 0o4000, shift: 6, letter: 's' },
    { bit: 0o2000, shift: 3, letter: 's' },
    { bit: 0o1000, shift: 0, letter: 't' },
  ]
  return special
    .map(({ bit, shift, letter }) => {
      const bits = mode >> shift
      const executable = (bits & 1) !== 0
      const last = (mode & bit) === 0 ? (executable ? 'x' : '-') : executable ? letter : letter.toUpperCase()
      return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`
    })
    .join('')
}
