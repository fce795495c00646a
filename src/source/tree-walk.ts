/**
 * One root and all below it: the loop of `walk`.
 *
 * A frame per open folder, no recursion. Per entry: pattern verdict, lstat, skip lists, nodump, then store; a folder is
 * opened, asked for tags, stored, listed, and its frame pushed.
 */
import { decodeText, encodeText } from '../base/text.ts'
import { during, FileProblem, fileWarning } from '../base/errno.ts'
import { fileFlags } from '../platform/file-flags.ts'
import type { FileSystem, NativePath, OpenFile, OpenOptions, Stat } from '../platform/file-system.ts'
import { FolderChain } from '../platform/folder-chain.ts'
import { borrowedEntry, type OpenedEntry, openEntry } from './entry.ts'
import { findTags } from './exclude-tags.ts'
import { inodeOrder } from './folder-order.ts'
import { joinWalked, storedPath } from './safe-path.ts'
import type { SourceEntry, WalkContext, WalkStep } from './walk-step.ts'

/** Something with a name that is yet to be looked at. */
export interface Found {
  readonly walkedPath: string
  readonly nativePath: NativePath
  /** For error texts: the bare name, for roots the walked path. */
  readonly fileName: string
}

/** A folder being walked. */
interface Frame {
  readonly walkedPath: string
  names: readonly Uint8Array[]
  next: number
  /** What to say when the children are done; undefined (a folder only passed through) says nothing. */
  status: 'd' | 'x' | 'E' | undefined
}

type Steps = Generator<WalkStep, void, undefined>

/** Warning and 'E' for a file that could not be handled. @throws `error` itself when it is none of a file's */
export function problemSteps(path: string, error: unknown): readonly [WalkStep, WalkStep] {
  const warning = fileWarning(path, error)
  if (warning === undefined) throw error
  return [
    { step: 'warning', ...warning },
    { step: 'status', status: 'E', path },
  ]
}

export class TreeWalk {
  readonly #context: WalkContext
  readonly #strippedPrefix: string | undefined
  /** Descend only here, when given. */
  readonly #device: bigint | undefined
  readonly #frames: Frame[] = []
  #chain: FolderChain | undefined

  constructor(context: WalkContext, limits: { strippedPrefix: string | undefined; device: bigint | undefined }) {
    this.#context = context
    this.#strippedPrefix = limits.strippedPrefix
    this.#device = limits.device
  }

