/**
 * Paths as text.
 */

/**
 * POSIX normpath: '.' and '//' vanish, 'x/..' cancels, exactly two leading slashes stay two (POSIX gives
 * them a meaning of their own), and nothing at all becomes '.'.
 */
export function normalPath(path: string): string {
  const root = path.startsWith('//') && !path.startsWith('///') ? '//' : path.startsWith('/') ? '/' : ''
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    const last = parts.at(-1)
    if (part !== '..' || (root === '' && last === undefined) || last === '..') parts.push(part)
    else parts.pop()
  }
  return root + parts.join('/') || '.'
}
