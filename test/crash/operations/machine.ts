/**
 * A machine that can lose its power: a repository and the folders of one client on two CrashStores with one life.
 *
 * Whichever of the two dies takes the other along. What each of them then forgets is chosen apart, for a repository is
 * often on another machine. `localStore.ts` beside this file lets the engine's LocalStores end up here.
 */
import { type StorePath, storePath } from '../../../src/base/ids.ts'
import type { Directories } from '../../../src/session/directories.ts'
import type {
  AppendFile,
  FileContent,
  NewFile,
  RootState,
  Store,
  StoreEntry,
  StoreTraits,
  WriteOptions,
} from '../../../src/store/store.ts'
import { CrashStore, type Forgetting, StoreDied } from '../../support/crash-store.ts'
import type { StoreVerb } from '../../support/recording-store.ts'
import { EnvelopeLedger } from './envelopes.ts'

export type Side = 'repository' | 'client'
export const sides: readonly Side[] = ['repository', 'client']

export interface MachineCall {
  readonly side: Side
  readonly verb: StoreVerb
  readonly path: string
}

/** What each side forgets. 'lost': another machine with the same name takes over, which never knew the repository. */
export interface Amnesia {
  readonly repository: Forgetting
  readonly client: Forgetting | 'lost'
}

/** Which call kills. */
export interface Death {
  readonly side: Side
  readonly dieAt: number
}

let machines = 0
const living = new Map<string, Machine>()

export class Machine {
  readonly repository: CrashStore
  readonly client: CrashStore
  /** Every object that ever reached a segment file, in this life and the ones before it. */
  readonly envelopes: EnvelopeLedger
  readonly directories: Directories
  /** Throwing is what happens to the call. */
  before: (call: MachineCall) => void = () => {}
  readonly #folder: string

