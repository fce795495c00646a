/**
 * --files-cache MODE: a set of words, of which borg accepts eight combinations in any order.
 * Source: CLI contract "Files cache"; fixtures/cli/misc-vectors.json, fixtures/vectors/parsing.json.
 */
import { refusal } from './value-types.ts'
import type { ValueType } from './value-type.ts'

/** borg's one-letter forms, sorted, to the canonical order of words. */
const modes = {
  cis: 'ctime,size,inode',
  ims: 'mtime,size,inode',
  cs: 'ctime,size',
  ms: 'mtime,size',
  cr: 'rechunk,ctime',
  mr: 'rechunk,mtime',
  d: 'disabled',
  s: 'size',
} as const

export type FilesCacheWords = (typeof modes)[keyof typeof modes]

const words = ['ctime', 'disabled', 'inode', 'mtime', 'rechunk', 'size']

export const filesCacheMode: ValueType<FilesCacheWords> = {
  name: 'FilesCacheMode',
  parse(text) {
    const chosen = text.split(',')
    if (!chosen.every((word) => words.includes(word))) {
      throw refusal(`cache mode must be a comma-separated list of: ${words.join(',')}`)
    }
    const short = [...new Set(chosen.map((word) => word.slice(0, 1)))].sort().join('')
    const mode = Object.entries(modes).find(([letters]) => letters === short)?.[1]
    if (mode === undefined) throw refusal(`cache mode short must be one of: ${Object.keys(modes).join(',')}`)
    return mode
  },
}
