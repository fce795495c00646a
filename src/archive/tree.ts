/**
 * Archives as a tree to browse, read-only: what a mount shows.
 *
 * Everything stat(2) tells is kept in columns, some 100 bytes a node with its name; the rest (link targets, extended
 * attributes, chunk lists) is read again from the archive's metadata when asked for. An archive of a repository view is
 * read when somebody first looks into it.
 */
import { isBorgError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'
import type { ArchiveEntry } from './archive-directory.ts'
import type { ArchiveReader } from './archive-reader.ts'
import type { Item } from './item.ts'
import { ItemPlaces } from './item-places.ts'
import { TreeBuilder, type TreeOptions } from './tree-builder.ts'
import { TreeContent } from './tree-content.ts'
import type { NamedNode } from './tree-names.ts'
import type { NodeAttributes } from './tree-nodes.ts'

export type { NamedNode } from './tree-names.ts'
export type { NodeAttributes } from './tree-nodes.ts'
export type { TreeOptions } from './tree-builder.ts'

/** Nodes are positive numbers and stay what they are. Names are bytes. What is read may be a view: not to be changed. */
export interface ReadOnlyTree {
  readonly root: number
  attributes(node: number): NodeAttributes
  /** Of a folder; the root is its own. */
  parent(folder: number): number
  /** @throws BorgError when the archive cannot be read */
  lookup(folder: number, name: Uint8Array): Promise<number | undefined>
  /** After `position`; 0 is the beginning. @throws BorgError when the archive cannot be read */
  list(folder: number, position?: number): Promise<Iterable<NamedNode>>
  /** @throws BorgError as all that follow, when objects are lost or damaged */
  linkTarget(node: number): Promise<Uint8Array>
  /** Names are surrogateescape text. */
  xattrs(node: number): Promise<ReadonlyMap<string, Uint8Array>>
  /** At most `length` bytes, fewer only at the end. */
  read(node: number, offset: number, length: number): Promise<Uint8Array>
}

export interface TreeSource {
  readonly readObject: (id: ObjectId) => Promise<Uint8Array>
  readonly openArchive: (entry: ArchiveEntry) => Promise<ArchiveReader>
}

/** What is in one archive. @throws BorgError when it cannot be read */
export async function archiveTree(source: TreeSource, entry: ArchiveEntry, options: TreeOptions): Promise<ArchiveTree> {
  const tree = new ArchiveTree(source, options, { versions: false })
  await tree.addArchive(entry, tree.root)
  return tree
}

/** One folder for each archive, in the order given; nothing is read yet. */
export function repositoryTree(
  source: TreeSource,
  entries: readonly ArchiveEntry[],
  options: TreeOptions,
): ArchiveTree {
  const tree = new ArchiveTree(source, options, { versions: false })
  for (const entry of entries) tree.addArchiveFolder(entry)
  return tree
}

/** All archives merged: each file is a folder of its versions, the newest last. @throws BorgError when one cannot be read */
export async function versionsTree(
  source: TreeSource,
  entries: readonly ArchiveEntry[],
  options: TreeOptions,
): Promise<ArchiveTree> {
  const tree = new ArchiveTree(source, options, { versions: true })
  for (const entry of entries) await tree.addArchive(entry, tree.root)
  return tree
}

interface Waiting {
  readonly entry: ArchiveEntry
  /** Set once somebody has looked; a failure is kept, or half an archive would be read twice. */
  loading: Promise<void> | undefined
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

class ArchiveTree implements ReadOnlyTree {
  readonly #source: TreeSource
  readonly #options: TreeOptions
  readonly #builder: TreeBuilder
  readonly #items: ItemPlaces
  readonly #content: TreeContent
  /** Folders of archives that are read when looked into. */
  readonly #waiting = new Map<number, Waiting>()

  constructor(source: TreeSource, options: TreeOptions, view: { readonly versions: boolean }) {
    this.#source = source
    this.#options = options
    this.#builder = new TreeBuilder(options, view)
    this.#items = new ItemPlaces(source.readObject)
    this.#content = new TreeContent(source.readObject)
  }

  get root(): number {
    return this.#builder.root
  }

  async addArchive(entry: ArchiveEntry, folder: number): Promise<void> {
    const reader = await this.#source.openArchive(entry)
    const ids = reader.metadata.itemChunks
    const add = this.#builder.archive(folder)
    for await (const placed of this.#items.add(ids, reader.contents(ids))) add(placed)
  }

  addArchiveFolder(entry: ArchiveEntry): void {
    if (/[/\0]|^\.{0,2}$/.test(entry.name)) {
      this.#options.onProblem(`Skipping archive ${entry.name}: no folder can be called so`)
      return
    }
    const folder = this.#builder.makeFolder(this.root, encodeText(entry.name), entry.time)
    this.#waiting.set(folder, { entry, loading: undefined })
  }

  attributes(node: number): NodeAttributes {
    return this.#builder.nodes.attributes(node)
  }

  parent(folder: number): number {
    return this.#builder.parent(folder)
  }

  async lookup(folder: number, name: Uint8Array): Promise<number | undefined> {
    await this.#loaded(folder)
    return this.#builder.names.find(folder, name)
  }

  async list(folder: number, position = 0): Promise<Iterable<NamedNode>> {
    await this.#loaded(folder)
    return this.#builder.names.list(folder, position)
  }

  async linkTarget(node: number): Promise<Uint8Array> {
    return encodeText((await this.#item(node))?.source ?? '')
  }

  async xattrs(node: number): Promise<ReadonlyMap<string, Uint8Array>> {
    // Asked for nearly every file, answered by few.
    if (!this.#builder.nodes.hasXattrs(node)) return noXattrs
    return (await this.#item(node))?.xattrs ?? noXattrs
  }

  async read(node: number, offset: number, length: number): Promise<Uint8Array> {
    return await this.#content.read(node, offset, length, async () => {
      const place = this.#builder.contentPlace(node)
      return place === undefined ? [] : ((await this.#items.read(place)).chunks ?? [])
    })
  }

  async #item(node: number): Promise<Item | undefined> {
    const place = this.#builder.nodes.place(node)
    return place === undefined ? undefined : await this.#items.read(place)
  }

  async #loaded(folder: number): Promise<void> {
    const waiting = this.#waiting.get(folder)
    if (waiting === undefined) return
    waiting.loading ??= this.#load(folder, waiting.entry)
    await waiting.loading
  }

  async #load(folder: number, entry: ArchiveEntry): Promise<void> {
    try {
      await this.addArchive(entry, folder)
      this.#waiting.delete(folder)
    } catch (error) {
      if (isBorgError(error)) this.#options.onProblem(`${entry.name}: ${error.message}`)
      throw error
    }
  }
}
