/**
 * The modes of the files cache: what of a file must be the same for its content to count as unchanged.
 * Source: contract sheet common.md §14; fixtures/vectors/parsing.json, cache.json (compare_table).
 */

export type FilesCacheMode =
  | 'ctime,size,inode'
  | 'mtime,size,inode'
  | 'ctime,size'
  | 'mtime,size'
  | 'rechunk,ctime'
  | 'rechunk,mtime'
  | 'size'
  | 'disabled'

export interface FilesCacheRules {
  /** Which of its two times an entry keeps and is compared by. */
  readonly time: 'changed' | 'modified'
  readonly compareTime: boolean
  readonly compareInode: boolean
  /** Whether known files are recognised at all. */
  readonly lookup: boolean
  /** Whether the cache is read and written at all. */
  readonly enabled: boolean
}

const rules: Readonly<Record<FilesCacheMode, FilesCacheRules>> = {
  'ctime,size,inode': { time: 'changed', compareTime: true, compareInode: true, lookup: true, enabled: true },
  'mtime,size,inode': { time: 'modified', compareTime: true, compareInode: true, lookup: true, enabled: true },
  'ctime,size': { time: 'changed', compareTime: true, compareInode: false, lookup: true, enabled: true },
  'mtime,size': { time: 'modified', compareTime: true, compareInode: false, lookup: true, enabled: true },
  'rechunk,ctime': { time: 'changed', compareTime: true, compareInode: false, lookup: false, enabled: true },
  'rechunk,mtime': { time: 'modified', compareTime: true, compareInode: false, lookup: false, enabled: true },
  size: { time: 'changed', compareTime: false, compareInode: false, lookup: true, enabled: true },
  disabled: { time: 'changed', compareTime: false, compareInode: false, lookup: false, enabled: false },
}

/** The letters borg abbreviates a mode with. */
export const filesCacheModeLetters: Readonly<Record<FilesCacheMode, string>> = {
  'ctime,size,inode': 'cis',
  'mtime,size,inode': 'ims',
  'ctime,size': 'cs',
  'mtime,size': 'ms',
  'rechunk,ctime': 'cr',
  'rechunk,mtime': 'mr',
  disabled: 'd',
  size: 's',
}

const words = ['ctime', 'disabled', 'inode', 'mtime', 'rechunk', 'size']

export function filesCacheRules(mode: FilesCacheMode): FilesCacheRules {
  return rules[mode]
}

/** From a comma list in any order. @throws RangeError with borg's text. */
export function parseFilesCacheMode(text: string): FilesCacheMode {
  const parts = text.split(',')
  if (parts.some((part) => !words.includes(part))) {
    throw new RangeError(`cache mode must be a comma-separated list of: ${words.join(',')}`)
  }
  const wanted = parts
    .map((part) => part.charAt(0))
    .sort()
    .join('')
  for (const [mode, letters] of Object.entries(filesCacheModeLetters)) {
    if (letters === wanted && isMode(mode)) return mode
  }
  throw new RangeError(`cache mode short must be one of: ${Object.values(filesCacheModeLetters).join(',')}`)
}

function isMode(text: string): text is FilesCacheMode {
  return text in rules
}
