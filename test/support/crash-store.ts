/**
 * A Store that dies at a chosen operation and then forgets whatever the contract (src/store/store.ts) lets it forget.
 *
 * For every path it keeps the outcomes a crash may leave, oldest first: a sealed or written file has one, a removed file
 * two (gone, or back again), an unsealed one may also be cut, torn or holed. `survivor` chooses among them and gives
 * a Store that lives on with that state, ready to crash again. explore-crashes.ts does so for every operation of a scenario.
 */
import { concatBytes, copyBytes } from '../../src/base/bytes.ts'
import { type StorePath, storePath } from '../../src/base/ids.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import {
  type AppendFile,
  contentPieces,
  type FileContent,
  type NewFile,
  type RootState,
  type Store,
  type StoreEntry,
  type StoreTraits,
  type WriteOptions,
} from '../../src/store/store.ts'

/** nothing: as when the process is killed. everything: the oldest outcome of every file. A number seeds a mixture. */
export type Forgetting = 'nothing' | 'everything' | number

/** What every call gets from a Store that has died. */
export class StoreDied extends Error {
  override readonly name = 'StoreDied'
}

/** Undefined: no such file. */
type Outcome = Unsealed | Uint8Array | undefined
class Unsealed {
  readonly parts: Uint8Array[] = []
}

const sectorSize = 512

export class CrashStore implements Store {
  readonly traits: StoreTraits = { cheapSmallReads: true, claims: 'atomic' }
  /** What the living see. */
  readonly #live: MemoryStore
  /** What a crash may leave of each path ever touched, oldest outcome first, the present one last. Absent: no file. */
  readonly #outcomes = new Map<StorePath, readonly Outcome[]>()
  /** Owners of each claim through time. */
  readonly #claims = new Map<StorePath, (readonly string[])[]>()
  /** The move that was under way when we died: happened whole or not. */
  #unfinishedMove: { from: StorePath; to: StorePath } | undefined
  readonly #dieAt: number
  #operations = 0
  #dead = false

  /** Dies in operation number `dieAt`, counted from 0; by default never. */
  constructor(options: { dieAt?: number } = {}, live: MemoryStore = new MemoryStore()) {
    this.#live = live
    this.#dieAt = options.dieAt ?? Number.POSITIVE_INFINITY
  }

  get name(): string {
    return this.#live.name
  }

  get place(): string {
    return this.#live.place
  }

  /** Calls so far that change something. */
  get operations(): number {
    return this.#operations
  }

  get dead(): boolean {
    return this.#dead
  }

