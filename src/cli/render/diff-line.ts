/**
 * One path of `diff`, as text and as JSON.
 * Source: CLI contract, commands §6; fixtures/cli/format-vectors.json.
 */
import type { DiffChange, Owner } from '../../index.ts'
import { formatSize, type PythonJson } from '../../parsing.ts'
import { modeText } from './mode.ts'
import { itemTimeIso, itemTimeText } from './times.ts'

/** Without its newline. A path may differ in nothing that is shown. */
export function diffText(path: string, changes: readonly DiffChange[]): string {
  return `${changes.map(changeText).join(' ').padEnd(19)} ${path}`
}

/** To be printed with sorted keys. */
export function diffObject(path: string, changes: readonly DiffChange[]): Record<string, PythonJson> {
  return { changes: changes.map(changeObject), path }
}

function changeText(change: DiffChange): string {
  switch (change.change) {
    case 'content': {
      if (change.bytes === undefined) return 'modified'
      const { added, removed } = change.bytes
      return `${signedSize(added).padStart(9)} ${signedSize(0 - removed).padStart(9)}`
    }
    case 'added':
    case 'removed': {
      if (change.what !== 'file') return `${change.change} ${change.what}`
      // One width for both words and their number.
      return `${change.change} ${formatSize(change.size).padStart(change.change === 'added' ? 13 : 11)}`
    }
    case 'link':
      return 'changed link'
    case 'owner':
      return `[${ownerText(change.before)} -> ${ownerText(change.after)}]`
    case 'mode':
      return `[${modeText(change.before)} -> ${modeText(change.after)}]`
    case 'ctime':
    case 'mtime':
      return `[${change.change}: ${itemTimeText(change.before)} -> ${itemTimeText(change.after)}]`
  }
}

function signedSize(bytes: number): string {
  return formatSize(bytes, { precision: 1, sign: true })
}

function ownerText(owner: Owner): string {
  return `${owner.user ?? 'None'}:${owner.group ?? 'None'}`
}

function changeObject(change: DiffChange): Record<string, PythonJson> {
  switch (change.change) {
    case 'content':
      return { type: 'modified', ...change.bytes }
    case 'added':
    case 'removed':
      return change.what === 'file'
        ? { type: change.change, size: change.size }
        : { type: `${change.change} ${change.what}` }
    case 'link':
      return { type: 'changed link' }
    case 'owner':
      return {
        type: 'owner',
        old_user: change.before.user ?? null,
        old_group: change.before.group ?? null,
        new_user: change.after.user ?? null,
        new_group: change.after.group ?? null,
      }
    case 'mode':
      return { type: 'mode', old_mode: modeText(change.before), new_mode: modeText(change.after) }
    case 'ctime':
    case 'mtime':
      return {
        type: change.change,
        [`old_${change.change}`]: itemTimeIso(change.before),
        [`new_${change.change}`]: itemTimeIso(change.after),
      }
  }
}
