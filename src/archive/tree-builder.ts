/**
 * Items become nodes and names: folders nobody archived are made up, later names of a file share its node, and in the
 * versions view a file is a folder of its versions.
 *
 * Source: CLI contract, commands §19; format/objects.md §7 (hard links); what `borg mount` shows.
 */
import { toHex } from '../base/bytes.ts'
import { objectIdSize } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'
import { type ChunkRef, fileTypeMask, fileTypes, isDamaged, type Item, itemSize, mayBeSource } from './item.ts'
import type { ItemPlace, PlacedItem } from './item-places.ts'
import { sha256 } from '../kernels/sha2.ts'
import { TreeNames } from './tree-names.ts'
import { type NodeFacts, TreeNodes } from './tree-nodes.ts'
import { versionedName } from './versioned-name.ts'

export interface TreeOptions {
  readonly select: (item: Item) => boolean
  /** The path shown for an archived one; undefined when nothing is left of it. */
  readonly shorten: (path: string) => string | undefined
  readonly owner: (item: Item) => { readonly uid: number; readonly gid: number }
  /** What folders look like that no archive holds. */
  readonly folder: Pick<NodeFacts, 'mode' | 'uid' | 'gid' | 'modified'>
  /** Permission bits taken away everywhere. */
  readonly umask: number
  /** Told in one line of what cannot be shown. */
  readonly onProblem: (line: string) => void
}

/** What a name can be given to: a node, and in the versions view what is in it. */
interface Target {
  readonly node: number
  readonly digest?: string | undefined
}

/** The newest version of one path. */
interface Version {
  readonly number: number
  readonly digest: string
  readonly node: number
  /** Which archive it came from. */
  readonly round: number
}

/** The first name of a file that is not selected, until a later name takes its content over. */
type Unselected = PlacedItem | { readonly target: Target }

/** Where an item goes. */
interface Destination {
  readonly parent: number
  readonly name: Uint8Array
}

export class TreeBuilder {
  readonly nodes = new TreeNodes()
  readonly names = new TreeNames()
  readonly root: number
  readonly #options: TreeOptions
  readonly #parents = new Map<number, number>()
  /** For names whose content is that of an item which is not shown. */
  readonly #contentPlaces = new Map<number, ItemPlace>()
  /** By the folder of the versions; undefined when this is not the versions view. */
  readonly #versions: Map<number, Version> | undefined
  #round = 0

  constructor(options: TreeOptions, { versions }: { readonly versions: boolean }) {
    this.#options = options
    this.#versions = versions ? new Map() : undefined
    this.root = this.nodes.add(this.#madeUpFacts(undefined))
  }

  /** Where the content of a node lies. */
  contentPlace(node: number): ItemPlace | undefined {
    return this.#contentPlaces.get(node) ?? this.nodes.place(node)
  }

  parent(folder: number): number {
    return this.#parents.get(folder) ?? this.root
  }

  /** A folder no archive holds, unless there is a folder of that name already. */
  makeFolder(parent: number, name: Uint8Array, modified?: NodeFacts['modified']): number {
    const present = this.names.find(parent, name)
    if (present !== undefined && this.isFolder(present)) return present
    return this.#putFolder(parent, name, this.#madeUpFacts(modified))
  }

  isFolder(node: number): boolean {
    return (this.nodes.mode(node) & fileTypeMask) === fileTypes.directory
  }

  /** Takes the items of one archive, in its order, into `root`. */
  archive(root: number): (placed: PlacedItem) => void {
    this.#round += 1
    const unselected = new Map<string, Unselected>()
    return (placed) => this.#add(root, placed, unselected)
  }

  #add(root: number, { item, place }: PlacedItem, unselected: Map<string, Unselected>): void {
    const shown = this.#options.select(item) ? this.#options.shorten(item.path) : undefined
    if (shown === undefined) {
      if (mayBeSource(item)) unselected.set(item.path, { item, place })
      return
    }
    const to = this.#destination(root, item.path, shown)
    if (to === undefined) return
    if (isType(item, fileTypes.directory)) this.#addFolder(to, this.#factsOf(item, place))
    else if (item.source !== undefined && !isType(item, fileTypes.symlink)) {
      this.#addLink(root, { item, place }, to, unselected)
    } else this.#addLeaf(to, this.#factsOf(item, place), item.chunks)
  }