  /** What is left after a crash now (or at the operation that was fatal). May be asked again with another choice. */
  async survivor(forgetting: Forgetting, options: { dieAt?: number } = {}): Promise<CrashStore> {
    const chance = makeChance(typeof forgetting === 'number' ? forgetting : 0)
    const choose = <T>(outcomes: readonly T[]): T | undefined =>
      outcomes.at(forgetting === 'nothing' ? -1 : forgetting === 'everything' ? 0 : chance(outcomes.length))
    const live = new MemoryStore(this.name)
    for (const [path, all] of shuffled([...this.#outcomes], chance)) {
      const outcome = choose(all)
      const bytes = outcome instanceof Unsealed ? whatIsLeft(outcome, forgetting, chance) : outcome
      if (bytes !== undefined) await live.write(path, bytes)
    }
    const claims = [...this.#claims].map(([path, all]) => [path, choose(all) ?? []] as const)
    for (const [path, owners] of claims) for (const owner of owners) await live.claim(path, owner)
    const move = this.#unfinishedMove
    if (move !== undefined && choose([false, true])) await live.moveFolder(move.from, move.to)
    const survivor = new CrashStore(options, live)
    await survivor.#settle()
    for (const [path, owners] of claims) survivor.#claims.set(path, [owners])
    return survivor
  }

  async root(): Promise<RootState> {
    this.#needLife()
    return this.#live.root()
  }

  async createRoot(): Promise<void> {
    this.#needLife()
    await this.#live.createRoot()
  }

  parent(): Store | undefined {
    return undefined
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    this.#needLife()
    yield* this.#live.list(folder)
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    this.#needLife()
    return this.#live.stat(path)
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    this.#needLife()
    return this.#live.read(path, range)
  }

  async write(path: StorePath, content: FileContent, options: WriteOptions = {}): Promise<void> {
    const bytes = await collect(content)
    const transient = options.transient === true
    this.#operation(() => {
      this.#leaveTemporary(storePath(`${path}-crashed0.tmp`), bytes)
      this.#add(path, bytes)
    })
    await this.#live.write(path, bytes)
    if (transient) this.#add(path, undefined, new Uint8Array(0), bytes)
    else this.#outcomes.set(path, [bytes])
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    const contents: Uint8Array[] = []
    for (const { content } of files) contents.push(await collect(content))
    for (const [i, { path }] of files.entries()) {
      const bytes = contents[i] ?? new Uint8Array(0)
      this.#operation(() => {
        for (const [j, later] of files.entries()) {
          if (j >= i) this.#leaveTemporary(storePath(`${later.path}.tmp`), contents[j] ?? new Uint8Array(0))
        }
        this.#add(path, bytes)
      })
      await this.#live.write(path, bytes)
      this.#outcomes.set(path, [bytes])
    }
  }

  async append(path: StorePath): Promise<AppendFile> {
    const unsealed = new Unsealed()
    // A name that is taken is refused, whatever happens.
    const free = (await this.#live.stat(path)) === undefined
    this.#operation(() => {
      if (free) this.#add(path, unsealed)
    })
    const file = await this.#live.append(path)
    this.#add(path, unsealed)
    return new CrashAppendFile(file, unsealed, {
      operation: (halfDone) => this.#operation(halfDone),
      sealed: (bytes) => {
        // Sealed after being removed: nothing that was promised is there any more.
        if (this.#present(path) === unsealed) this.#outcomes.set(path, [bytes])
      },
      sealing: (bytes) => {
        if (this.#present(path) === unsealed) this.#add(path, bytes)
      },
    })
  }

  async remove(path: StorePath): Promise<void> {
    this.#operation(() => this.#add(path, undefined))
    await this.#live.remove(path)
    this.#add(path, undefined)
  }

  async removeEmptyFolders(folder: StorePath): Promise<void> {
    this.#operation(() => {})
    await this.#live.removeEmptyFolders(folder)
  }

  async removeAll(): Promise<void> {
    for (const path of this.#outcomes.keys()) await this.remove(path)
    this.#operation(() => {})
    await this.#live.removeAll()
  }

  async moveFolder(from: StorePath, to: StorePath): Promise<void> {
    this.#operation(() => {
      this.#unfinishedMove = { from, to }
    })
    await this.#live.moveFolder(from, to)
    // The folder takes along what might come back in it.
    for (const [path, outcomes] of [...this.#outcomes]) {
      if (!path.startsWith(`${from}/`)) continue
      this.#outcomes.delete(path)
      this.#outcomes.set(storePath(to + path.slice(from.length)), outcomes)
    }
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    const before = await this.#live.owners(path)
    this.#operation(() => {
      if (before.length === 0) this.#noteClaim(path, before, [owner])
    })
    const claimed = await this.#live.claim(path, owner)
    this.#noteClaim(path, before, await this.#live.owners(path))
    return claimed
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    this.#needLife()
    return this.#live.owners(path)
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    const before = await this.#live.owners(path)
    const after = before.filter((other) => other !== owner)
    this.#operation(() => this.#noteClaim(path, before, after))
    await this.#live.unclaim(path, owner)
    this.#noteClaim(path, before, after)
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    const before = await this.#live.owners(path)
    this.#operation(() => {
      if (before.includes(from)) this.#noteClaim(path, before, [to])
    })
    const passed = await this.#live.passClaim(path, from, to)
    this.#noteClaim(path, before, await this.#live.owners(path))
    return passed
  }

  async freeBytes(): Promise<number | undefined> {
    this.#needLife()
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** What a crash before this point decided is past: every file has one outcome. */
  async #settle(): Promise<void> {
    const folders = [storePath('')]
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const { path, kind } of this.#live.list(folder)) {
        if (kind === 'folder') folders.push(path)
        else this.#outcomes.set(path, [await this.#live.read(path)])
      }
    }
  }

  #needLife(): void {
    if (this.#dead) throw new StoreDied('the store has died')
  }

  /** Counts; at the fatal one `halfDone` adds what the call may already have done. */
  #operation(halfDone: () => void): void {
    this.#needLife()
    const number = this.#operations
    this.#operations += 1
    if (number < this.#dieAt) return
    halfDone()
    this.#dead = true
    throw new StoreDied(`the store died in operation ${number}`)
  }

  #present(path: StorePath): Outcome {
    return this.#outcomes.get(path)?.at(-1)
  }

  #add(path: StorePath, ...outcomes: readonly Outcome[]): void {
    const before = this.#outcomes.get(path) ?? [undefined]
    this.#outcomes.set(path, [...before, ...outcomes])
  }

  #leaveTemporary(path: StorePath, bytes: Uint8Array): void {
    const unsealed = new Unsealed()
    unsealed.parts.push(bytes)
    this.#add(path, unsealed)
  }

  #noteClaim(path: StorePath, before: readonly string[], after: readonly string[]): void {
    this.#claims.set(path, [...(this.#claims.get(path) ?? [before]), after])
  }
}

