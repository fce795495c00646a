/**
 * The methods of `borg serve`, one table for both ends. Arguments stand in the order the old positional form sends them.
 * Source: format/rpc.md §4.
 */
import type { Packable } from '../format/msgpack-encode.ts'

export type ArgumentKind = 'bytes' | 'text' | 'int' | 'bool' | 'number' | 'map'

export interface ArgumentSpec {
  readonly name: string
  readonly kind: ArgumentKind
  /** nil is a value, too. */
  readonly nullable?: true
  /** What the server takes when the client leaves it out; without one, leaving it out is an error. */
  readonly default?: Packable
  /** The first borg whose server knows it. To older ones it is not sent, and must have the value `before`. */
  readonly since?: string
  readonly before?: Packable
}

export interface MethodSpec {
  readonly args: readonly ArgumentSpec[]
  /** The first borg whose server has the method; absent: all of 1.x. */
  readonly since?: string
}

export const methods = {
  negotiate: { args: [{ name: 'client_data', kind: 'map' }] },
  open: {
    args: [
      { name: 'path', kind: 'text' },
      { name: 'create', kind: 'bool', default: false },
      { name: 'lock_wait', kind: 'number', nullable: true, default: null },
      { name: 'lock', kind: 'bool', default: true },
      { name: 'exclusive', kind: 'bool', nullable: true, default: null },
      { name: 'append_only', kind: 'bool', default: false, since: '1.0.7', before: false },
      { name: 'make_parent_dirs', kind: 'bool', default: false, since: '1.1.9', before: false },
    ],
  },
  check: {
    args: [
      { name: 'repair', kind: 'bool', default: false },
      { name: 'save_space', kind: 'bool', default: false },
      { name: 'max_duration', kind: 'number', default: 0, since: '1.2.0a4', before: 0 },
    ],
  },
  commit: {
    args: [
      { name: 'save_space', kind: 'bool', default: false },
      // Servers before 1.2 compact at every commit whatever they are asked.
      { name: 'compact', kind: 'bool', default: true, since: '1.2.0a0' },
      { name: 'threshold', kind: 'number', default: 0.1, since: '1.2.0a8' },
      { name: 'cleanup_commits', kind: 'bool', default: false, since: '1.2.0a0' },
    ],
  },
  rollback: { args: [] },
  destroy: { args: [] },
  break_lock: { args: [] },
  __len__: { args: [] },
  list: {
    args: [
      { name: 'limit', kind: 'int', nullable: true, default: null },
      { name: 'marker', kind: 'bytes', nullable: true, default: null },
    ],
  },
  scan: {
    args: [
      { name: 'limit', kind: 'int', nullable: true, default: null },
      { name: 'marker', kind: 'bytes', nullable: true, default: null },
    ],
    since: '1.1.0b3',
  },
  get: { args: [{ name: 'id', kind: 'bytes' }] },
  put: {
    args: [
      { name: 'id', kind: 'bytes' },
      { name: 'data', kind: 'bytes' },
    ],
  },
  delete: { args: [{ name: 'id', kind: 'bytes' }] },
  save_key: { args: [{ name: 'keydata', kind: 'bytes' }] },
  load_key: { args: [] },
  get_free_nonce: { args: [] },
  commit_nonce_reservation: {
    args: [
      { name: 'next_unreserved', kind: 'int' },
      { name: 'start_nonce', kind: 'int', nullable: true },
    ],
  },
  inject_exception: { args: [{ name: 'kind', kind: 'text' }] },
} as const satisfies Readonly<Record<string, MethodSpec>>

export type MethodName = keyof typeof methods

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(methods, name)
}

export function methodSpec(name: MethodName): MethodSpec {
  return methods[name]
}
