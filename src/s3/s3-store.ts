/**
 * A Store in a bucket of any S3-compatible service. A file is an object of the same name below the prefix, so that a copy
 * of the bucket is a repository that borg opens. Folders are what the names say; nobody makes or removes them.
 *
 * Decisions: docs/decisions/027-s3.md. Objects appear whole and are durable when the service says so, which makes S2, S4
 * and S5 simple; S7 stores all contents as uploads nobody sees, and shows them one after the other.
 */
import { BorgError } from '../base/errors.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import {
  type AppendFile,
  contentPieces,
  type FileContent,
  type NewFile,
  onePart,
  type RootState,
  type Store,
  type StoreEntry,
  StoreNotFound,
  type StoreTraits,
} from '../store/store.ts'
import { openChildren } from '../store/open-files.ts'
import type { S3Place } from './address.ts'
import { S3AppendFile } from './append-file.ts'
import { S3Claims } from './claims.ts'
import { S3Client, type S3ClientOptions } from './client.ts'
import { S3Failure, told } from './failure.ts'
import { S3Objects } from './objects.ts'
import { PartUpload } from './part-upload.ts'

export interface S3StoreOptions extends S3ClientOptions {
  /** For segments; everything else is read too often. Default: the bucket's own, STANDARD. */
  readonly storageClass?: string | undefined
  /** In bytes, at least 5 MiB as S3 demands. About three parts of an open segment are in memory. Default 8 MiB. */
  readonly partSize?: number | undefined
}

const partSizeDefault = 8 * 1024 * 1024
const partSizeMin = 5 * 1024 * 1024
/** Large contents are taken in steps, so that a second copy of them never is in memory. */
const pieceSize = 1024 * 1024
/** Hours to read anything back: borg's format cannot wait that long. */
const offlineClasses: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE'])

export class S3Store implements Store {
  readonly name: string
  readonly place: string
  readonly #where: S3Place
  readonly #options: S3StoreOptions
  readonly #client: S3Client
  readonly #objects: S3Objects
  readonly #claims: S3Claims
  readonly #partSize: number
  readonly #open = new Map<StorePath, S3AppendFile>()
  readonly #isAround: boolean
  #isMade = false

