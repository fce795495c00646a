/**
 * The order in which LocalStore asks the system to make things durable, as seen by strace. No power cut is needed to
 * see that a name was synced before its content: the order of the calls is the promise.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { tempFolder } from '../support/temp-folder.ts'

const worker = fileURLToPath(new URL('./durability-worker.ts', import.meta.url))
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
if (!canTrace) console.warn('SKIPPED: no strace here, the order of syncs was not checked')

describe.skipIf(!canTrace)('the system is asked in this order', () => {
  test('append: folders and their names, the content, the name', () => {
    expect(callsOf('append')).toEqual([
      'mkdir data',
      'fsync .',
      'mkdir data/0',
      'fsync data',
      'create data/0/1',
      'fdatasync data/0/1',
      'fsync data/0',
    ])
  })

  test('write: the content, the name, the folder', () => {
    expect(callsOf('write')).toEqual(['create file-?.tmp', 'fdatasync file-?.tmp', 'rename file-?.tmp file', 'fsync .'])
  })

  test('a secret is erased after its successor is durable', () => {
    expect(callsOf('secret')).toEqual([
      'link config config.old',
      'create config-?.tmp',
      'fdatasync config-?.tmp',
      'rename config-?.tmp config',
      'fsync .',
      'fsync config.old',
      'unlink config.old',
    ])
  })

  test('transient: nothing waits for the disk', () => {
    expect(callsOf('transient')).toEqual(['create file-?.tmp', 'rename file-?.tmp file'])
  })

  test('writeInOrder: all contents, then name by name', () => {
    expect(callsOf('in-order')).toEqual([
      'create integrity.5.tmp',
      'fdatasync integrity.5.tmp',
      'create hints.5.tmp',
      'fdatasync hints.5.tmp',
      'create index.5.tmp',
      'fdatasync index.5.tmp',
      'rename integrity.5.tmp integrity.5',
      'fsync .',
      'rename hints.5.tmp hints.5',
      'fsync .',
      'rename index.5.tmp index.5',
      'fsync .',
    ])
  })

  test('moveFolder: the name, the folder around it', () => {
    expect(callsOf('move')).toEqual(['rename txn.tmp txn.active', 'fsync .'])
  })
})

/** Successful calls that concern the store's folder, relative to it, random letters as '?'. */
function callsOf(act: string): readonly string[] {
  const folder = join(tempFolder(), 'store')
  mkdirSync(join(folder, 'txn.tmp'), { recursive: true })
  writeFileSync(join(folder, 'config'), 'old content')
  const trace = join(folder, '..', 'trace')
  const calls = 'openat,open,mkdir,mkdirat,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,link,linkat'
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), worker, folder, act]
  const { status, stderr } = spawnSync(
    'strace',
    ['-f', '-y', '-s', '4096', '-e', `trace=${calls}`, '-o', trace, ...node],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(stderr)
  return joinInterrupted(readFileSync(trace, 'utf8').split('\n')).flatMap((line) => callIn(line, folder) ?? [])
}

/** With several threads strace prints a call's start and end apart; the call counts where it ends. */
function joinInterrupted(lines: readonly string[]): readonly string[] {
  const started = new Map<string, string>()
  return lines.flatMap((line) => {
    const thread = line.split(' ', 1)[0] ?? ''
    const start = /^(.*) <unfinished \.\.\.>$/.exec(line)?.[1]
    if (start !== undefined) {
      started.set(thread, start)
      return []
    }
    const end = /<\.\.\. \w+ resumed>(.*)$/.exec(line)?.[1]
    return end === undefined ? [line] : [`${started.get(thread) ?? ''}${end}`]
  })
}

function callIn(line: string, folder: string): string | undefined {
  const match = /^\d+\s+(\w+?)(?:at2?)?\((.*)\)\s+= (\d+)/.exec(line)
  if (match === null || !line.includes(folder)) return undefined
  const [, name = '', args = ''] = match
  // Paths in quotes are arguments, those in angle brackets are what descriptors stand for.
  const paths = [...args.matchAll(/(?:"|<)([^">]*)(?:"|>)/g)]
    .map((found) => found[1] ?? '')
    .filter((path) => path.startsWith(folder))
    .map((path) => path.slice(folder.length + 1).replace(/-[a-z0-9_]{8}\.tmp$/, '-?.tmp') || '.')
  if (name !== 'open') return `${name} ${paths.join(' ')}`
  return args.includes('O_CREAT') ? `create ${paths[0]}` : undefined
}
