/**
 * The items of a walk, put together the way `create` does, without content: what to compare with borg's.
 */
import type { RunOptions } from '../../src/base/events.ts'
import { decodeText } from '../../src/base/text.ts'
import type { Item } from '../../src/archive/item.ts'
import { makeMatcher } from '../../src/patterns/matcher.ts'
import type { FileSystem } from '../../src/platform/file-system.ts'
import { HardLinkNames } from '../../src/source/hard-links.ts'
import { type MetadataOptions, readMetadata } from '../../src/source/metadata.ts'
import { walk } from '../../src/source/walk.ts'
import type { SourceEntry, WalkOptions } from '../../src/source/walk-step.ts'

export const everything = makeMatcher([], 'include')

export interface Walked {
  readonly items: readonly Item[]
  /** As `create --list` prints them: 'A path', 'd path' ...; warnings as they read. */
  readonly lines: readonly string[]
}

export function walkedItems(
  files: FileSystem,
  options: Partial<WalkOptions> & { roots: readonly string[] },
  metadata: MetadataOptions = {},
  run: RunOptions = {},
): Walked {
  const links = new HardLinkNames()
  const items: Item[] = []
  const lines: string[] = []
  for (const step of walk(files, { matcher: everything, ...options }, run)) {
    switch (step.step) {
      case 'entry': {
        const item = itemOf(files, step.entry, links, metadata)
        items.push(item)
        const letter = letterOf(step.entry, item)
        if (letter !== undefined) lines.push(`${letter} ${step.entry.walkedPath}`)
        break
      }
      case 'status':
        lines.push(`${step.status} ${step.path}`)
        break
      case 'warning':
        lines.push([step.code, ...step.args].join(': '))
    }
  }
  return { items, lines }
}

function itemOf(files: FileSystem, entry: SourceEntry, links: HardLinkNames, options: MetadataOptions): Item {
  using opened = entry.open?.()
  const stat = opened?.found ?? entry.stat
  const common = {
    path: entry.path,
    ...readMetadata(
      files,
      { place: opened ?? entry.nativePath, stat, fileName: entry.fileName, readSpecial: entry.readSpecial },
      options,
    ),
  }
  if (stat.kind === 'directory') return common
  if (stat.kind === 'symlink') return { ...common, source: decodeText(files.readLink(entry.nativePath)) }
  const first = links.find(stat)
  if (first !== undefined) return { ...common, source: first }
  links.remember(stat, entry.path)
  const hardlinkMaster = stat.links > 1
  if (stat.kind !== 'file' && !entry.readSpecial) return { ...common, hardlinkMaster }
  return { ...common, hardlinkMaster, size: opened === undefined ? 0 : contentSize(opened) }
}

function contentSize(file: { read(into: Uint8Array): number }): number {
  const buffer = new Uint8Array(1 << 20)
  let size = 0
  for (let count = file.read(buffer); count > 0; count = file.read(buffer)) size += count
  return size
}

function letterOf(entry: SourceEntry, item: Item): string | undefined {
  if (entry.readSpecial) return 'A'
  switch (entry.stat.kind) {
    case 'directory':
      return undefined
    case 'symlink':
      return 's'
    default:
      if (item.source !== undefined) return 'h'
      return { file: 'A', fifo: 'f', character: 'c', block: 'b', socket: '-', unknown: '-' }[entry.stat.kind]
  }
}
