/**
 * Folders of an archive that ask not to be backed up, as rules that leave them out.
 *
 * What source/exclude-tags.ts finds on a disk is found here among items. Source: cli/common.md §13; experiments with
 * borg 1.4.0: the rules come after all others, so that a PATH argument over the folder keeps it.
 */
import type { ArchiveReader } from '../archive/archive-reader.ts'
import { fileTypeMask, fileTypes, type Item } from '../archive/item.ts'
import { concatBytes, equalBytes } from '../base/bytes.ts'
import type { RunOptions } from '../base/events.ts'
import type { Pattern } from '../patterns/pattern.ts'
import { cacheTagName, cacheTagStart } from '../source/exclude-tags.ts'

export interface TagOptions {
  /** Leave out folders with a CACHEDIR.TAG. */
  readonly excludeCaches?: boolean | undefined
  /** Leave out folders that hold something of such a name. */
  readonly excludeIfPresent?: readonly string[] | undefined
  /** Keep the folder itself and its tag. */
  readonly keepExcludeTags?: boolean | undefined
}

/**
 * `isKept` says what the other rules make of a path: what they leave out is no tag, except for CACHEDIR.TAG.
 * Reads the archive's items, twice for `excludeCaches`. @throws BorgError when a tag's content is lost.
 */
export async function tagRules(
  archive: ArchiveReader,
  isKept: (path: string) => boolean,
  options: TagOptions,
  run: RunOptions,
): Promise<readonly Pattern[]> {
  const { excludeCaches = false, excludeIfPresent = [], keepExcludeTags = false } = options
  if (!excludeCaches && excludeIfPresent.length === 0) return []
  const names = new Set(excludeIfPresent)
  const elsewhere = excludeCaches ? await contentElsewhere(archive, run) : new Map<string, Item | undefined>()
  const tags: Pattern[] = []
  const folders: Pattern[] = []
  for await (const item of archive.items()) {
    run.signal?.throwIfAborted()
    if (item.part !== undefined) continue
    if (elsewhere.has(item.path)) elsewhere.set(item.path, item)
    const { folder, name } = split(item.path)
    const isTag =
      (names.has(name) && (name === cacheTagName || isKept(item.path))) ||
      (excludeCaches && name === cacheTagName && (await isCacheTag(archive, item, elsewhere)))
    if (!isTag) continue
    if (keepExcludeTags) {
      tags.push({ style: 'pp', text: item.path, verdict: 'include', isPathArgument: false })
      folders.push({ style: 'fm', text: `${literally(folder)}/`, verdict: 'exclude', isPathArgument: false })
    } else folders.push({ style: 'pp', text: folder, verdict: 'exclude', isPathArgument: false })
  }
  return [...tags, ...folders]
}

/** First names, of any kind, whose content a CACHEDIR.TAG has as its own: keys without a value yet. */
async function contentElsewhere(archive: ArchiveReader, run: RunOptions): Promise<Map<string, Item | undefined>> {
  const sources = new Map<string, undefined>()
  for await (const item of archive.items({ select: (path) => split(path).name === cacheTagName })) {
    run.signal?.throwIfAborted()
    if (isRegular(item) && item.chunks === undefined && item.source !== undefined) sources.set(item.source, undefined)
  }
  return sources
}

async function isCacheTag(
  archive: ArchiveReader,
  item: Item,
  elsewhere: ReadonlyMap<string, Item | undefined>,
): Promise<boolean> {
  if (!isRegular(item)) return false
  const holder = item.chunks === undefined ? elsewhere.get(item.source ?? '') : item
  if (holder === undefined) return false
  let start: Uint8Array = new Uint8Array(0)
  for await (const plain of archive.content(holder)) {
    start = concatBytes(start, plain.subarray(0, cacheTagStart.length - start.length))
    if (start.length === cacheTagStart.length) break
  }
  return equalBytes(start, cacheTagStart)
}

function isRegular(item: Item): boolean {
  return (item.mode & fileTypeMask) === fileTypes.regular
}

function split(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/')
  return { folder: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) }
}

/** Borg forgets this, and takes '[' in a folder's name for a pattern, which may mean other folders. */
function literally(folder: string): string {
  return folder.replace(/[*?[]/g, '[$&]')
}
