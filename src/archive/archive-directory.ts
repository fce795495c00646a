/**
 * The list of archives inside the manifest.
 */
import { compareBytes } from '../base/bytes.ts'
import type { Nanoseconds, ObjectId } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'

export interface ArchiveEntry {
  /** Surrogateescape text; the manifest's name, which may differ from the one inside the archive. */
  readonly name: string
  readonly id: ObjectId
  readonly time: Nanoseconds
}

/** Changes are staged until the session commits. */
export interface ArchiveDirectory {
  get(name: string): ArchiveEntry | undefined
  /** In the manifest's order: by name, bytewise, new ones last until written. */
  all(): readonly ArchiveEntry[]
  set(entry: ArchiveEntry): void
  delete(name: string): void
  readonly dirty: boolean
}

export class MapArchiveDirectory implements ArchiveDirectory {
  readonly #entries: Map<string, ArchiveEntry>
  #dirty = false

  constructor(entries: Iterable<ArchiveEntry> = []) {
    this.#entries = new Map([...entries].map((entry) => [entry.name, entry]))
  }

  get dirty(): boolean {
    return this.#dirty
  }

  get(name: string): ArchiveEntry | undefined {
    return this.#entries.get(name)
  }

  all(): readonly ArchiveEntry[] {
    return [...this.#entries.values()]
  }

  set(entry: ArchiveEntry): void {
    this.#entries.set(entry.name, entry)
    this.#dirty = true
  }

  delete(name: string): void {
    if (this.#entries.delete(name)) this.#dirty = true
  }

  markClean(): void {
    this.#dirty = false
  }

  /** As the manifest stores them. */
  sorted(): readonly ArchiveEntry[] {
    const keyed = this.all().map((entry) => ({ entry, key: encodeText(entry.name) }))
    keyed.sort((a, b) => compareBytes(a.key, b.key))
    return keyed.map(({ entry }) => entry)
  }
}
