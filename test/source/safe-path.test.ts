import { describe, expect, test } from 'vitest'
import { joinWalked, makePathSafe, parseRoot, storedPath } from '../../src/source/safe-path.ts'
import { loadFixture } from '../support/vectors.ts'

const { make_path_safe: safePaths } = loadFixture<{ make_path_safe: readonly (readonly [string, string])[] }>(
  'vectors/parsing.json',
)

describe('stored paths are relative, as borg makes them', () => {
  test.each(safePaths)('%j becomes %j', (path, safe) => {
    expect(makePathSafe(path)).toBe(safe)
  })

  test('all vectors ran', () => {
    expect(safePaths.length).toBeGreaterThan(10)
  })
})

describe('a root argument', () => {
  test.each([
    ['/home/u', '/home/u', 'home/u'],
    ['../../src', '../../src', 'src'],
    ['.', '.', '.'],
    ['a//b/../c/', 'a/c', 'a/c'],
    ['//net/x', '//net/x', 'net/x'],
    // slashdot: read all of it, store what follows
    ['in/x/./a', 'in/x/a', 'a'],
    ['in/x/./', 'in/x', '.'],
    ['./in/./x', 'in/x', 'x'],
    ['/srv/./data/y', '/srv/data/y', 'data/y'],
    ['in/../z/./y/w', 'z/y/w', 'y/w'],
    ['/./a', '/a', 'a'],
    ['in/x/.', 'in/x', 'in/x'],
  ])('%j is walked as %j and stored as %j', (root, walked, stored) => {
    const parsed = parseRoot(root)
    expect(parsed.walkedPath).toBe(walked)
    expect(storedPath(parsed.walkedPath, parsed.strippedPrefix)).toBe(stored)
  })

  test('names below a stripped prefix lose it, too', () => {
    const { walkedPath, strippedPrefix } = parseRoot('in/x/./')
    expect(storedPath(joinWalked(walkedPath, 'a'), strippedPrefix)).toBe('a')
    expect(joinWalked('.', 'a')).toBe('a')
    expect(joinWalked('/', 'a')).toBe('/a')
  })
})
