import type { ObjectId } from '../base/ids.ts'

/** Which chunks the repository has, and how many archives refer to each. */
export interface ChunkCache {
  find(id: ObjectId): { references: number; size: number; storedSize: number } | undefined
  add(id: ObjectId, size: number, storedSize: number): void
  reference(id: ObjectId): void
  /** Returns references left; at 0 the entry is gone and the caller deletes the object. */
  release(id: ObjectId): number
}
