/**
 * What stat(2) tells of each node of a tree, in columns: about 65 bytes a node.
 */
import type { Nanoseconds } from '../base/ids.ts'
import type { ItemPlace } from './item-places.ts'

export interface NodeFacts {
  /** Full st_mode. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  /** st_rdev. */
  readonly rawDevice: number
  readonly modified: Nanoseconds
  readonly accessed: Nanoseconds
  readonly changed: Nanoseconds
  /** A repair put zeros in place of lost content. */
  readonly damaged: boolean
  readonly hasXattrs: boolean
  /** Undefined for folders that no archive holds. */
  readonly place: ItemPlace | undefined
}

export interface NodeAttributes extends Omit<NodeFacts, 'place'> {
  readonly node: number
  /** Names that mean this node; 1 for folders. */
  readonly links: number
}

const flagDamaged = 1
const flagXattrs = 2
const flagPlaced = 4

export class TreeNodes {
  /** Node 0 is none. */
  #count = 1
  #modes = new Uint32Array(1024)
  #uids = new Uint32Array(1024)
  #gids = new Uint32Array(1024)
  #links = new Uint32Array(1024)
  #devices = new Uint32Array(1024)
  #sizes = new Float64Array(1024)
  #modified = new BigInt64Array(1024)
  #accessed = new BigInt64Array(1024)
  #changed = new BigInt64Array(1024)
  #chunks = new Uint32Array(1024)
  #offsets = new Uint32Array(1024)
  #flags = new Uint8Array(1024)

  get count(): number {
    return this.#count - 1
  }

  /** The number of a new node, from 1. */
  add(facts: NodeFacts): number {
    const node = this.#count
    this.#count += 1
    if (node >= this.#modes.length) this.#grow(node + 1)
    this.set(node, facts)
    this.#links[node] = 1
    return node
  }

  set(node: number, facts: NodeFacts): void {
    this.#modes[node] = facts.mode
    this.#uids[node] = facts.uid
    this.#gids[node] = facts.gid
    this.#devices[node] = facts.rawDevice
    this.#sizes[node] = facts.size
    this.#modified[node] = facts.modified
    this.#accessed[node] = facts.accessed
    this.#changed[node] = facts.changed
    this.#chunks[node] = facts.place?.chunk ?? 0
    this.#offsets[node] = facts.place?.offset ?? 0
    this.#flags[node] =
      (facts.damaged ? flagDamaged : 0) |
      (facts.hasXattrs ? flagXattrs : 0) |
      (facts.place === undefined ? 0 : flagPlaced)
  }

  addLink(node: number): void {
    this.#links[node]! += 1
  }

  mode(node: number): number {
    return this.#modes[node] ?? 0
  }

  links(node: number): number {
    return this.#links[node] ?? 0
  }

  hasXattrs(node: number): boolean {
    return ((this.#flags[node] ?? 0) & flagXattrs) !== 0
  }

  place(node: number): ItemPlace | undefined {
    if (((this.#flags[node] ?? 0) & flagPlaced) === 0) return undefined
    return { chunk: this.#chunks[node]!, offset: this.#offsets[node]! }
  }

  /** @throws RangeError when there is no such node. */
  attributes(node: number): NodeAttributes {
    if (!(node >= 1 && node < this.#count)) throw new RangeError(`no node ${node} in this tree`)
    return {
      node,
      mode: this.#modes[node]!,
      uid: this.#uids[node]!,
      gid: this.#gids[node]!,
      links: this.#links[node]!,
      size: this.#sizes[node]!,
      rawDevice: this.#devices[node]!,
      modified: this.#modified[node]! as Nanoseconds,
      accessed: this.#accessed[node]! as Nanoseconds,
      changed: this.#changed[node]! as Nanoseconds,
      damaged: (this.#flags[node]! & flagDamaged) !== 0,
      hasXattrs: (this.#flags[node]! & flagXattrs) !== 0,
    }
  }

  #grow(count: number): void {
    this.#modes = grown(this.#modes, count)
    this.#uids = grown(this.#uids, count)
    this.#gids = grown(this.#gids, count)
    this.#links = grown(this.#links, count)
    this.#devices = grown(this.#devices, count)
    this.#sizes = grown(this.#sizes, count)
    this.#modified = grown(this.#modified, count)
    this.#accessed = grown(this.#accessed, count)
    this.#changed = grown(this.#changed, count)
    this.#chunks = grown(this.#chunks, count)
    this.#offsets = grown(this.#offsets, count)
    this.#flags = grown(this.#flags, count)
  }
}

type Column =
  | Uint8Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>

/** The same column with room for `count` values, half as much again when it was full. */
export function grown<C extends Column>(column: C, count: number): C {
  if (count <= column.length) return column
  const larger = new (column.constructor as new (length: number) => C)(Math.max(count, Math.ceil(column.length * 1.5)))
  larger.set(column as never)
  return larger
}
