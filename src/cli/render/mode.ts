/**
 * File modes as `ls -l` shows them.
 */
// A Map, not an object: the linter's "fix" for octal keys of objects changes their values.
const typeLetters: ReadonlyMap<number, string> = new Map([
  [0o040000, 'd'],
  [0o120000, 'l'],
  [0o100000, '-'],
  [0o060000, 'b'],
  [0o020000, 'c'],
  [0o010000, 'p'],
  [0o140000, 's'],
])

/** '-' for a regular file, 'd' for a folder ...; '?' for what no system has. */
export function typeLetter(mode: number): string {
  return typeLetters.get(mode & 0o170000) ?? '?'
}

/** 'drwxr-xr-x', '-rwsr-xr-t' */
export function modeText(mode: number): string {
  const bit = (mask: number, letter: string): string => (mode & mask ? letter : '-')
  const special = (mask: number, execute: number, both: string, only: string): string => {
    if (mode & mask) return mode & execute ? both : only
    return mode & execute ? 'x' : '-'
  }
  return (
    typeLetter(mode) +
    bit(0o400, 'r') +
    bit(0o200, 'w') +
    special(0o4000, 0o100, 's', 'S') +
    bit(0o040, 'r') +
    bit(0o020, 'w') +
    special(0o2000, 0o010, 's', 'S') +
    bit(0o004, 'r') +
    bit(0o002, 'w') +
    special(0o1000, 0o001, 't', 'T')
  )
}
