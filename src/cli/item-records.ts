/**
 * Items of the engine as listings see them.
 */
import type { ArchiveReader, Cache, Item } from '../index.ts'
import type { Engine } from './engine.ts'
import type { ItemRecord, UniqueUse } from './render/item-record.ts'

export interface RecordSources {
  readonly engine: Engine
  readonly archive: ArchiveReader
  /** Open only when something of the format needs it. */
  readonly cache?: Cache | undefined
  readonly signal: AbortSignal
}

export function itemRecord(item: Item, sources: RecordSources): ItemRecord {
  const { engine } = sources
  const shape = engine.classify(item)
  const chunks = item.chunks ?? []
  return {
    path: item.path,
    mode: item.mode,
    uid: item.uid,
    gid: item.gid,
    user: item.user ?? undefined,
    group: item.group ?? undefined,
    source: item.source ?? '',
    isHardLink: shape.kind === 'hardlink',
    size: shape.kind === 'symlink' ? lengthOf(shape.target) : engine.itemSize(item),
    storedSize:
      shape.kind === 'symlink' ? lengthOf(shape.target) : chunks.reduce((total, chunk) => total + chunk.storedSize, 0),
    chunks: chunks.length,
    // Borg stores flags only when there are any, and shows 0 where none are stored.
    flags: item.bsdflags ?? 0,
    isHealthy: !engine.isDamaged(item),
    modified: item.modified,
    changed: item.changed,
    accessed: item.accessed,
    async digest(algorithm) {
      if (shape.kind !== 'file') return ''
      return await engine.contentDigest(algorithm, sources.archive.content(item), sources.signal)
    },
    unique: async () => uniqueUse(item, sources),
  }
}

/** Borg counts characters; each byte that is no UTF-8 is one. */
function lengthOf(target: string): number {
  return [...target].length
}

/** Chunks all of whose references in the repository come from this item. */
function uniqueUse(item: Item, { engine, cache }: RecordSources): UniqueUse {
  const counts = new Map<string, number>()
  for (const chunk of item.chunks ?? []) {
    const key = engine.idKey(chunk.id)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const use = { size: 0, storedSize: 0, chunks: 0 }
  for (const chunk of item.chunks ?? []) {
    const known = cache?.chunks.find(chunk.id)
    if (known === undefined || known.references !== counts.get(engine.idKey(chunk.id))) continue
    use.size += known.size
    use.storedSize += known.storedSize
    use.chunks += 1
  }
  return use
}