  *walk(root: Found): Steps {
    try {
      yield* this.#visit(root)
      for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
        this.#context.run.signal?.throwIfAborted()
        const name = frame.names[frame.next++]
        if (name === undefined) yield* this.#closeFrame()
        else yield* this.#visit(this.#child(frame, name))
      }
    } finally {
      this.#chain?.close()
    }
  }

  /** One entry by itself, whatever it is: no patterns, no descent. @throws FileProblem */
  *storeOnly(found: Found, stat: Stat): Steps {
    if (stat.kind !== 'directory') {
      yield* this.#leaf(found, stat)
      return
    }
    using folder = this.#openFolder(found, stat)
    const frame: Frame = { walkedPath: found.walkedPath, names: [], next: 0, status: 'd' }
    yield this.#folderStep(found, folder, frame)
    yield* statusOf(frame)
  }

  #child(frame: Frame, name: Uint8Array): Found {
    const fileName = decodeText(name)
    return {
      walkedPath: joinWalked(frame.walkedPath, fileName),
      nativePath: this.#openChain().pathOf(name),
      fileName,
    }
  }

  *#visit(found: Found): Steps {
    const { options } = this.#context
    const verdict = options.matcher.match(found.walkedPath)
    const passing = verdict !== 'include'
    if (passing) yield { step: 'status', status: 'x', path: found.walkedPath }
    // Not even looked at: that could fail or, on a dead mount point, never return.
    if (verdict === 'exclude-and-skip') return
    try {
      yield* this.#lookAndStore(found, passing)
    } catch (error) {
      const [warning, status] = problemSteps(found.walkedPath, error)
      yield warning
      if (!passing) yield status
    }
  }

  *#lookAndStore(found: Found, passing: boolean): Steps {
    const { files, options, skip, finished } = this.#context
    const stat = during('stat', found.fileName, () => files.lstat(found.nativePath))
    if (passing && stat.kind !== 'directory') return
    if (skip.has(stat) || finished.has(found.walkedPath, stat)) return
    if (options.excludeNodump && this.#isNodump(found, stat)) {
      if (!passing) yield { step: 'status', status: 'x', path: found.walkedPath }
      return
    }
    if (stat.kind === 'directory') yield* this.#folder(found, stat, passing)
    else yield* this.#leaf(found, stat)
  }

  *#folder(found: Found, expected: Stat, passing: boolean): Steps {
    const { files, options } = this.#context
    const folder = this.#openFolder(found, expected)
    let handedOver = false
    try {
      const descend = this.#device === undefined || expected.device === this.#device
      const tags = descend ? findTags(files, folder.file, options) : []
      const tagged = tags.length > 0
      if (tagged && (passing || !options.keepExcludeTags)) {
        if (!passing) yield { step: 'status', status: 'x', path: found.walkedPath }
        return
      }
      const frame: Frame = {
        walkedPath: found.walkedPath,
        names: [],
        next: 0,
        status: passing ? undefined : tagged ? 'x' : 'd',
      }
      if (!passing) yield this.#folderStep(found, folder, frame)
      if (descend) frame.names = tagged ? tags.map(encodeText) : this.#names(found, folder.file)
      handedOver = true
      this.#enter(folder, frame)
    } finally {
      if (!handedOver) folder.close()
    }
  }

  #openFolder(found: Found, expected: Stat): OpenedEntry {
    const { nativePath, fileName } = found
    return openEntry(this.#context.files, {
      nativePath,
      fileName,
      expected,
      operation: 'dir_open',
      options: { folder: true },
    })
  }

  /** The folder as an entry; its open file is the walk's own. */
  #folderStep(found: Found, folder: OpenedEntry, frame: Frame): WalkStep {
    const entry: SourceEntry = {
      ...this.#plainEntry(found, folder.found),
      open: () => borrowedEntry(folder),
      markFailed: () => {
        frame.status = 'E'
      },
    }
    return { step: 'entry', entry }
  }

  #names(found: Found, folder: OpenFile): readonly Uint8Array[] {
    const { files, options } = this.#context
    const entries = during('scandir', found.fileName, () => files.readFolder(folder))
    return inodeOrder(entries, (name) => {
      const walkedPath = joinWalked(found.walkedPath, decodeText(name))
      if (options.matcher.match(walkedPath) === 'exclude-and-skip') return undefined
      return files.lstat(files.pathInside(folder, name)).inode
    })
  }

  #enter(folder: OpenedEntry, frame: Frame): void {
    const owned = folder.file
    if (this.#chain === undefined) this.#chain = new FolderChain(this.#context.files, owned)
    else this.#chain.push(owned)
    this.#frames.push(frame)
  }

  *#closeFrame(): Steps {
    const frame = this.#frames.pop()
    if (frame === undefined) return
    yield* statusOf(frame)
    if (this.#frames.length === 0) return
    try {
      this.#openChain().leave()
    } catch (error) {
      // Only in trees deeper than we may have files open: a folder above was moved while we were below it.
      const problem = new FileProblem('BackupRaceConditionError', [], { cause: error })
      for (let above = this.#frames.pop(); above !== undefined; above = this.#frames.pop()) {
        yield* problemSteps(above.walkedPath, problem)
      }
    }
  }

  #openChain(): FolderChain {
    if (this.#chain === undefined) throw new RangeError('no folder is open')
    return this.#chain
  }

  *#leaf(found: Found, stat: Stat): Steps {
    const { files, options } = this.#context
    if (options.dryRun) {
      yield { step: 'entry', entry: this.#plainEntry(found, stat) }
      return
    }
    switch (stat.kind) {
      case 'file':
        yield this.#openableStep(found, stat, {})
        return
      case 'symlink': {
        const target = options.readSpecial ? specialTarget(files, found.nativePath) : undefined
        if (target === undefined) yield { step: 'entry', entry: this.#plainEntry(found, stat) }
        else yield this.#openableStep(found, target, { follow: true, special: true })
        return
      }
      case 'fifo':
      case 'character':
      case 'block':
        if (options.readSpecial) yield this.#openableStep(found, stat, { special: true })
        else yield { step: 'entry', entry: this.#plainEntry(found, stat) }
        return
      case 'socket':
        return
      case 'unknown':
        yield { step: 'warning', code: 'GenericWarning', args: [`Unknown file type: ${found.walkedPath}`] }
        return
      case 'directory':
        throw new RangeError('a folder is no leaf')
    }
  }

  #openableStep(found: Found, expected: Stat, options: OpenOptions): WalkStep {
    const { nativePath, fileName } = found
    const entry: SourceEntry = {
      ...this.#plainEntry(found, expected),
      readSpecial: options.special === true,
      open: () => openEntry(this.#context.files, { nativePath, fileName, expected, operation: 'open', options }),
    }
    return { step: 'entry', entry }
  }

  #plainEntry(found: Found, stat: Stat): SourceEntry {
    return {
      path: storedPath(found.walkedPath, this.#strippedPrefix),
      ...found,
      stat,
      readSpecial: false,
      markFailed: () => undefined,
    }
  }

  /** Flags need an open file; what cannot be opened has none that matter here. */
  #isNodump(found: Found, stat: Stat): boolean {
    if (stat.kind !== 'file' && stat.kind !== 'directory') return false
    try {
      using file = this.#context.files.openForBackup(found.nativePath)
      return (this.#context.files.readFlags(file, stat) & fileFlags.noDump) !== 0
    } catch {
      return false
    }
  }
}

function* statusOf(frame: Frame): Steps {
  if (frame.status !== undefined) yield { step: 'status', status: frame.status, path: frame.walkedPath }
}

/** --read-special follows symlinks to devices and FIFOs, and only to those. */
function specialTarget(files: FileSystem, path: NativePath): Stat | undefined {
  try {
    const target = files.stat(path)
    return target.kind === 'fifo' || target.kind === 'character' || target.kind === 'block' ? target : undefined
  } catch {
    return undefined
  }
}
