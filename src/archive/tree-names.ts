/**
 * Which names are in which folder: the edges of a tree, some 30 bytes and the name itself for each.
 *
 * Names are bytes, as the disk had them. Found by one hash table over all folders, listed in the order they were put.
 */
import { equalBytes } from '../base/bytes.ts'
import { grown } from './tree-nodes.ts'

export interface NamedNode {
  readonly name: Uint8Array
  readonly node: number
  /** Where a listing that ends here goes on; positive. */
  readonly position: number
}

export class TreeNames {
  /** Entry 0 is none. */
  #count = 1
  #folders = new Uint32Array(1024)
  #nodes = new Uint32Array(1024)
  #following = new Uint32Array(1024)
  /** An entry's name ends where the next one's begins. */
  #nameStarts = new Uint32Array(1024)
  #nameBytes = new Uint8Array(16 * 1024)
  #nameEnd = 0
  /** Entry numbers; 0 is free. A power of two, at most half full. */
  #slots = new Uint32Array(2048)
  /** By folder node. */
  #firsts = new Uint32Array(1024)
  #lasts = new Uint32Array(1024)

  /** Undefined when there is no such name. */
  find(folder: number, name: Uint8Array): number | undefined {
    const entry = this.#entry(folder, name)
    return entry === 0 ? undefined : this.#nodes[entry]
  }

  /** Puts a name into a folder, or makes a name that is there mean another node. */
  put(folder: number, name: Uint8Array, node: number): void {
    const known = this.#entry(folder, name)
    if (known !== 0) {
      this.#nodes[known] = node
      return
    }
    const entry = this.#append(folder, name, node)
    this.#firsts = grown(this.#firsts, folder + 1)
    this.#lasts = grown(this.#lasts, folder + 1)
    const last = this.#lasts[folder]!
    if (last === 0) this.#firsts[folder] = entry
    else this.#following[last] = entry
    this.#lasts[folder] = entry
    if (this.#count * 2 > this.#slots.length) this.#rehash()
    else this.#occupy(entry)
  }

  /** In order, after `position`; 0 is the beginning. Names are views. */
  *list(folder: number, position = 0): Generator<NamedNode> {
    const first = position === 0 ? this.#firsts[folder] : this.#following[position]
    for (let entry = first ?? 0; entry !== 0; entry = this.#following[entry]!) {
      yield { name: this.#nameOf(entry), node: this.#nodes[entry]!, position: entry }
    }
  }

  #append(folder: number, name: Uint8Array, node: number): number {
    const entry = this.#count
    this.#count += 1
    this.#folders = grown(this.#folders, entry + 1)
    this.#nodes = grown(this.#nodes, entry + 1)
    this.#following = grown(this.#following, entry + 1)
    this.#nameStarts = grown(this.#nameStarts, entry + 2)
    this.#nameBytes = grown(this.#nameBytes, this.#nameEnd + name.length)
    this.#folders[entry] = folder
    this.#nodes[entry] = node
    this.#nameBytes.set(name, this.#nameEnd)
    this.#nameStarts[entry] = this.#nameEnd
    this.#nameEnd += name.length
    this.#nameStarts[entry + 1] = this.#nameEnd
    return entry
  }

  #nameOf(entry: number): Uint8Array {
    return this.#nameBytes.subarray(this.#nameStarts[entry], this.#nameStarts[entry + 1])
  }

  /** 0 when there is none. */
  #entry(folder: number, name: Uint8Array): number {
    const mask = this.#slots.length - 1
    for (let slot = hash(folder, name) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]!
      if (entry === 0) return 0
      if (this.#folders[entry] === folder && equalBytes(this.#nameOf(entry), name)) return entry
    }
  }

  #occupy(entry: number): void {
    const mask = this.#slots.length - 1
    let slot = hash(this.#folders[entry]!, this.#nameOf(entry)) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = entry
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let entry = 1; entry < this.#count; entry++) this.#occupy(entry)
  }
}

/** FNV-1a, the folder's number first. */
function hash(folder: number, name: Uint8Array): number {
  let value = Math.imul(0x811c9dc5 ^ folder, 0x01000193)
  for (let i = 0; i < name.length; i++) value = Math.imul(value ^ name[i]!, 0x01000193)
  return (value ^ (value >>> 15)) >>> 0
}
