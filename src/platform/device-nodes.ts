/**
 * FIFOs and device nodes, which Node cannot create: by system call, else by the system's own tools.
 *
 * Source: mknod(2); device numbers as glibc packs them (gnu_dev_makedev).
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { makeSystemErrorNamed } from '../base/errno.ts'
import type { Syscalls } from './syscalls.ts'
import { terminated } from './xattr.ts'

const typeMask = 0o170000
const characterType = 0o020000

/** Mode 0600 until `setMode`. */
export function createNodeFifo(calls: Syscalls | undefined, path: Uint8Array): void {
  if (calls !== undefined) calls.makeFifo(terminated(path), 0o600)
  else runTool('mkfifo', path, [])
}

/** Mode 0600 of the type in `mode` until `setMode`. */
export function createNodeDevice(calls: Syscalls | undefined, path: Uint8Array, mode: number, rawDevice: number): void {
  const type = mode & typeMask
  if (calls?.makeNode !== undefined) {
    calls.makeNode(terminated(path), type | 0o600, rawDevice)
    return
  }
  const { major, minor } = splitDevice(rawDevice)
  runTool('mknod', path, [type === characterType ? 'c' : 'b', String(major), String(minor)])
}

/** Linux: major in bits 8-19 and 32-63, minor in bits 0-7 and 20-31. */
export function splitDevice(rawDevice: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(rawDevice)
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xffff_f000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffff_ff00n)),
  }
}

/** Exact up to the kernel's 12 and 20 bits. */
export function joinDevice(major: number, minor: number): number {
  const low = ((major & 0xfff) << 8) | (minor & 0xff)
  return low + Math.floor(minor / 0x100) * 2 ** 20 + Math.floor(major / 0x1000) * 2 ** 44
}

/**
 * Arguments of child processes are text, so the tool gets only the name inside its folder, and that must be UTF-8; its
 * error texts are not for machines: what it failed with is found out afterwards.
 */
function runTool(tool: 'mkfifo' | 'mknod', path: Uint8Array, rest: readonly string[]): void {
  const place = Buffer.from(path)
  const text = place.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(place)) throw makeSystemErrorNamed('EILSEQ', tool)
  if (exists(place)) throw makeSystemErrorNamed('EEXIST', tool)
  // The path may lead through /proc/self, which would be the tool's own: name our process.
  const reachable = text.replace(/^\/proc\/self\//, `/proc/${process.pid}/`)
  const done = spawnSync(tool, ['-m', '0600', '--', reachable, ...rest], { stdio: 'ignore' })
  if (done.error !== undefined) throw done.error
  if (done.status !== 0) throw makeSystemErrorNamed('EPERM', tool)
}

function exists(path: Buffer): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
