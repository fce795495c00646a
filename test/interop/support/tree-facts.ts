/**
 * What is in a folder, told by Python's standard library and not by the code under test.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One thing in a folder; shape of `files[]` in the fixtures' manifests. */
export interface TreeFact {
  readonly path_hex: string
  /** Octal, file type included. */
  readonly mode: string
  readonly mtime_ns: string
  readonly uid?: number
  readonly gid?: number
  readonly size?: number
  /** Of 512 bytes; only for regular files, and never in a manifest. */
  readonly blocks?: number
  readonly sha256?: string
  readonly linktarget_hex?: string
  readonly rdev?: readonly [number, number]
  /** Same number, same inode. */
  readonly hardlink_group?: number
  readonly xattrs_hex?: Readonly<Record<string, string>>
}

export const isRoot = process.geteuid?.() === 0

/** The system's own first: a version manager's costs a second each time. */
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
const script = fileURLToPath(new URL('./tree-facts.py', import.meta.url))

/** Facts by folder, each ordered by path. One start of Python for all of them. */
export function treeFacts(folders: readonly string[]): ReadonlyMap<string, readonly TreeFact[]> {
  if (folders.length === 0) return new Map()
  const run = spawnSync(python, [script, ...folders], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })
  if (run.error !== undefined) throw run.error
  if (run.status !== 0) throw new Error(`${python} ${script}: exit ${run.status}\n${run.stderr}`)
  return new Map(Object.entries(JSON.parse(run.stdout) as Record<string, readonly TreeFact[]>))
}

/** A fact to compare: whoever shares an inode names its first path, as the numbers are each witness's own. */
export type ComparableFact = Omit<TreeFact, 'hardlink_group' | 'blocks'> & { readonly firstName?: string }

/** By path, in hex. Without root there are no owners to compare. */
export function comparable(facts: readonly TreeFact[]): ReadonlyMap<string, ComparableFact> {
  const first = new Map<number, string>()
  const result = new Map<string, ComparableFact>()
  const ordered = [...facts].sort((a, b) => (a.path_hex < b.path_hex ? -1 : 1))
  for (const { hardlink_group: group, blocks: _, uid, gid, ...fact } of ordered) {
    if (group !== undefined && !first.has(group)) first.set(group, fact.path_hex)
    result.set(fact.path_hex, {
      ...fact,
      ...(isRoot ? { uid, gid } : {}),
      ...(group === undefined ? {} : { firstName: first.get(group) }),
    } as ComparableFact)
  }
  return result
}
