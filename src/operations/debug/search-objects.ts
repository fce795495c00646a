/**
 * Looking for a sequence of bytes in the objects of a repository, also across the border of two neighbours on disk.
 */
import { concatBytes } from '../../base/bytes.ts'
import type { RunOptions } from '../../base/events.ts'
import type { ObjectId } from '../../base/ids.ts'
import type { Repository } from '../../repository/repository.ts'
import type { OpenOptions } from '../../session/repository-session.ts'
import { type PlainObject, plainObjects } from './plain-objects.ts'

export interface Finding {
  readonly number: number
  readonly id: ObjectId
  /** The object before it, when what was found begins there. */
  readonly previous?: ObjectId | undefined
  /** How often it is in the object; undefined across a border. */
  readonly count?: number | undefined
  /** Bytes around the first place. As in borg none before it when it is too near to the start of what was searched. */
  readonly before: Uint8Array
  readonly after: Uint8Array
}

/** Bytes shown before and after what was found. */
const contextSize = 32

/** What was found in each object, in disk order: mostly nothing. `wanted` has at least one byte. */
export async function* searchObjects(
  repository: Repository,
  open: OpenOptions,
  wanted: Uint8Array,
  run: RunOptions = {},
): AsyncGenerator<readonly Finding[]> {
  let last: PlainObject | undefined
  for await (const object of plainObjects(repository, open, run)) {
    const across = last === undefined ? undefined : findAcross(last, object, wanted)
    const inside = findInside(object, wanted)
    yield [across, inside].filter((finding) => finding !== undefined)
    last = object
  }
}

function findInside({ number, id, plain }: PlainObject, wanted: Uint8Array): Finding | undefined {
  const count = countOf(plain, wanted)
  return count === 0 ? undefined : { number, id, count, ...contextOf(plain, wanted) }
}

/** A single byte crosses no border; borg says then what it has said of the object before. */
function findAcross(last: PlainObject, object: PlainObject, wanted: Uint8Array): Finding | undefined {
  const border = (size: number): Uint8Array => concatBytes(last.plain.subarray(-size), object.plain.subarray(0, size))
  const reach = wanted.length - 1
  if (find(border(reach), wanted) < 0) return undefined
  const { number, id } = object
  return { number, id, previous: last.id, ...contextOf(border(reach + contextSize), wanted) }
}

function contextOf(plain: Uint8Array, wanted: Uint8Array): Pick<Finding, 'before' | 'after'> {
  const at = find(plain, wanted)
  const end = at + wanted.length
  // A start below zero counts from the end, here as in Python.
  return { before: plain.subarray(at - contextSize, at), after: plain.subarray(end, end + contextSize) }
}

/** Without overlaps. */
function countOf(plain: Uint8Array, wanted: Uint8Array): number {
  let count = 0
  for (let at = find(plain, wanted); at >= 0; at = find(plain, wanted, at + wanted.length)) count++
  return count
}

function find(plain: Uint8Array, wanted: Uint8Array, from = 0): number {
  return Buffer.from(plain.buffer, plain.byteOffset, plain.length).indexOf(wanted, from)
}
