/**
 * One folder of one of rclone's remotes: its calls, and its errors in the words of a Store.
 */
import { BorgError } from '../base/errors.ts'
import { type Host, systemHost } from '../base/host.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { type StoreEntry, StoreNotFound } from '../store/store.ts'
import { brokenOff, RcClient, RcloneRefusal } from './rc-client.ts'
import { type RcloneDaemon, type RcloneProgram, startRclone } from './rclone-daemon.ts'
import type { Spool } from './spool.ts'

export interface RcloneOptions extends RcloneProgram {
  readonly host?: Host | undefined
}

/** A place as rclone names it: a remote of its configuration, and a path there. */
export interface RclonePlace {
  readonly remote: string
  readonly path: string
}

interface Server {
  readonly client: RcClient
  readonly daemon: RcloneDaemon
}

/** An entry as `operations/list` and `operations/stat` tell it. */
interface Item {
  readonly Path: string
  readonly Size: number
  readonly IsDir: boolean
}

/** Answers to a read that a file gives also while it is being replaced. */
const doubtful: ReadonlySet<number> = new Set([404, 416, brokenOff])

/** A file that is there and is refused so often cannot be read. */
const readRefusalsMax = 4

const plainListing = { noModTime: true, noMimeType: true }

export class RcloneRemote implements AsyncDisposable {
  readonly place: RclonePlace
  readonly name: string
  readonly #fs: string
  readonly #options: RcloneOptions
  readonly #signal: AbortSignal | undefined
  /** Who started rclone, and stops it; undefined: we do. */
  #lender: RcloneRemote | undefined
  #server: Promise<Server> | undefined
  #bucketBased: Promise<boolean> | undefined

  /** Starts nothing yet. */
  constructor(place: RclonePlace, options: RcloneOptions, signal: AbortSignal | undefined) {
    this.place = place
    this.#fs = `${place.remote}:${place.path}`
    this.name = `rclone:${this.#fs}`
    this.#options = options
    this.#signal = signal
  }

  /** Another place, served by the same rclone. */
  elsewhere(place: RclonePlace): RcloneRemote {
    const remote = new RcloneRemote(place, this.#options, this.#signal)
    remote.#lender = this.#lender ?? this
    return remote
  }

  /** Whether objects appear whole or not at all, and there are no folders. */
  isBucketBased(): Promise<boolean> {
    this.#bucketBased ??= this.call('operations/fsinfo', {}).then((info) => {
      const { Features } = info as { Features?: Readonly<Record<string, boolean>> }
      return Features?.['BucketBased'] === true
    })
    return this.#bucketBased
  }

  /** @throws StoreNotFound for a folder that is not there. */
  async list(folder: string): Promise<readonly StoreEntry[]> {
    const answer = await this.call('operations/list', { remote: folder, opt: plainListing })
    const { list } = answer as { list: readonly Item[] | null }
    return (list ?? []).map((item) => entryOf(item, storePath(item.Path)))
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const answer = await this.call('operations/stat', { remote: path, opt: plainListing })
    const { item } = answer as { item?: Item | null }
    return item === undefined || item === null ? undefined : entryOf(item, path)
  }

  /** @throws StoreNotFound */
  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const { client } = await this.#started()
    for (let refusals = 1; ; refusals++) {
      try {
        return await client.read(this.#fs, path, range)
      } catch (error) {
        if (!(error instanceof RcloneRefusal) || !doubtful.has(error.status)) throw this.#told(error, path)
        // rclone says "not found" to whatever goes wrong when it opens a file: what is not there must be asked for.
        const entry = await this.stat(path)
        if (entry === undefined) throw new StoreNotFound(path, this.name, { cause: error })
        if (range !== undefined && range.offset >= entry.size) return new Uint8Array(0)
        // Once may be chance: it was being replaced just then.
        if (refusals === readRefusalsMax) {
          const reason = `${path} cannot be read: rclone: ${error.message}`
          throw new BorgError('Error', [`${this.name}: ${reason}`], { cause: error })
        }
      }
    }
  }

  /** Complete when it resolves: the size is looked at, because a connection that breaks may look like an end. */
  async upload(path: StorePath, spool: Spool): Promise<void> {
    const { client } = await this.#started()
    const cut = path.lastIndexOf('/')
    const target = { fs: this.#fs, folder: cut < 0 ? '' : path.slice(0, cut), name: path.slice(cut + 1) }
    try {
      await client.upload(target, spool.content(), spool.size)
    } catch (error) {
      throw this.#told(error, path)
    }
    const stored = await this.stat(path)
    if (stored?.size !== spool.size) {
      throw new BorgError('Error', [
        `${this.name}: ${path} has ${stored?.size ?? 'no'} bytes after an upload of ${spool.size}`,
      ])
    }
  }

  /** Replaces what is at `to`; where there are folders, that is removed first. */
  async move(from: StorePath, to: StorePath): Promise<void> {
    await this.call('operations/movefile', { srcFs: this.#fs, srcRemote: from, dstFs: this.#fs, dstRemote: to })
  }

  /** @throws StoreNotFound | BorgError 'Error' */
  async call(command: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { client } = await this.#started()
    try {
      return await client.call(command, { fs: this.#fs, ...parameters })
    } catch (error) {
      throw this.#told(error, String(parameters['remote'] ?? ''))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    let started: Server
    try {
      started = await server
    } catch {
      return
    }
    started.client.close()
    await started.daemon[Symbol.asyncDispose]()
  }

  /** An error of rclone as users of a Store know errors; others as they are. */
  #told(error: unknown, path: string): unknown {
    if (!(error instanceof RcloneRefusal)) return error
    if (error.status === 404) return new StoreNotFound(path as StorePath, this.name, { cause: error })
    const what = path === '' ? this.name : `${this.name}: ${path}`
    return new BorgError('Error', [`${what}: rclone: ${error.message}`], { cause: error })
  }

  #started(): Promise<Server> {
    if (this.#lender !== undefined) return this.#lender.#started()
    this.#server ??= this.#start()
    return this.#server
  }

  async #start(): Promise<Server> {
    const daemon = await startRclone(this.#options, this.#options.host ?? systemHost, this.#signal)
    return { daemon, client: new RcClient(daemon, this.#signal) }
  }
}

function entryOf(item: Item, path: StorePath): StoreEntry {
  return { path, kind: item.IsDir ? 'folder' : 'file', size: item.IsDir ? 0 : item.Size }
}