  /** Touches nothing. @throws BorgError 'CommandError' for options that make no sense. */
  constructor(where: S3Place, options: S3StoreOptions, role: 'repository' | 'around one' = 'repository') {
    this.#where = where
    this.#options = options
    this.#client = new S3Client(where, options)
    this.#objects = new S3Objects(this.#client)
    this.#claims = new S3Claims(this.#objects)
    this.name = this.#client.address.name
    this.place = this.#client.address.identity
    this.#isAround = role === 'around one'
    this.#partSize = options.partSize ?? partSizeDefault
    if (!Number.isInteger(this.#partSize) || this.#partSize < partSizeMin) {
      throw new BorgError('CommandError', [`${this.name}: the part size must be at least ${partSizeMin} bytes`])
    }
    if (options.storageClass !== undefined && offlineClasses.has(options.storageClass)) {
      throw new BorgError('CommandError', [
        `${this.name}: objects of storage class ${options.storageClass} cannot be read at once, so no backup could be made or restored`,
      ])
    }
  }

  /** `claims` is known after the first claim, and 'advisory' until then. */
  get traits(): StoreTraits {
    return { cheapSmallReads: false, claims: this.#claims.areAtomic ? 'atomic' : 'advisory' }
  }

  /** Requests sent so far, repeated ones included: what services count and charge for. */
  get requests(): number {
    return this.#client.requests
  }

  root(): Promise<RootState> {
    return told(async () => {
      const { prefix } = this.#client.address
      try {
        for await (const { objects, folders } of this.#objects.list(prefix, { limit: 2 })) {
          // Consoles and sync tools leave an empty object in the name of the folder itself.
          if (objects.some(({ key }) => key !== prefix) || folders.length > 0) return 'occupied'
        }
      } catch (error) {
        if (!(error instanceof S3Failure)) throw error
        if (error.s3Code === 'NoSuchBucket') return 'missing'
        if (error.s3Code === 'AccessDenied' || (error.status === 403 && error.s3Code === '')) return 'denied'
        throw error
      }
      return this.#isMade ? 'empty' : 'missing'
    })
  }

  /** Makes nothing: names need no folder. @throws BorgError 'Error' when there is no such bucket: it is never made here. */
  async createRoot(): Promise<void> {
    await told(async () => {
      try {
        for await (const _page of this.#objects.list(this.#client.address.prefix, { limit: 1 })) break
      } catch (error) {
        if (!(error instanceof S3Failure) || error.s3Code !== 'NoSuchBucket') throw error
        const { bucket } = this.#client.address
        throw this.#client.failure(
          404,
          error.s3Code,
          'opening',
          undefined,
          `there is no bucket '${bucket}'; make it first`,
        )
      }
    })
    this.#isMade = true
  }

  parent(): Store | undefined {
    const { prefix } = this.#where
    if (prefix === '') return undefined
    const around = { ...this.#where, prefix: prefix.slice(0, Math.max(0, prefix.lastIndexOf('/'))) }
    return new S3Store(around, this.#options, 'around one')
  }

  async *list(folder: StorePath): AsyncGenerator<StoreEntry> {
    const prefix = this.#client.address.key(folder === '' ? '' : `${folder}/`)
    const found = await told(() => this.#listed(prefix))
    for (const child of openChildren(folder, this.#open)) found.set(child.path, child)
    yield* found.values()
  }

  async stat(path: StorePath): Promise<StoreEntry | undefined> {
    const open = this.#open.get(path)
    if (open !== undefined) return { path, kind: 'file', size: open.size }
    return told(async () => {
      const found = await this.#objects.head(this.#key(path))
      if (found !== undefined) return { path, kind: 'file', size: found.size }
      for await (const { objects, folders } of this.#objects.list(`${this.#key(path)}/`, { limit: 1 })) {
        if (objects.length + folders.length > 0) return { path, kind: 'folder', size: 0 }
      }
      return undefined
    })
  }

  async read(path: StorePath, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const open = this.#open.get(path)
    if (open !== undefined) return open.read(range)
    const found = await told(async () => {
      try {
        return await this.#objects.get(this.#key(path), range)
      } catch (error) {
        // Looking upward for a repository around ours, we may meet what is none of our business.
        if (this.#isAround && error instanceof S3Failure && [403, 404].includes(error.status)) return undefined
        throw error
      }
    })
    if (found === undefined) throw new StoreNotFound(path, this.name)
    return found.bytes
  }

  async write(path: StorePath, content: FileContent): Promise<void> {
    await told(async () => {
      const upload = this.#upload(path, false)
      try {
        await fill(upload, content)
        await upload.complete()
      } catch (error) {
        await quietly(() => upload.abandon())
        throw error
      }
    })
  }

  async writeInOrder(files: readonly NewFile[]): Promise<void> {
    await told(async () => {
      const uploads: PartUpload[] = []
      try {
        for (const { path, content } of files) {
          const upload = this.#upload(path, false)
          uploads.push(upload)
          await fill(upload, content)
        }
        await Promise.all(uploads.map((upload) => upload.store()))
        while (uploads[0] !== undefined) {
          await uploads[0].complete()
          uploads.shift()
        }
      } catch (error) {
        for (const upload of uploads) await quietly(() => upload.abandon())
        throw error
      }
    })
  }

  async append(path: StorePath): Promise<AppendFile> {
    if (this.#open.has(path) || (await told(() => this.#objects.head(this.#key(path)))) !== undefined) {
      const message = `EEXIST: file already exists, open '${this.name}/${path}'`
      throw Object.assign(new Error(message), { code: 'EEXIST', path: `${this.name}/${path}` })
    }
    const file = new S3AppendFile(this.#objects, this.#upload(path, this.#claims.areAtomic), () => {
      if (this.#open.get(path) === file) this.#open.delete(path)
    })
    this.#open.set(path, file)
    return file
  }

  async remove(path: StorePath): Promise<void> {
    await told(() => this.#objects.delete(this.#key(path)))
  }

  /** Nothing to do: a folder without files is not there. */
  async removeEmptyFolders(): Promise<void> {}

  async removeAll(): Promise<void> {
    await told(async () => {
      for await (const { objects } of this.#objects.list(this.#client.address.prefix)) {
        await this.#objects.deleteMany(objects.map(({ key }) => key))
      }
    })
    this.#isMade = false
  }

  claim(path: StorePath, owner: string): Promise<boolean> {
    return told(() => this.#claims.claim(path, onePart(owner)))
  }

  owners(path: StorePath): Promise<readonly string[]> {
    return told(() => this.#claims.owners(path))
  }

  unclaim(path: StorePath, owner: string): Promise<void> {
    return told(() => this.#claims.unclaim(path, onePart(owner)))
  }

  passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    return told(() => this.#claims.passClaim(path, onePart(from), onePart(to)))
  }

  async freeBytes(): Promise<number | undefined> {
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#open.values()) await file.abandon()
    this.#client.close()
  }

  #key(path: StorePath): string {
    return this.#client.address.key(path)
  }

  #upload(path: StorePath, ifAbsent: boolean): PartUpload {
    const storageClass = path.startsWith('data/') ? this.#options.storageClass : undefined
    return new PartUpload(this.#objects, this.#key(path), { partSize: this.#partSize, storageClass, ifAbsent })
  }

  async #listed(prefix: string): Promise<Map<StorePath, StoreEntry>> {
    const found = new Map<StorePath, StoreEntry>()
    const add = (key: string, kind: StoreEntry['kind'], size: number): void => {
      const path = this.#pathOf(key)
      if (path !== undefined) found.set(path, { path, kind, size })
    }
    for await (const { objects, folders } of this.#objects.list(prefix, { delimiter: '/' })) {
      for (const { key, size } of objects) if (key !== prefix) add(key, 'file', size)
      for (const folder of folders) add(folder.slice(0, -1), 'folder', 0)
    }
    return found
  }

  /** Undefined for keys that no file can have: somebody else's. */
  #pathOf(key: string): StorePath | undefined {
    try {
      return storePath(this.#client.address.relative(key))
    } catch {
      return undefined
    }
  }
}

async function fill(upload: PartUpload, content: FileContent): Promise<void> {
  for await (const piece of contentPieces(content)) {
    for (let at = 0; at < piece.length; at += pieceSize) {
      await upload.ready()
      upload.add(piece.subarray(at, at + pieceSize))
    }
  }
}

async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch {
    // What failed before it is what people need to know.
  }
}
