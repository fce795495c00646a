/**
 * A Store that passes everything on to another: what a wrapper does not concern itself with.
 */
import type { StorePath } from '../base/ids.ts'
import type {
  AppendFile,
  FileContent,
  NewFile,
  RootState,
  Store,
  StoreEntry,
  StoreTraits,
  WriteOptions,
} from './store.ts'

export class WrappingStore implements Store {
  readonly moveFolder: ((from: StorePath, to: StorePath) => Promise<void>) | undefined
  protected readonly inner: Store

  /** Owns `inner`. */
  constructor(inner: Store) {
    this.inner = inner
    this.moveFolder = inner.moveFolder?.bind(inner)
  }

  get name(): string {
    return this.inner.name
  }

  get place(): string {
    return this.inner.place
  }

  get traits(): StoreTraits {
    return this.inner.traits
  }

  root(): Promise<RootState> {
    return this.inner.root()
  }

  createRoot(options?: { parents?: boolean }): Promise<void> {
    return this.inner.createRoot(options)
  }

  parent(): Store | undefined {
    return this.inner.parent()
  }

  list(folder: StorePath): AsyncIterable<StoreEntry> {
    return this.inner.list(folder)
  }

  stat(path: StorePath): Promise<StoreEntry | undefined> {
    return this.inner.stat(path)
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    return this.inner.read(path, range)
  }

  async write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void> {
    return this.inner.write(path, content, options)
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    return this.inner.writeInOrder(files)
  }

  async append(path: StorePath): Promise<AppendFile> {
    return this.inner.append(path)
  }

  async remove(path: StorePath): Promise<void> {
    return this.inner.remove(path)
  }

  removeEmptyFolders(folder: StorePath): Promise<void> {
    return this.inner.removeEmptyFolders(folder)
  }

  async removeAll(): Promise<void> {
    return this.inner.removeAll()
  }

  claim(path: StorePath, owner: string): Promise<boolean> {
    return this.inner.claim(path, owner)
  }

  owners(path: StorePath): Promise<readonly string[]> {
    return this.inner.owners(path)
  }

  unclaim(path: StorePath, owner: string): Promise<void> {
    return this.inner.unclaim(path, owner)
  }

  passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    return this.inner.passClaim(path, from, to)
  }

  freeBytes(): Promise<number | undefined> {
    return this.inner.freeBytes()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]()
  }
}