  /** Undefined for the root itself, and for what cannot be shown. */
  #destination(root: number, path: string, shown: string): Destination | undefined {
    const parts = nameParts(shown)
    if (parts === undefined) this.#options.onProblem(`Skipping unsafe path: ${path}`)
    const name = parts?.at(-1)
    if (parts === undefined || name === undefined) return undefined
    const parent = this.#folderAt(root, parts.slice(0, -1))
    if (parent !== undefined) return { parent, name }
    this.#options.onProblem(`Skipping ${path}: a file of the archive is where its folder should be`)
    return undefined
  }

  #addFolder({ parent, name }: Destination, facts: NodeFacts): void {
    const present = this.names.find(parent, name)
    if (present !== undefined && this.isFolder(present)) this.nodes.set(present, facts)
    else this.#putFolder(parent, name, facts)
  }

  #putFolder(parent: number, name: Uint8Array, facts: NodeFacts): number {
    const folder = this.nodes.add(facts)
    this.names.put(parent, name, folder)
    this.#parents.set(folder, parent)
    return folder
  }

  /** The folder of these names below `root`, made up as far as it is missing; undefined when a file is in the way. */
  #folderAt(root: number, parts: readonly Uint8Array[]): number | undefined {
    let folder = root
    for (const part of parts) {
      const present = this.names.find(folder, part)
      if (present !== undefined && !this.isFolder(present)) return undefined
      folder = present ?? this.#putFolder(folder, part, this.#madeUpFacts(undefined))
    }
    return folder
  }

  #addLeaf(to: Destination, facts: NodeFacts, chunks: readonly ChunkRef[] | undefined): number {
    if (this.#versions !== undefined) return this.#addVersion(this.#versions, to, facts, chunks)
    const node = this.nodes.add(facts)
    this.names.put(to.parent, to.name, node)
    return node
  }

  #addVersion(
    versions: Map<number, Version>,
    { parent, name }: Destination,
    facts: NodeFacts,
    chunks: readonly ChunkRef[] | undefined,
  ): number {
    const folder = this.makeFolder(parent, name)
    if (chunks === undefined) {
      const node = this.nodes.add(facts)
      this.names.put(folder, name, node)
      return node
    }
    const digest = contentDigest(chunks)
    const last = versions.get(folder)
    if (last === undefined || last.digest !== digest) {
      const node = this.nodes.add(facts)
      this.#nameVersion(versions, folder, name, { number: (last?.number ?? 0) + 1, digest, node })
      return node
    }
    // Unchanged since: the version gets the newest attributes. A node with several names keeps them together.
    const reused = this.nodes.links(last.node) === 1
    const node = reused ? last.node : this.nodes.add(facts)
    if (reused) {
      this.nodes.set(node, facts)
      this.#contentPlaces.delete(node)
    }
    this.#nameVersion(versions, folder, name, { number: last.number, digest, node })
    return node
  }

  #nameVersion(
    versions: Map<number, Version>,
    folder: number,
    name: Uint8Array,
    version: Omit<Version, 'round'>,
  ): void {
    versions.set(folder, { ...version, round: this.#round })
    this.names.put(folder, versionedName(name, version.number), version.node)
  }

  #addLink(root: number, { item, place }: PlacedItem, to: Destination, unselected: Map<string, Unselected>): void {
    const source = item.source ?? ''
    const known = unselected.get(source)
    if (known !== undefined && 'item' in known) {
      unselected.set(source, { target: this.#adopt({ item, place }, known, to) })
      return
    }
    const target = known?.target ?? this.#targetAt(root, source)
    if (target === undefined) {
      this.#options.onProblem(`Skipping broken hard link: ${item.path} -> ${source}`)
    } else if (this.#versions === undefined || target.digest === undefined) {
      this.#linkName(
        this.#versions === undefined ? to.parent : this.makeFolder(to.parent, to.name),
        to.name,
        target.node,
      )
    } else this.#linkVersion(this.#versions, to, target.node, target.digest)
  }

  /** The first name is not shown: this later one gets the content, and those that follow will be names of this one. */
  #adopt(later: PlacedItem, first: PlacedItem, to: Destination): Target {
    const { size, damaged, rawDevice } = this.#factsOf(first.item, first.place)
    const { chunks } = first.item
    const node = this.#addLeaf(to, { ...this.#factsOf(later.item, later.place), size, damaged, rawDevice }, chunks)
    this.#contentPlaces.set(node, first.place)
    return { node, digest: this.#versions && chunks && contentDigest(chunks) }
  }

  #linkName(folder: number, name: Uint8Array, target: number): void {
    // The same root given twice to create: the second name is the first.
    if (this.names.find(folder, name) === target) return
    this.names.put(folder, name, target)
    this.nodes.addLink(target)
  }

  #linkVersion(versions: Map<number, Version>, to: Destination, node: number, digest: string): void {
    const folder = this.makeFolder(to.parent, to.name)
    const last = versions.get(folder)
    if (last?.node === node) return
    this.nodes.addLink(node)
    const number = (last?.number ?? 0) + (last?.digest === digest ? 0 : 1)
    this.#nameVersion(versions, folder, to.name, { number, digest, node })
  }

  /** The node that the archive being added has shown at the archived path `source`. */
  #targetAt(root: number, source: string): Target | undefined {
    const shown = this.#options.shorten(source)
    const parts = shown === undefined ? undefined : nameParts(shown)
    const name = parts?.at(-1)
    if (parts === undefined || name === undefined) return undefined
    let node = root
    for (const part of parts) {
      const next = this.names.find(node, part)
      if (next === undefined) return undefined
      node = next
    }
    if (this.#versions === undefined) return this.isFolder(node) ? undefined : { node }
    const version = this.#versions.get(node)
    if (version !== undefined) return version.round === this.#round ? version : undefined
    const unversioned = this.names.find(node, name)
    return unversioned === undefined ? undefined : { node: unversioned }
  }

  #factsOf(item: Item, place: ItemPlace): NodeFacts {
    const { umask, owner } = this.#options
    const { uid, gid } = owner(item)
    return {
      uid,
      gid,
      mode: item.mode & ~umask,
      size: isType(item, fileTypes.symlink) ? encodeText(item.source ?? '').length : itemSize(item),
      rawDevice: (item.rawDevice ?? 0) >>> 0,
      modified: item.modified,
      accessed: item.accessed ?? item.modified,
      changed: item.changed ?? item.modified,
      damaged: isDamaged(item),
      hasXattrs: item.xattrs !== undefined && item.xattrs.size > 0,
      place,
    }
  }

  #madeUpFacts(modified: NodeFacts['modified'] | undefined): NodeFacts {
    const { folder } = this.#options
    const time = modified ?? folder.modified
    return {
      ...folder,
      modified: time,
      accessed: time,
      changed: time,
      size: 0,
      rawDevice: 0,
      damaged: false,
      hasXattrs: false,
      place: undefined,
    }
  }
}

function isType(item: Item, type: number): boolean {
  return (item.mode & fileTypeMask) === type
}

/** '.' and empty parts left out. Undefined for a path that no honest archive has: '..', or a NUL. */
function nameParts(path: string): readonly Uint8Array[] | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || path.includes('\0')) return undefined
  return parts.map(encodeText)
}

function contentDigest(chunks: readonly ChunkRef[]): string {
  const ids = new Uint8Array(chunks.length * objectIdSize)
  for (const [number, chunk] of chunks.entries()) ids.set(chunk.id, number * objectIdSize)
  return toHex(sha256(ids))
}
