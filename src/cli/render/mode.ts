/**
 * File modes as `ls -l` shows them.
 */
const typeLetters: Readonly<Record<number, string>> = {
  9604: 'd',
  21609: 'l',
  16807: '-',
  14406: 'b',
  4802: 'c',
  2401: 'p',
  26411: 's',
}

/** '-' for a regular file, 'd' for a folder ...; '?' for what no system has. */
export function typeLetter(mode: number): string {
  return typeLetters[mode & 0o170000] ?? '?'
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
