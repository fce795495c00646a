/**
 * Archives of a few items in memory, their metadata cut into small chunks: what trees are built from.
 */
import type { ArchiveEntry } from '../../src/archive/archive-directory.ts'
import type { ArchiveReader } from '../../src/archive/archive-reader.ts'
import type { ChunkRef, Item } from '../../src/archive/item.ts'
import { encodeItem } from '../../src/archive/item-codec.ts'
import type { TreeOptions, TreeSource } from '../../src/archive/tree.ts'
import { concatBytes } from '../../src/base/bytes.ts'
import { BorgError } from '../../src/base/errors.ts'
import { idKey, itemPath, nanoseconds, type ObjectId, objectId } from '../../src/base/ids.ts'
import { stripComponents } from '../../src/target/safe-path.ts'

export const noon = nanoseconds(1_700_000_000_123_456_789n)

/** A regular file of mode 644 unless it says otherwise. */
export function item(path: string, fields: Partial<Omit<Item, 'path'>> = {}): Item {
  return { mode: 0o100644, modified: noon, uid: 5, gid: 6, ...fields, path: itemPath(path) }
}

export function folder(path: string, fields: Partial<Omit<Item, 'path'>> = {}): Item {
  return item(path, { mode: 0o40755, ...fields })
}

export class MemoryArchives implements TreeSource {
  readonly #objects = new Map<string, Uint8Array>()
  readonly #archives = new Map<string, readonly ObjectId[]>()
  #ids = 0
  /** Ids asked for, in order. */
  readonly reads: string[] = []
  /** Names of archives opened, in order. */
  readonly opened: string[] = []

  /** Stores a chunk; the same content twice is the same chunk. */
  chunk(content: Uint8Array | string): ChunkRef {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    const known = [...this.#objects].find(([, stored]) => Buffer.compare(stored, bytes) === 0)
    const id = known === undefined ? this.#put(bytes) : objectId(Buffer.from(known[0], 'hex'))
    return { id, size: bytes.length, storedSize: bytes.length }
  }

  lose({ id }: ChunkRef): void {
    this.#objects.delete(idKey(id))
  }

  /** @param chunkSize of the metadata, in bytes: small ones cut items in two. */
  archive(name: string, items: readonly Item[], chunkSize = 100): ArchiveEntry {
    const stream = concatBytes(...items.map(encodeItem))
    const ids: ObjectId[] = []
    for (let at = 0; at < stream.length; at += chunkSize) ids.push(this.#put(stream.slice(at, at + chunkSize)))
    this.#archives.set(name, ids)
    return { name, id: objectId(new Uint8Array(32)), time: noon }
  }

  readonly readObject = async (id: ObjectId): Promise<Uint8Array> => {
    this.reads.push(idKey(id))
    const found = this.#objects.get(idKey(id))
    if (found === undefined) throw new BorgError('Repository.ObjectNotFound', [idKey(id), 'memory'])
    return found
  }

  readonly openArchive = async (entry: ArchiveEntry): Promise<ArchiveReader> => {
    this.opened.push(entry.name)
    const itemChunks = this.#archives.get(entry.name) ?? []
    const { readObject } = this
    const contents = async function* (ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncGenerator<Uint8Array> {
      for await (const id of ids) yield await readObject(id)
    }
    // What trees use of a reader.
    return { entry, metadata: { itemChunks }, contents } as unknown as ArchiveReader
  }

  #put(bytes: Uint8Array): ObjectId {
    this.#ids += 1
    const id = new Uint8Array(32)
    new DataView(id.buffer).setUint32(0, this.#ids)
    this.#objects.set(idKey(objectId(id)), bytes)
    return objectId(id)
  }
}

/** Everything shown as it is; `problems` collects what is not. */
export function treeOptions(
  options: Partial<TreeOptions> & { readonly strip?: number; readonly problems?: string[] } = {},
): TreeOptions {
  const { strip = 0, problems = [], ...rest } = options
  return {
    select: () => true,
    shorten: (path) => stripComponents(path, strip),
    owner: ({ uid = 0, gid = 0 }) => ({ uid, gid }),
    folder: { mode: 0o40755, uid: 1, gid: 2, modified: noon },
    umask: 0,
    onProblem: (line) => problems.push(line),
    ...rest,
  }
}
