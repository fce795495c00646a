import type { Nanoseconds, ObjectId } from '../base/ids.ts'

export interface ArchiveEntry {
  readonly name: string
  readonly id: ObjectId
  readonly time: Nanoseconds
}
/** The list of archives inside the manifest. Changes are staged until the session commits. */
export interface ArchiveDirectory {
  get(name: string): ArchiveEntry | undefined
  all(): readonly ArchiveEntry[]
  set(entry: ArchiveEntry): void
  delete(name: string): void
  readonly dirty: boolean
}
