/**
 * Mounting: by mount(2) for root, by fusermount for everybody else.
 *
 * fusermount is set-uid root. It opens /dev/fuse, mounts, and hands the descriptor over a socket that we let it inherit.
 * Source: mount(2), fuse(4), fusermount(1).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { access, constants as fsConstants, stat } from 'node:fs/promises'
import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ReadOnlyTree } from '../archive/tree.ts'
import { BorgError, systemErrorCode } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { encodeText } from '../base/text.ts'
import { findMountCalls, type MountCalls } from './calls.ts'
import { FuseConnection } from './connection.ts'
import { openFuseDevice } from './device.ts'
import { type ServeOptions, TreeFileSystem } from './file-system.ts'
import { type KernelMount, kernelMount } from './mount-options.ts'

const devicePath = '/dev/fuse'
const helpers = ['fusermount3', 'fusermount'] as const

export interface MountedFolder {
  /** Ends it: who still uses it gets errors. Fine when it is over already. */
  unmount(): Promise<void>
  /** Resolves when it is unmounted, by whomever. @throws what ended the conversation with the kernel */
  readonly done: Promise<void>
}

export interface FuseOptions extends ServeOptions {
  /** Words as after `-o`: 'allow_other', 'fsname=x' ... */
  readonly words?: readonly string[] | undefined
}

/**
 * Whether `mountPoint` can be mounted on, before anything else is done.
 * @throws BorgError 'RTError': no FUSE here, or not a folder that can be written
 */
export async function requireMountPoint(mountPoint: string): Promise<void> {
  if (findMountCalls() === undefined || !(await isThere(devicePath))) throw noFuseSupport()
  try {
    await access(mountPoint, fsConstants.R_OK | fsConstants.W_OK | fsConstants.X_OK)
    if ((await stat(mountPoint)).isDirectory()) return
  } catch {
    // Whatever is wrong with it.
  }
  throw new BorgError('RTError', [`${mountPoint}: Mount point must be a writable directory`])
}

/** What is said where there is no FUSE, or where it is not wanted. */
export function noFuseSupport(): BorgError {
  return new BorgError('RTError', ['borg mount not available: no FUSE support, BORG_FUSE_IMPL=none.'])
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

/** Resolves when the kernel shows the tree. @throws BorgError 'RTError' */
export async function mountTree(
  tree: ReadOnlyTree,
  mountPoint: string,
  options: FuseOptions,
  run: RunOptions,
): Promise<MountedFolder> {
  const calls = findMountCalls()
  if (calls === undefined) throw noFuseSupport()
  const place = resolve(mountPoint)
  const { descriptor, detach } = await attach(place, options.words ?? [], calls, run)
  const device = openFuseDevice(descriptor, calls)
  const connection = new FuseConnection(device, new TreeFileSystem(tree, options, run))
  try {
    await connection.started()
  } catch (error) {
    await detach().catch(() => {})
    throw mountFailed(run, error)
  }
  let over = false
  const end = (): void => {
    over = true
  }
  connection.done.then(end, end)
  return {
    done: connection.done,
    async unmount() {
      if (over) return
      try {
        await detach()
      } catch (error) {
        // Unless somebody was faster, a mount point stays behind that answers with errors.
        if (!over) reportLog(run, 'warning', `${place}: ${error instanceof Error ? error.message : String(error)}`)
      }
      await connection.stop()
    },
  }
}

interface Attached {
  readonly descriptor: number
  detach(): Promise<void>
}

async function attach(place: string, words: readonly string[], calls: MountCalls, run: RunOptions): Promise<Attached> {
  try {
    const mount = kernelMount(words)
    if (process.getuid?.() !== 0) return await attachByHelper(place, mount, calls)
    try {
      return await attachAsRoot(place, mount, calls)
    } catch (error) {
      // Root of a container may be less than root.
      if (systemErrorCode(error) !== 'EPERM') throw error
      return await attachByHelper(place, mount, calls)
    }
  } catch (error) {
    throw mountFailed(run, error)
  }
}

function mountFailed(run: RunOptions, error: unknown): BorgError {
  reportLog(run, 'error', error instanceof Error ? error.message : String(error))
  return new BorgError('RTError', ['FUSE mount failed'], { cause: error })
}

async function attachAsRoot(place: string, mount: KernelMount, calls: MountCalls): Promise<Attached> {
  const descriptor = openSync(devicePath, 'r+')
  try {
    const typeOfRoot = ((await stat(place)).mode & 0o170000).toString(8)
    const ids = [`user_id=${process.getuid?.() ?? 0}`, `group_id=${process.getgid?.() ?? 0}`]
    const data = [`fd=${descriptor}`, `rootmode=${typeOfRoot}`, ...ids, ...mount.data].join(',')
    calls.mount(terminated(mount.source), terminated(place), terminated(mount.type), mount.flags, terminated(data))
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
  return { descriptor, detach: () => calls.detach(terminated(place)) }
}

function terminated(text: string): Uint8Array {
  return encodeText(`${text}\0`)
}

async function attachByHelper(place: string, mount: KernelMount, calls: MountCalls): Promise<Attached> {
  const [ours, theirs] = calls.socketPair()
  try {
    await runHelper(['-o', mount.words.join(','), '--', place], theirs)
    const descriptor = calls.receiveDescriptor(ours)
    return { descriptor, detach: () => runHelper(['-u', '-z', '--', place], 'ignore') }
  } finally {
    closeSync(ours)
    closeSync(theirs)
  }
}

/** The first of the helpers that is installed; it inherits `socket`. @throws Error with what it said when it fails */
async function runHelper(words: readonly string[], socket: number | 'ignore'): Promise<void> {
  for (const helper of helpers) {
    const child = spawn(helper, words, {
      env: { _FUSE_COMMFD: '3', PATH: '/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin' },
      stdio: ['ignore', 'ignore', 'pipe', socket],
    })
    const { code, said } = await ending(child)
    if (code === 0) return
    if (code !== 'missing') throw new Error(said || `${helper} failed with exit code ${code}`)
  }
  throw new Error(`none of ${helpers.join(', ')} is installed`)
}

function ending(child: ChildProcess): Promise<{ readonly code: number | null | 'missing'; readonly said: string }> {
  let said = ''
  child.stderr?.on('data', (bytes: Uint8Array) => {
    said += String(bytes)
  })
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (systemErrorCode(error) === 'ENOENT') resolve({ code: 'missing', said })
      else reject(error)
    })
    child.on('close', (code) => resolve({ code, said: said.trim() }))
  })
}
