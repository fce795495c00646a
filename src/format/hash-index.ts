import type { ObjectId } from '../base/ids.ts'

/** borg's open-addressing table, held in its file layout: loading and saving copy nothing but bytes. */
export declare class HashIndex {
  static create(valueWords: 2 | 3, capacity: number): HashIndex
  static parse(file: Uint8Array, valueWords: 2 | 3): HashIndex
  readonly size: number
  /** Slot of `key`, or -1. A slot stays valid until the next insert or delete. */
  find(key: ObjectId): number
  insert(key: ObjectId): number
  delete(key: ObjectId): boolean
  word(slot: number, index: number): number
  setWord(slot: number, index: number, value: number): void
  /** In table order, which is borg's `list` order. */
  keys(after?: ObjectId): IterableIterator<ObjectId>
  serialize(): Uint8Array
}
