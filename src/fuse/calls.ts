/**
 * The system calls that mounting takes, through the optional package koffi; undefined where they are not to be had.
 *
 * Linux on 64-bit machines only. Sources: mount(2), umount2(2), poll(2), eventfd(2), unix(7), cmsg(3).
 */
import { constants } from 'node:fs'
import { createRequire } from 'node:module'
import { dataView } from '../base/bytes.ts'
import { makeSystemError } from '../base/errno.ts'
import { isLittle } from './protocol.ts'

type Value = number | bigint | Uint8Array | null
type Callback = (error: unknown, result: number) => void
interface Foreign {
  (...args: readonly Value[]): number | bigint
  async(...args: readonly (Value | Callback)[]): void
}
interface Koffi {
  load(path: null): { func(name: string, result: string, args: readonly string[]): Foreign }
  errno(): number
  address(bytes: Uint8Array): bigint
}

/** Paths and texts end with a NUL. Every call throws a system error when it fails. */
export interface MountCalls {
  mount(source: Uint8Array, target: Uint8Array, type: Uint8Array, flags: number, data: Uint8Array): void
  /** Takes it out of the tree of folders at once, even when somebody uses it. */
  detach(target: Uint8Array): Promise<void>
  setNonBlocking(descriptor: number): void
  /** Something that can be waited for, and made to end the wait. */
  makeAlarm(): number
  /** Resolves when one of them can be read, or after some time. */
  poll(descriptors: readonly number[]): Promise<void>
  /** Whether one of them can be read within half a millisecond: stays on this thread, which costs a tenth. */
  pollShortly(descriptors: readonly number[]): boolean
  /** Undefined when there is nothing to read now: node:fs would make an error of that, each time. */
  read(descriptor: number, into: Uint8Array): number | undefined
  /** Two connected sockets. */
  socketPair(): readonly [number, number]
  /** The descriptor that came over a socket. */
  receiveDescriptor(socket: number): number
}

let loaded: { readonly calls: MountCalls | undefined } | undefined

export function findMountCalls(): MountCalls | undefined {
  loaded ??= { calls: load() }
  return loaded.calls
}

const wideArchitectures: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x'])

function load(): MountCalls | undefined {
  if (process.platform !== 'linux' || !wideArchitectures.has(process.arch)) return undefined
  try {
    return bind(createRequire(import.meta.url)('koffi') as Koffi)
  } catch {
    return undefined
  }
}

const bytes = 'void *'
const detachFlag = 2
const setStatusFlags = 4
/** O_CLOEXEC, which is also SOCK_ and EFD_CLOEXEC: programs we start must not hold what we close. */
const closeOnExec = 0o2000000
const alarmFlags = constants.O_NONBLOCK | closeOnExec
const pollIn = 1
/** A wait that nobody ends must not keep a dying process for longer. */
const pollMilliseconds = 2000
const unixFamily = 1
const streamType = 1

function bind(koffi: Koffi): MountCalls {
  const library = koffi.load(null)
  const check = (result: number | bigint, name: string): number => {
    if (Number(result) < 0) throw makeSystemError(koffi.errno(), name)
    return Number(result)
  }
  const mount = library.func('mount', 'int', [bytes, bytes, bytes, 'unsigned long', bytes])
  const umount = library.func('umount2', 'int', [bytes, 'int'])
  const fcntl = library.func('fcntl', 'int', ['int', 'int', 'int'])
  const eventfd = library.func('eventfd', 'int', ['uint32_t', 'int'])
  const ppoll = library.func('ppoll', 'int', [bytes, 'unsigned long', bytes, bytes])
  const read = library.func('read', 'intptr_t', ['int', bytes, 'size_t'])
  const poll = library.func('poll', 'int', [bytes, 'unsigned long', 'int'])
  const socketpair = library.func('socketpair', 'int', ['int', 'int', 'int', bytes])
  const recvmsg = library.func('recvmsg', 'intptr_t', ['int', bytes, 'int'])
  return {
    mount: (source, target, type, flags, data) => void check(mount(source, target, type, flags, data), 'mount'),
    detach: (target) =>
      // Not on this thread: the way to the mount point may lead through a file system that we serve.
      new Promise((resolve, reject) => {
        umount.async(target, detachFlag, (error: unknown, result: number) => {
          if (error !== null) reject(error)
          else if (result < 0) reject(new Error('umount2 failed'))
          else resolve()
        })
      }),
    setNonBlocking: (descriptor) => void check(fcntl(descriptor, setStatusFlags, constants.O_NONBLOCK), 'fcntl'),
    makeAlarm: () => check(eventfd(0, alarmFlags), 'eventfd'),
    poll: (descriptors) => {
      const asked = pollRecords(descriptors)
      return new Promise((resolve, reject) => {
        poll.async(asked, descriptors.length, pollMilliseconds, (error: unknown) => {
          if (error === null) resolve()
          else reject(error)
        })
      })
    },
    pollShortly: (descriptors) =>
      Number(ppoll(pollRecords(descriptors), descriptors.length, halfMillisecond, null)) > 0,
    read: (descriptor, into) => {
      const size = Number(read(descriptor, into, into.length))
      return size < 0 && koffi.errno() === tryAgain ? undefined : check(size, 'read')
    },
    socketPair: () => {
      const pair = new Uint8Array(8)
      check(socketpair(unixFamily, streamType | closeOnExec, 0, pair), 'socketpair')
      return [dataView(pair).getInt32(0, isLittle), dataView(pair).getInt32(4, isLittle)]
    },
    receiveDescriptor: (socket) => receiveDescriptor(koffi, recvmsg, socket),
  }
}

/** EAGAIN. */
const tryAgain = 11
/** struct timespec */
const halfMillisecond = new Uint8Array(BigInt64Array.of(0n, 500_000n).buffer)

/** struct pollfd: descriptor i32, wanted u16, found u16. */
function pollRecords(descriptors: readonly number[]): Uint8Array {
  const records = new Uint8Array(8 * descriptors.length)
  const view = dataView(records)
  for (const [number, descriptor] of descriptors.entries()) {
    view.setInt32(8 * number, descriptor, isLittle)
    view.setInt16(8 * number + 4, pollIn, isLittle)
  }
  return records
}

/** MSG_DONTWAIT, MSG_CMSG_CLOEXEC. */
const receiveFlags = 0x40 | 0x40000000
const rights = 1

/**
 * struct msghdr: name ptr, name length u32 (+4), parts ptr, parts u64, control ptr, control length u64, flags i32 (+4).
 * struct cmsghdr: length u64, level i32, type i32, then the descriptor.
 */
function receiveDescriptor(koffi: Koffi, recvmsg: Foreign, socket: number): number {
  const [content, part, control, message] = [1, 16, 24, 56].map((size) => new Uint8Array(size)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  dataView(part).setBigUint64(0, koffi.address(content), isLittle)
  dataView(part).setBigUint64(8, BigInt(content.length), isLittle)
  dataView(message).setBigUint64(16, koffi.address(part), isLittle)
  dataView(message).setBigUint64(24, 1n, isLittle)
  dataView(message).setBigUint64(32, koffi.address(control), isLittle)
  dataView(message).setBigUint64(40, BigInt(control.length), isLittle)
  if (Number(recvmsg(socket, message, receiveFlags)) < 0) throw makeSystemError(koffi.errno(), 'recvmsg')
  const received = dataView(control)
  if (received.getInt32(12, isLittle) !== rights) throw new Error('no descriptor came with the message')
  return received.getInt32(16, isLittle)
}
