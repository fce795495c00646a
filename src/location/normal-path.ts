/**
 * POSIX normpath: '.' and '//' vanish, 'x/..' cancels, exactly two leading slashes stay two, nothing becomes '.'.
 * A twin of the one in patterns/: the two rooms stand on the same floor.
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
