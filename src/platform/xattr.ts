/**
 * Extended attributes as archives keep them: all the system shows, except POSIX ACLs, which have keys of their own.
 *
 * Source: format/objects.md §6 (xattrs) and xattr(7).
 */
import { systemErrorCode } from '../base/errors.ts'
import { decodeText, encodeText } from '../base/text.ts'
import type { Handle, Syscalls } from './syscalls.ts'

/** Linux keeps attribute lists and values below 64 KiB; the buffer grows for file systems that do not care. */
const firstBuffer = 64 * 1024
const bufferMax = 256 * 1024 * 1024
let buffer = new Uint8Array(firstBuffer)

/** See FileSystem.readExtendedAttributes. */
export function readAttributes(
  calls: Syscalls,
  handle: Handle,
  onUnreadable: ((name: string, error: unknown) => void) | undefined,
): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const name of listAttributes(calls, handle)) {
    const text = decodeText(name)
    if (process.platform === 'linux' && text.startsWith('system.posix_acl_')) continue
    try {
      const value = readAttribute(calls, handle, name)
      if (value !== undefined) found.set(text, value)
    } catch (error) {
      onUnreadable?.(text, error)
    }
  }
  return found
}

/** A copy of the value; undefined when there is none of that name. `name` without NUL. */
export function readAttribute(calls: Syscalls, handle: Handle, name: Uint8Array): Uint8Array | undefined {
  const key = terminated(name)
  const size = filled((into) => calls.getAttribute(handle, key, into))
  return size === undefined ? undefined : buffer.slice(0, size)
}

export function writeAttribute(calls: Syscalls, handle: Handle, name: string, value: Uint8Array): void {
  calls.setAttribute(handle, terminated(encodeText(name)), value)
}

/** With the NUL that C expects at the end. */
export function terminated(text: Uint8Array): Uint8Array {
  const copy = new Uint8Array(text.length + 1)
  copy.set(text)
  return copy
}

export function isUnsupported(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'ENOSYS'
}

/** A list that cannot be had (no support, not permitted) counts as empty, as in borg; other failures are the file's. */
function listAttributes(calls: Syscalls, handle: Handle): readonly Uint8Array[] {
  try {
    const size = filled((into) => calls.listAttributes(handle, into))
    return splitNames(buffer.subarray(0, size))
  } catch (error) {
    if (isUnsupported(error) || systemErrorCode(error) === 'EPERM') return []
    throw error
  }
}

function splitNames(list: Uint8Array): readonly Uint8Array[] {
  const names: Uint8Array[] = []
  let start = 0
  for (let end = list.indexOf(0); end >= 0; end = list.indexOf(0, start)) {
    names.push(list.slice(start, end))
    start = end + 1
  }
  return names
}

/** Calls with the shared buffer, made larger until the answer fits. */
function filled<Size extends number | undefined>(call: (into: Uint8Array) => Size): Size {
  for (;;) {
    try {
      return call(buffer)
    } catch (error) {
      if (systemErrorCode(error) !== 'ERANGE' || buffer.length >= bufferMax) throw error
      buffer = new Uint8Array(buffer.length * 2)
    }
  }
}
