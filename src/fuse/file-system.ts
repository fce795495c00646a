/**
 * What the kernel asks, answered out of a tree.
 */
import type { NodeAttributes, ReadOnlyTree } from '../archive/tree.ts'
import { concatBytes } from '../base/bytes.ts'
import { isBorgError } from '../base/errors.ts'
import { errnoTable } from '../base/errno-table.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { decodeText, encodeText } from '../base/text.ts'
import {
  encodeAttributes,
  encodeEntry,
  encodeInit,
  encodeOpen,
  encodeStatfs,
  encodeXattrSize,
  type FolderEntry,
  FolderPage,
  features,
  type InitRequest,
  linkTargetSizeMax,
  openFlags,
  protocolVersion,
  type ReadRequest,
  readSizeMax,
  type Request,
  rootNode,
} from './protocol.ts'

export interface ServeOptions {
  /** Let files be read of which a repair replaced parts by zeros; otherwise opening them fails. */
  readonly allowDamagedFiles?: boolean | undefined
}

/** 'none' for requests that want no answer. */
export type Answer =
  | { readonly kind: 'done'; readonly body: Uint8Array }
  | { readonly kind: 'failed'; readonly errno: number }
  | { readonly kind: 'none' }

const wantedFeatures =
  features.asyncRead |
  features.exportSupport |
  features.readdirPlus |
  features.parallelDirectoryOperations |
  features.maxPages |
  features.cacheSymlinks

const nothing: Answer = { kind: 'none' }
const dot = 0x2e

export class TreeFileSystem {
  readonly #tree: ReadOnlyTree
  readonly #options: ServeOptions
  readonly #run: RunOptions

  /** @throws RangeError for a tree whose root is not called as the kernel calls it. */
  constructor(tree: ReadOnlyTree, options: ServeOptions, run: RunOptions) {
    if (tree.root !== rootNode) throw new RangeError(`the root must be node ${rootNode}, not ${tree.root}`)
    this.#tree = tree
    this.#options = options
    this.#run = run
  }

