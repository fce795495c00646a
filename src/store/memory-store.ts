/**
 * A Store in a Map: the model the contract is tested against, and what embedders use in tests.
 *
 * As strict as the contract allows: an appended file is readable exactly up to its last flush. Contents live as long as
 * the object, also after disposal, so that what one session wrote the next one finds.
 */
import { concatBytes, copyBytes } from '../base/bytes.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import {
  type AppendFile,
  contentPieces,
  type FileContent,
  type NewFile,
  type RootState,
  type Store,
  type StoreEntry,
  StoreNotFound,
  type StoreTraits,
} from './store.ts'

/** Grows by doubling; `length` bytes of `bytes` are content, of which `readable` may be seen. */
interface MemoryFile {
  bytes: Uint8Array
  length: number
  readable: number
}

let stores = 0

export class MemoryStore implements Store {
  readonly name: string
  readonly place: string
  readonly traits: StoreTraits = { cheapSmallReads: true, claims: 'atomic' }
  readonly #files = new Map<StorePath, MemoryFile>()
  readonly #folders = new Set<string>()
  readonly #claims = new Map<StorePath, Set<string>>()
  #exists = true

  /** `name` appears in messages. */
  constructor(name = 'memory') {
    stores += 1
    this.name = name
    this.place = `memory:${stores}`
  }

  async root(): Promise<RootState> {
    if (!this.#exists) return 'missing'
    return this.#files.size + this.#folders.size + this.#claims.size === 0 ? 'empty' : 'occupied'
  }

  async createRoot(): Promise<void> {
    this.#exists = true
  }

  parent(): Store | undefined {
    return undefined
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    const start = folder === '' ? '' : `${folder}/`
    const children = [...this.#files.keys(), ...this.#folders].filter((path) => isChild(path, start))
    for (const child of children) {
      const entry = await this.stat(storePath(child))
      if (entry !== undefined) yield entry
    }
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const file = this.#files.get(path)
    if (file !== undefined) return { path, kind: 'file', size: file.readable }
    return this.#folders.has(path) ? { path, kind: 'folder', size: 0 } : undefined
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const file = this.#files.get(path)
    if (file === undefined) throw new StoreNotFound(path, this.name)
    const from = Math.min(range?.offset ?? 0, file.readable)
    const to = range === undefined ? file.readable : Math.min(from + range.length, file.readable)
    return file.bytes.slice(from, to)
  }

  async write(path: StorePath, content: FileContent): Promise<void> {
    this.#replace(path, await collect(content))
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    const contents: Uint8Array[] = []
    for (const { content } of files) contents.push(await collect(content))
    files.forEach(({ path }, i) => {
      this.#replace(path, contents[i] ?? new Uint8Array(0))
    })
  }

  async append(path: StorePath): Promise<AppendFile> {
    this.#needRoot(path)
    if (this.#files.has(path) || this.#folders.has(path))
      throw systemError('EEXIST', `file exists, open '${path}'`, path)
    const file: MemoryFile = { bytes: new Uint8Array(0), length: 0, readable: 0 }
    this.#addFolders(path)
    this.#files.set(path, file)
    return new MemoryAppendFile(path, file)
  }

  async remove(path: StorePath): Promise<void> {
    this.#files.delete(path)
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    const start = folder === '' ? '' : `${folder}/`
    for (const child of [...this.#folders]) {
      if (!isChild(child, start)) continue
      const inside = `${child}/`
      if (![...this.#files.keys(), ...this.#folders].some((path) => path.startsWith(inside)))
        this.#folders.delete(child)
    }
  }

  async removeAll(): Promise<void> {
    this.#files.clear()
    this.#folders.clear()
    this.#claims.clear()
    this.#exists = false
  }

  async moveFolder(from: StorePath, to: StorePath): Promise<void> {
    if (!this.#folders.has(from)) throw systemError('ENOENT', `no such folder, rename '${from}' -> '${to}'`, from)
    if (this.#folders.has(to) || this.#files.has(to)) {
      throw systemError('ENOTEMPTY', `directory not empty, rename '${from}' -> '${to}'`, to)
    }
    this.#addFolders(to)
    for (const [path, file] of [...this.#files]) {
      if (!path.startsWith(`${from}/`)) continue
      this.#files.delete(path)
      this.#files.set(storePath(to + path.slice(from.length)), file)
    }
    for (const folder of [...this.#folders]) {
      if (folder !== from && !folder.startsWith(`${from}/`)) continue
      this.#folders.delete(folder)
      this.#folders.add(to + folder.slice(from.length))
    }
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    this.#needRoot(path)
    const owners = this.#claims.get(path)
    if (owners !== undefined && owners.size > 0) return owners.has(owner)
    this.#claims.set(path, new Set([owner]))
    return true
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    return [...(this.#claims.get(path) ?? [])]
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    const owners = this.#claims.get(path)
    owners?.delete(owner)
    if (owners?.size === 0) this.#claims.delete(path)
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    const owners = this.#claims.get(path)
    if (owners === undefined || !owners.delete(from)) return false
    owners.add(to)
    return true
  }

  async freeBytes(): Promise<number | undefined> {
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #replace(path: StorePath, bytes: Uint8Array): void {
    this.#needRoot(path)
    if (this.#folders.has(path)) throw systemError('EISDIR', `illegal operation on a directory, rename '${path}'`, path)
    this.#addFolders(path)
    this.#files.set(path, { bytes, length: bytes.length, readable: bytes.length })
  }

  #needRoot(path: StorePath): void {
    if (!this.#exists) throw systemError('ENOENT', `no such file or directory, open '${path}'`, path)
  }

  #addFolders(path: StorePath): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = storePath(path.slice(0, end))
      if (this.#files.has(folder)) throw systemError('ENOTDIR', `not a directory, open '${path}'`, folder)
      this.#folders.add(folder)
    }
  }
}

class MemoryAppendFile implements AppendFile {
  readonly #path: StorePath
  readonly #file: MemoryFile
  #open = true

  constructor(path: StorePath, file: MemoryFile) {
    this.#path = path
    this.#file = file
  }

  get size(): number {
    return this.#file.length
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    this.#needOpen()
    const file = this.#file
    for (const part of parts) {
      if (file.length + part.length > file.bytes.length) {
        const grown = new Uint8Array(Math.max(4096, 2 * file.bytes.length, file.length + part.length))
        grown.set(file.bytes.subarray(0, file.length))
        file.bytes = grown
      }
      file.bytes.set(part, file.length)
      file.length += part.length
    }
  }

  async flush(): Promise<void> {
    this.#needOpen()
    this.#file.readable = this.#file.length
  }

  async seal(): Promise<void> {
    await this.flush()
    this.#open = false
  }

  async abandon(): Promise<void> {
    this.#open = false
  }

  #needOpen(): void {
    if (!this.#open) throw new RangeError(`'${this.#path}' is no longer open for writing`)
  }
}

async function collect(content: FileContent): Promise<Uint8Array> {
  if (content instanceof Uint8Array) return copyBytes(content)
  const parts: Uint8Array[] = []
  for await (const piece of contentPieces(content)) parts.push(copyBytes(piece))
  return concatBytes(...parts)
}

function isChild(path: string, start: string): boolean {
  return path.startsWith(start) && !path.includes('/', start.length)
}

/** As node:fs would throw it, so that callers test `code` alike on every Store. */
function systemError(code: string, message: string, path: StorePath): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code, path })
}