  constructor(
    repository: CrashStore = new CrashStore(),
    client: CrashStore = new CrashStore(),
    envelopes = new EnvelopeLedger(),
  ) {
    this.repository = repository
    this.client = client
    this.envelopes = envelopes
    machines += 1
    this.#folder = `/machine-${machines}`
    living.set(this.#folder, this)
    const [config, cache, security, keys] = ['config', 'cache', 'security', 'keys'].map((name) =>
      [this.#folder, name].join('/'),
    ) as [string, string, string, string]
    this.directories = { config, cache, security, keys }
  }

  get dead(): boolean {
    return this.repository.dead || this.client.dead
  }

  /** What the engine is given as the repository's Store. */
  get store(): Store {
    return new MachineStore(this, 'repository', '', '/repo')
  }

  /** The Store of a folder of this client, by its path on this machine. */
  folder(path: string): Store {
    return new MachineStore(this, 'client', path.slice(this.#folder.length + 1), path)
  }

  /** What is left of it, with another life. */
  async survivor(amnesia: Amnesia, death?: Death): Promise<Machine> {
    const life = (side: Side): { dieAt?: number } => (death?.side === side ? { dieAt: death.dieAt } : {})
    const client =
      amnesia.client === 'lost'
        ? new CrashStore(life('client'))
        : await this.client.survivor(amnesia.client, life('client'))
    const repository = await this.repository.survivor(amnesia.repository, life('repository'))
    return new Machine(repository, client, this.envelopes.fork())
  }

  /** Nobody will ask for its folders any more. */
  forget(): void {
    living.delete(this.#folder)
  }
}

/** The Store behind a folder of any machine. */
export function machineFolder(path: string): Store {
  const machine = living.get(path.split('/', 2).join('/'))
  if (machine === undefined) throw new Error(`'${path}' is on none of the machines of this test`)
  return machine.folder(path)
}

/** One folder of one side. Passes calls on as long as both sides live. */
class MachineStore implements Store {
  readonly name: string
  readonly traits: StoreTraits = { cheapSmallReads: true, claims: 'atomic' }
  readonly #machine: Machine
  readonly #side: Side
  /** Path of this folder in the CrashStore; '' for all of it. */
  readonly #prefix: string

  constructor(machine: Machine, side: Side, prefix: string, name: string) {
    this.name = name
    this.#machine = machine
    this.#side = side
    this.#prefix = prefix
  }

  get place(): string {
    return `${this.#machine[this.#side].place}/${this.#prefix}`
  }

  async root(): Promise<RootState> {
    const inner = this.#reach('root', '')
    if (this.#prefix === '') return inner.root()
    for await (const _ of inner.list(this.#at(storePath('')))) return 'occupied'
    return 'missing'
  }

  async createRoot(): Promise<void> {
    await this.#reach('createRoot', '').createRoot()
  }

  parent(): Store | undefined {
    const end = this.#prefix.lastIndexOf('/')
    if (end < 0) return undefined
    const name = this.name.slice(0, this.name.lastIndexOf('/'))
    return new MachineStore(this.#machine, this.#side, this.#prefix.slice(0, end), name)
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    for await (const entry of this.#reach('list', folder).list(this.#at(folder))) yield this.#ours(entry)
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const entry = await this.#reach('stat', path).stat(this.#at(path))
    return entry === undefined ? undefined : this.#ours(entry)
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    return this.#reach('read', path).read(this.#at(path), range)
  }

  async write(path: StorePath, content: FileContent, options?: WriteOptions): Promise<void> {
    await this.#reach('write', path).write(this.#at(path), content, options)
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    let inner = this.#machine[this.#side]
    for (const { path } of files) inner = this.#reach('writeInOrder', path)
    await inner.writeInOrder(files.map(({ path, content }) => ({ path: this.#at(path), content })))
  }

  async append(path: StorePath): Promise<AppendFile> {
    const file = await this.#reach('append', path).append(this.#at(path))
    const reach = (verb: StoreVerb): void => void this.#reach(verb, path)
    const note = this.#side === 'repository' ? this.#machine.envelopes.segment() : () => {}
    return {
      get size(): number {
        return file.size
      },
      async write(...parts): Promise<void> {
        reach('appendWrite')
        // Also what kills us: it may be on the disk.
        note(parts)
        await file.write(...parts)
      },
      async flush(): Promise<void> {
        reach('flush')
        await file.flush()
      },
      async seal(): Promise<void> {
        reach('seal')
        await file.seal()
      },
      async abandon(): Promise<void> {
        reach('abandon')
        await file.abandon()
      },
    }
  }

  async remove(path: StorePath): Promise<void> {
    await this.#reach('remove', path).remove(this.#at(path))
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    await this.#reach('removeEmptyFolders', folder).removeEmptyFolders(this.#at(folder))
  }

  async removeAll(): Promise<void> {
    const inner = this.#reach('removeAll', '')
    if (this.#prefix === '') {
      await inner.removeAll()
      return
    }
    const folders = [this.#at(storePath(''))]
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const { path, kind } of inner.list(folder)) {
        if (kind === 'folder') folders.push(path)
        else await inner.remove(path)
      }
    }
  }

  async moveFolder(from: StorePath, to: StorePath): Promise<void> {
    await this.#reach('moveFolder', from).moveFolder(this.#at(from), this.#at(to))
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    return this.#reach('claim', path).claim(this.#at(path), owner)
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    return this.#reach('owners', path).owners(this.#at(path))
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    await this.#reach('unclaim', path).unclaim(this.#at(path), owner)
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    return this.#reach('passClaim', path).passClaim(this.#at(path), from, to)
  }

  async freeBytes(): Promise<number | undefined> {
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #reach(verb: StoreVerb, path: StorePath | ''): CrashStore {
    if (this.#machine.dead) throw new StoreDied('the machine has died')
    this.#machine.before({ side: this.#side, verb, path: path === '' ? this.name : `${this.name}/${path}` })
    return this.#machine[this.#side]
  }

  #at(path: StorePath): StorePath {
    if (this.#prefix === '') return path
    return storePath(path === '' ? this.#prefix : `${this.#prefix}/${path}`)
  }

  #ours(entry: StoreEntry): StoreEntry {
    if (this.#prefix === '') return entry
    return { ...entry, path: storePath(entry.path.slice(this.#prefix.length + 1)) }
  }
}