interface Fate {
  readonly operation: (halfDone: () => void) => void
  readonly sealing: (bytes: Uint8Array) => void
  readonly sealed: (bytes: Uint8Array) => void
}

class CrashAppendFile implements AppendFile {
  readonly #file: AppendFile
  readonly #unsealed: Unsealed
  readonly #fate: Fate

  constructor(file: AppendFile, unsealed: Unsealed, fate: Fate) {
    this.#file = file
    this.#unsealed = unsealed
    this.#fate = fate
  }

  get size(): number {
    return this.#file.size
  }

  async write(...parts: readonly Uint8Array[]): Promise<void> {
    const note = (): void => {
      for (const part of parts) this.#unsealed.parts.push(copyBytes(part))
    }
    this.#fate.operation(note)
    await this.#file.write(...parts)
    note()
  }

  async flush(): Promise<void> {
    await this.#file.flush()
  }

  async seal(): Promise<void> {
    const bytes = concatBytes(...this.#unsealed.parts)
    this.#fate.operation(() => this.#fate.sealing(bytes))
    await this.#file.seal()
    this.#fate.sealed(bytes)
  }

  async abandon(): Promise<void> {
    await this.#file.abandon()
  }
}

/** S3: lost, whole, cut anywhere, cut at a sector, or whole in length with sectors that never reached the disk. */
function whatIsLeft(
  unsealed: Unsealed,
  forgetting: Forgetting,
  chance: (below: number) => number,
): Uint8Array | undefined {
  const bytes = concatBytes(...unsealed.parts)
  if (forgetting === 'nothing') return bytes
  if (forgetting === 'everything') return undefined
  const cut = chance(bytes.length + 1)
  switch (chance(5)) {
    case 0:
      return undefined
    case 1:
      return bytes
    case 2:
      return bytes.slice(0, cut)
    case 3:
      return bytes.slice(0, cut - (cut % sectorSize))
    default:
      for (let at = 0; at < bytes.length; at += sectorSize) {
        if (chance(2) === 0) bytes.fill(0, at, at + sectorSize)
      }
      return bytes
  }
}

/** Folders list in no particular order. */
function shuffled<T>(items: readonly T[], chance: (below: number) => number): readonly T[] {
  return items
    .map((item) => ({ item, turn: chance(2 ** 31) }))
    .sort((a, b) => a.turn - b.turn)
    .map(({ item }) => item)
}

/** mulberry32: the same seed gives the same crash on every machine. */
function makeChance(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

async function collect(content: FileContent): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of contentPieces(content)) pieces.push(copyBytes(piece))
  return concatBytes(...pieces)
}