  /** Never throws: what fails is told as an event and answered with an error number. */
  async answer(request: Request): Promise<Answer> {
    try {
      return await this.#answer(request)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      // Objects that are lost are news for the user; anything else is a mistake of ours, and must not end the mount.
      reportLog(this.#run, isBorgError(error) ? 'warning' : 'error', text)
      return failed('EIO')
    }
  }

  async #answer(request: Request): Promise<Answer> {
    const { node } = request
    switch (request.kind) {
      case 'init':
        return this.#init(request)
      case 'lookup':
        return await this.#lookup(node, request.name)
      case 'getattr':
        return done(encodeAttributes(this.#tree.attributes(node)))
      case 'readlink':
        return await this.#linkTarget(node)
      case 'open':
        return this.#open(node, request.flags)
      case 'opendir':
        await this.#tree.list(node)
        return done(encodeOpen(openFlags.keepCache | openFlags.cacheFolder))
      case 'read':
        return done(await this.#tree.read(node, request.offset, Math.min(request.size, readSizeMax)))
      case 'readdir':
      case 'readdirplus':
        return await this.#list(request)
      case 'getxattr':
        return sized((await this.#tree.xattrs(node)).get(decodeText(request.name)), request.size)
      case 'listxattr':
        return sized(nameList((await this.#tree.xattrs(node)).keys()), request.size)
      case 'access':
        return (request.mask & 2) === 0 ? done() : failed('EROFS')
      case 'statfs':
        return done(encodeStatfs())
      case 'release':
      case 'releasedir':
      case 'destroy':
        return done()
      case 'forget':
      case 'batch-forget':
      case 'interrupt':
        return nothing
      case 'writing':
        return failed('EROFS')
      case 'flush':
      case 'unknown':
        return failed('ENOSYS')
    }
  }

  /** Archives from elsewhere may hold targets that no Linux has. */
  async #linkTarget(node: number): Promise<Answer> {
    const target = await this.#tree.linkTarget(node)
    return target.length > linkTargetSizeMax ? failed('ENAMETOOLONG') : done(target)
  }

  #init({ major, minor, readAhead, flags }: InitRequest): Answer {
    if (major < protocolVersion.major) return failed('EPROTO')
    const reply = { minor: Math.min(minor, protocolVersion.minor), readAhead, flags: flags & wantedFeatures }
    // A newer major version asks again in ours once it has seen the answer.
    return done(encodeInit(major > protocolVersion.major ? { ...reply, flags: 0 } : reply))
  }

  async #lookup(folder: number, name: Uint8Array): Promise<Answer> {
    const found = isDots(name, 1)
      ? folder
      : isDots(name, 2)
        ? this.#tree.parent(folder)
        : await this.#tree.lookup(folder, name)
    return done(encodeEntry(found === undefined ? undefined : this.#tree.attributes(found)))
  }

  #open(node: number, flags: number): Answer {
    const accessMode = 3
    if ((flags & accessMode) !== 0) return failed('EROFS')
    if (this.#tree.attributes(node).damaged && this.#options.allowDamagedFiles !== true) {
      const hint = 'Try running borg check --repair. Mount with allow_damaged_files to read damaged files.'
      reportLog(this.#run, 'warning', `File has damaged (all-zero) chunks. ${hint}`)
      return failed('EIO')
    }
    return done(encodeOpen(openFlags.keepCache))
  }

  async #list({ node, kind, offset, size }: ReadRequest): Promise<Answer> {
    const plus = kind === 'readdirplus'
    const page = new FolderPage(Math.min(size, readSizeMax), { plus })
    for (const [entry, attributes] of await this.#entries(node, offset)) {
      if (!page.add(entry, entry.name[0] === dot && isDotEntry(entry) ? undefined : attributes)) break
    }
    return done(page.bytes)
  }

  /** After `offset`: 1 is after '.', 2 after '..', others are positions of the tree moved up by two. */
  async #entries(node: number, offset: number): Promise<Iterable<readonly [FolderEntry, NodeAttributes]>> {
    const tree = this.#tree
    const listed = await tree.list(node, Math.max(0, offset - 2))
    return (function* () {
      if (offset < 1) yield withAttributes(tree, { name: dots[0], node, position: 1 })
      if (offset < 2) yield withAttributes(tree, { name: dots[1], node: tree.parent(node), position: 2 })
      for (const entry of listed) yield withAttributes(tree, { ...entry, position: entry.position + 2 })
    })()
  }
}

const dots = [Uint8Array.of(dot), Uint8Array.of(dot, dot)] as const

function isDotEntry({ name }: FolderEntry): boolean {
  return isDots(name, 1) || isDots(name, 2)
}

function isDots(name: Uint8Array, count: number): boolean {
  return name.length === count && name.every((byte) => byte === dot)
}

function withAttributes(tree: ReadOnlyTree, entry: Omit<FolderEntry, 'mode'>): readonly [FolderEntry, NodeAttributes] {
  const attributes = tree.attributes(entry.node)
  return [{ ...entry, mode: attributes.mode }, attributes]
}

function nameList(names: Iterable<string>): Uint8Array {
  const end = Uint8Array.of(0)
  return concatBytes(...[...names].flatMap((name) => [encodeText(name), end]))
}

/** The kernel first asks how much there is, with a size of 0. */
function sized(value: Uint8Array | undefined, size: number): Answer {
  if (value === undefined) return failed('ENODATA')
  if (size === 0) return done(encodeXattrSize(value.length))
  return value.length > size ? failed('ERANGE') : done(value)
}

function done(body: Uint8Array = new Uint8Array(0)): Answer {
  return { kind: 'done', body }
}

/** The protocol speaks Linux's numbers. */
function failed(code: keyof typeof errnoTable): Answer {
  return { kind: 'failed', errno: errnoTable[code]?.[0] ?? 5 }
}
