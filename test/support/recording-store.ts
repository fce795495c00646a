/**
 * A Store that passes every call on and keeps a list of them: "extract reads each segment once".
 */
import type { StorePath } from '../../src/base/ids.ts'
import type {
  AppendFile,
  FileContent,
  NewFile,
  RootState,
  Store,
  StoreEntry,
  StoreTraits,
  WriteOptions,
} from '../../src/store/store.ts'

export type StoreVerb =
  | 'root'
  | 'createRoot'
  | 'list'
  | 'stat'
  | 'read'
  | 'write'
  | 'writeInOrder'
  | 'append'
  | 'appendWrite'
  | 'flush'
  | 'seal'
  | 'abandon'
  | 'remove'
  | 'removeEmptyFolders'
  | 'removeAll'
  | 'moveFolder'
  | 'claim'
  | 'owners'
  | 'unclaim'
  | 'passClaim'
  | 'freeBytes'
  | 'dispose'

export interface StoreCall {
  readonly verb: StoreVerb
  /** '' where the call concerns the whole Store; of `writeInOrder` one call for each file. */
  readonly path: StorePath | ''
  /** Of `read` with a range. */
  readonly offset?: number | undefined
  /** Bytes read, given to `write` at once, or appended; undefined for streams and for calls without bytes. */
  readonly bytes?: number | undefined
}

/** Decides what happens before a call reaches the Store; throwing is what happens to the call. */
export type BeforeCall = (call: StoreCall) => void | Promise<void>

export class RecordingStore implements Store {
  readonly calls: StoreCall[] = []
  readonly moveFolder: ((from: StorePath, to: StorePath) => Promise<void>) | undefined
  readonly #inner: Store
  readonly #before: BeforeCall

  constructor(inner: Store, before: BeforeCall = () => {}) {
    this.#inner = inner
    this.#before = before
    const move = inner.moveFolder?.bind(inner)
    if (move !== undefined) {
      this.moveFolder = async (from, to) => {
        await this.#note({ verb: 'moveFolder', path: from })
        await move(from, to)
      }
    }
  }

  get name(): string {
    return this.#inner.name
  }

  get place(): string {
    return this.#inner.place
  }

  get traits(): StoreTraits {
    return this.#inner.traits
  }

  /** Calls with this verb, of this path if given. */
  count(verb: StoreVerb, path?: string): number {
    return this.calls.filter((call) => call.verb === verb && (path === undefined || call.path === path)).length
  }

  /** 'verb path', in order. */
  get lines(): readonly string[] {
    return this.calls.map(({ verb, path }) => (path === '' ? verb : `${verb} ${path}`))
  }

  async root(): Promise<RootState> {
    await this.#note({ verb: 'root', path: '' })
    return this.#inner.root()
  }

  async createRoot(options?: { parents?: boolean }): Promise<void> {
    await this.#note({ verb: 'createRoot', path: '' })
    await this.#inner.createRoot(options)
  }

  parent(): Store | undefined {
    return this.#inner.parent()
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    await this.#note({ verb: 'list', path: folder })
    yield* this.#inner.list(folder)
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    await this.#note({ verb: 'stat', path })
    return this.#inner.stat(path)
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    await this.#note({ verb: 'read', path, offset: range?.offset, bytes: range?.length })
    return this.#inner.read(path, range)
  }

  async write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void> {
    await this.#note({ verb: 'write', path, bytes: sizeOf(content) })
    await this.#inner.write(path, content, options)
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    for (const { path, content } of files) await this.#note({ verb: 'writeInOrder', path, bytes: sizeOf(content) })
    await this.#inner.writeInOrder(files)
  }

  async append(path: StorePath): Promise<AppendFile> {
    await this.#note({ verb: 'append', path })
    const file = await this.#inner.append(path)
    const note = (verb: StoreVerb, bytes?: number): Promise<void> => this.#note({ verb, path, bytes })
    return {
      get size(): number {
        return file.size
      },
      async write(...parts): Promise<void> {
        await note(
          'appendWrite',
          parts.reduce((sum, part) => sum + part.length, 0),
        )
        await file.write(...parts)
      },
      async flush(): Promise<void> {
        await note('flush')
        await file.flush()
      },
      async seal(): Promise<void> {
        await note('seal')
        await file.seal()
      },
      async abandon(): Promise<void> {
        await note('abandon')
        await file.abandon()
      },
    }
  }

  async remove(path: StorePath): Promise<void> {
    await this.#note({ verb: 'remove', path })
    await this.#inner.remove(path)
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    await this.#note({ verb: 'removeEmptyFolders', path: folder })
    await this.#inner.removeEmptyFolders(folder)
  }

  async removeAll(): Promise<void> {
    await this.#note({ verb: 'removeAll', path: '' })
    await this.#inner.removeAll()
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    await this.#note({ verb: 'claim', path })
    return this.#inner.claim(path, owner)
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    await this.#note({ verb: 'owners', path })
    return this.#inner.owners(path)
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    await this.#note({ verb: 'unclaim', path })
    await this.#inner.unclaim(path, owner)
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    await this.#note({ verb: 'passClaim', path })
    return this.#inner.passClaim(path, from, to)
  }

  async freeBytes(): Promise<number | undefined> {
    await this.#note({ verb: 'freeBytes', path: '' })
    return this.#inner.freeBytes()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#note({ verb: 'dispose', path: '' })
    await this.#inner[Symbol.asyncDispose]()
  }

  async #note(call: StoreCall): Promise<void> {
    this.calls.push(call)
    await this.#before(call)
  }
}

function sizeOf(content: FileContent): number | undefined {
  return content instanceof Uint8Array ? content.length : undefined
}
