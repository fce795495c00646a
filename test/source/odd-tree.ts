/**
 * A tree with one of everything a file system can hold, made with the system's own tools, not with the code under test.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

export const isRoot = process.geteuid?.() === 0

/** Runs a tool in `folder`; false, with the reason printed, when it cannot. */
export function tool(folder: string, command: string, args: readonly string[]): boolean {
  const done = spawnSync(command, args, { cwd: folder, encoding: 'utf8' })
  if (done.status === 0) return true
  console.warn(
    `SKIPPED part of the odd tree: ${command} ${args.join(' ')}: ${done.error?.message ?? done.stderr.trim()}`,
  )
  return false
}

/** Bytes that are no UTF-8, below `folder`. */
export function rawPath(folder: string, name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), name])
}

/** Fills `root`. Call `release` afterwards: immutable files would keep the folder from being removed. */
export async function makeOddTree(root: string): Promise<{ release: () => void }> {
  mkdirSync(root, { recursive: true })
  makeFiles(root)
  makeLinks(root)
  makeSpecials(root)
  await makeSocket(join(root, 'socket'))
  makeAttributes(root)
  const flagged = makeFlags(root)
  makeTimes(root)
  return {
    release: () => {
      for (const name of flagged) tool(root, 'chattr', ['-i', '-a', '-d', name])
    },
  }
}

function makeFiles(root: string): void {
  writeFileSync(join(root, 'plain'), 'plain content\n')
  writeFileSync(join(root, 'empty'), '')
  writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000, 'large '))
  writeFileSync(join(root, 'sparse'), 'x')
  truncateSync(join(root, 'sparse'), 5_000_000)
  for (const name of [
    'with space',
    "quote'd",
    'double"quote',
    'new\nline',
    'ünïcödé',
    'tab\t',
    '-dash',
    '*',
    'back\\slash',
  ])
    writeFileSync(join(root, name), name)
  writeFileSync(rawPath(root, Buffer.from([0x66, 0xff, 0xfe, 0x80])), 'not utf-8')
  mkdirSync(join(root, 'folder', 'deeper', 'deepest'), { recursive: true })
  mkdirSync(join(root, 'folder', 'hollow'))
  for (const i of [3, 1, 2]) writeFileSync(join(root, 'folder', `f${i}`), `f${i}`)
  writeFileSync(join(root, 'folder', 'deeper', 'deepest', 'leaf'), 'leaf')
  writeFileSync(join(root, 'setuid'), '#!')
  chmodSync(join(root, 'setuid'), 0o6755)
  mkdirSync(join(root, 'sticky'))
  chmodSync(join(root, 'sticky'), 0o1777)
  if (isRoot) {
    writeFileSync(join(root, 'closed'), 'no bits')
    chmodSync(join(root, 'closed'), 0)
    writeFileSync(join(root, 'owned'), 'by nobody known')
    chownSync(join(root, 'owned'), 54321, 54322)
    writeFileSync(join(root, 'daemons'), 'by daemon')
    chownSync(join(root, 'daemons'), 1, 1)
  }
}

function makeLinks(root: string): void {
  symlinkSync('plain', join(root, 'link'))
  symlinkSync('folder', join(root, 'link-to-folder'))
  symlinkSync('/nowhere/at all', join(root, 'dangling'))
  symlinkSync(Buffer.from([0x2f, 0xff, 0xc3]), join(root, 'odd-target'))
  linkSync(join(root, 'link'), join(root, 'second-link'))
  writeFileSync(join(root, 'first-name'), 'has three names')
  linkSync(join(root, 'first-name'), join(root, 'second-name'))
  linkSync(join(root, 'first-name'), join(root, 'folder', 'third-name'))
}

function makeSpecials(root: string): void {
  if (tool(root, 'mkfifo', ['-m', '0640', 'fifo'])) linkSync(join(root, 'fifo'), join(root, 'fifo-too'))
  if (!isRoot) {
    console.warn('SKIPPED part of the odd tree: devices and owners need root')
    return
  }
  if (tool(root, 'mknod', ['null-device', 'c', '1', '3'])) linkSync(join(root, 'null-device'), join(root, 'null-too'))
  tool(root, 'mknod', ['block-device', 'b', '7', '300'])
  tool(root, 'mknod', ['far-device', 'c', '511', '1048575'])
}

function makeSocket(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(path, () => {
      // Node removes the socket on close; the name should stay, so it is linked first.
      linkSync(path, `${path}-kept`)
      server.close(() => resolve())
    })
  })
}

function makeAttributes(root: string): void {
  tool(root, 'setfattr', ['-n', 'user.text', '-v', 'value', 'plain'])
  tool(root, 'setfattr', ['-n', 'user.empty', 'plain'])
  tool(root, 'setfattr', ['-n', 'user.binary', '-v', '0x00ff8001', 'plain'])
  tool(root, 'setfattr', ['-n', 'user.onfolder', '-v', 'x', 'folder'])
  if (isRoot) {
    tool(root, 'setfattr', ['-n', 'trusted.secret', '-v', 't', 'empty'])
    tool(root, 'setfattr', ['-h', '-n', 'trusted.onlink', '-v', 'l', 'link'])
    tool(root, 'setfattr', ['-n', 'trusted.onfifo', '-v', 'f', 'fifo'])
    // cap_net_raw, as setcap would write it
    tool(root, 'setfattr', ['-n', 'security.capability', '-v', '0x0100000200200000000000000000000000000000', 'setuid'])
  }
  tool(root, 'setfacl', ['-m', 'u:daemon:rw,u:54321:r,g:daemon:x,g:2:rwx', 'with space'])
  tool(root, 'setfacl', ['-m', 'u:1:rwx', 'folder'])
  tool(root, 'setfacl', ['-d', '-m', 'u:daemon:rwx,g:99999:r', join('folder', 'hollow')])
  tool(root, 'setfacl', ['-d', '-m', 'u::rwx,g::rx,o::-', 'sticky'])
}

/** The names that got flags. */
function makeFlags(root: string): readonly string[] {
  if (!isRoot) return []
  const flagged: string[] = []
  const flag = (flags: string, name: string): void => {
    writeFileSync(join(root, name), flags)
    if (tool(root, 'chattr', [flags, name])) flagged.push(name)
  }
  flag('+d', 'nodump')
  flag('+i', 'immutable')
  flag('+a', 'append-only')
  flag('+dA', 'nodump-noatime')
  return flagged
}

function makeTimes(root: string): void {
  const at = (name: string, seconds: number): void => {
    writeFileSync(join(root, name), 'time')
    utimesSync(join(root, name), seconds, seconds)
  }
  at('from-1969', -1000.5)
  at('from-1970', 0)
  at('from-2038', 2 ** 31 + 5)
  at('from-2100', 4_102_444_800.123)
  lutimesSync(join(root, 'link'), 1_000_000_000.5, 1_000_000_001.25)
  utimesSync(join(root, 'folder'), 1_234_567_890.5, 1_234_567_891.5)
}
