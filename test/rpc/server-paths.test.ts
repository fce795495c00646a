/**
 * Which folders a client can reach: those it may, by whatever name, and no others.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { allowedPath, type PathPolicy } from '../../src/rpc/path-policy.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { ServedClient } from './server-client.ts'

const anywhere: PathPolicy = { restrictToPaths: [], restrictToRepositories: [] }
const onDisk = { onDisk: true } as const

function resolve(path: string, policy: Partial<PathPolicy> = {}): string {
  return allowedPath(path, { ...anywhere, ...policy }, onDisk)
}

/** The path that was refused, or undefined when it was not. */
function refused(path: string, policy: Partial<PathPolicy>): string | undefined {
  try {
    resolve(path, policy)
    return undefined
  } catch (error) {
    if (!isBorgError(error, 'PathNotAllowed')) throw error
    return error.args[0]
  }
}

describe('what a path means', () => {
  test.each([
    ['/a/b', '/a/b'],
    ['/a//b/./c/../d/', '/a/b/d'],
    ['/..', '/'],
    ['rel/x', '/base/rel/x'],
    ['/./rel/x', '/base/rel/x'],
    ['/./../x', '/x'],
    ['~', '/home/ada'],
    ['~/x', '/home/ada/x'],
    ['/~', '/home/ada'],
    ['/~/x/../y', '/home/ada/y'],
    ['/~nobody-of-that-name/x', '/base/~nobody-of-that-name/x'],
    ['/a/~/x', '/a/~/x'],
    ['', '/base'],
    ['/a/b\udcff', '/a/b\udcff'],
  ])('%j is %s', (given, path) => {
    expect(resolve(given, { homeFolder: '/home/ada', baseFolder: '/base' })).toBe(path)
  })

  test("~name is that user's home", () => {
    const { username, homedir } = userInfo()
    expect(resolve(`/~${username}/x`)).toBe(resolve(join(homedir, 'x')))
    expect(resolve(`~${username}`)).toBe(resolve(homedir))
  })

  test('symlinks are followed, also those in the middle, and as far as there is something', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'real', 'deep'), { recursive: true })
    symlinkSync('real', join(folder, 'relative'))
    symlinkSync(join(folder, 'real'), join(folder, 'absolute'))
    symlinkSync('../..', join(folder, 'real', 'deep', 'up'))

    expect(resolve(join(folder, 'relative', 'new'))).toBe(join(folder, 'real', 'new'))
    expect(resolve(`${folder}/absolute/deep/../new`)).toBe(join(folder, 'real', 'new'))
    expect(resolve(`${folder}/relative/deep/up/relative/x`)).toBe(join(folder, 'real', 'x'))
  })

  test('without a disk, paths are only names', () => {
    const policy = { ...anywhere, restrictToPaths: ['/customers/ada'], baseFolder: '/base' }
    expect(allowedPath('/customers/ada/../ada/x', policy, { onDisk: false })).toBe('/customers/ada/x')
    expect(() => allowedPath('/customers/ada/../eve', policy, { onDisk: false })).toThrow('/customers/eve')
  })
})

describe('what a client may reach', () => {
  test('below a path means whole components, and the path itself', () => {
    const policy = { restrictToPaths: ['/srv/ada'] }
    expect(resolve('/srv/ada', policy)).toBe('/srv/ada')
    expect(resolve('/srv/ada/x', policy)).toBe('/srv/ada/x')
    expect(refused('/srv/ada2/x', policy)).toBe('/srv/ada2/x')
    expect(refused('/srv/ada/../eve', policy)).toBe('/srv/eve')
    expect(refused('/', policy)).toBe('/')
    expect(resolve('/anything', { restrictToPaths: ['/'] })).toBe('/anything')
  })

  test('a repository means exactly that one', () => {
    const policy = { restrictToRepositories: ['/srv/ada', '/srv/eve/'] }
    expect(resolve('/srv/eve', policy)).toBe('/srv/eve')
    expect(refused('/srv/ada/sub', policy)).toBe('/srv/ada/sub')
    expect(refused('/srv', policy)).toBe('/srv')
  })

  test('both kinds of limits hold together', () => {
    const policy = { restrictToPaths: ['/srv'], restrictToRepositories: ['/srv/ada', '/other/ada'] }
    expect(resolve('/srv/ada', policy)).toBe('/srv/ada')
    expect(refused('/srv/eve', policy)).toBe('/srv/eve')
    expect(refused('/other/ada', policy)).toBe('/other/ada')
  })

  test('a symlink that leads out is out, and one that leads in is in', () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'allowed'))
    mkdirSync(join(folder, 'secret'))
    symlinkSync('../secret', join(folder, 'allowed', 'out'))
    symlinkSync('allowed', join(folder, 'in'))
    const policy = { restrictToPaths: [join(folder, 'in')] }

    expect(refused(join(folder, 'allowed', 'out', 'x'), policy)).toBe(join(folder, 'secret', 'x'))
    expect(resolve(join(folder, 'in', 'x'), policy)).toBe(join(folder, 'allowed', 'x'))
  })

  test('limits may be relative', () => {
    const folder = tempFolder()
    const policy = { restrictToPaths: ['mine'], baseFolder: folder }
    expect(resolve('mine/x', policy)).toBe(join(folder, 'mine', 'x'))
    expect(refused('yours', policy)).toBe(join(folder, 'yours'))
  })

  test('symlinks in a circle lead nowhere', () => {
    const folder = tempFolder()
    symlinkSync('b', join(folder, 'a'))
    symlinkSync('a', join(folder, 'b'))
    expect(refused(join(folder, 'a', 'x'), {})).toBe(join(folder, 'a', 'x'))
  })

  test('what is no path is refused in good order', async () => {
    const client = new ServedClient(new FakeHost(), { restrictToPaths: ['/srv'] })
    for (const path of ['/srv/\0', `/srv/${'x'.repeat(5000)}`, `/srv${'/..'.repeat(2000)}`]) {
      expect(await client.open(path)).toMatchObject({ failure: 'ValueError' })
    }
    expect(await client.call('open', { path: 5 })).toMatchObject({ failure: 'TypeError' })
    await client.end()
  })
})
