/**
 * One item of an archive onto the file system.
 *
 * Per item of the archive, in order: `extraction.links.passOver(item)` if it is not wanted, else
 * `resolved = extraction.links.resolve(item)` and `extractItem(extraction, resolved, content of resolved)`. Folders get
 * their attributes from `restoreFolder` once their content is there, deepest first.
 * Failures are FileProblems, to be shown with `fileWarning(item.path, error)`; anything else ends the extraction.
 * Source: cli/commands.md §3, format/objects.md §6, §7.
 */
import { encodeText } from '../base/text.ts'
import { classify, isDamaged, type Item, type ItemShape } from '../archive/item.ts'
import { asFileProblem, during, FileProblem, isFileProblem, makeSystemErrorNamed } from '../base/errno.ts'
import type { NativePath, OutputFile } from '../platform/file-system.ts'
import type { Extraction } from './extraction.ts'
import { restoreMetadata } from './restore-metadata.ts'
import { safeParts, stripComponents } from './safe-path.ts'
import { lookAt } from './target-folders.ts'
import { writeContent } from './write-content.ts'

/** 'skipped': nothing is left of the path after --strip-components. */
export type ExtractOutcome = 'extracted' | 'skipped'

/**
 * Creates the item; never outside the target. What is there already is removed first, except folders with content, which
 * are kept when the item is a folder. `content` is read only for regular files.
 * @throws FileProblem; also after the item was extracted, when its content is known to be incomplete ('BackupError')
 */
export async function extractItem(
  extraction: Extraction,
  item: Item,
  content: AsyncIterable<Uint8Array>,
): Promise<ExtractOutcome> {
  const path = stripComponents(item.path, extraction.target.stripComponents ?? 0)
  if (path === undefined) return 'skipped'
  const parts = safeParts(path)
  const name = parts.at(-1)
  const shape = classify(item)
  if (name === undefined) {
    // The destination itself: it exists, and can only be a folder.
    if (shape.kind !== 'directory') throw new FileProblem('BackupPathTraversalError')
    return 'extracted'
  }
  const shown = extraction.shown(path)
  if (shape.kind === 'hardlink') return extractLink(extraction, item, { parts, name, shown, to: shape.to })
  extraction.folders.goTo(parts.slice(0, -1), { create: true, shown })
  const place = extraction.folders.pathOf(name)
  const keptFolder = clearPlace(extraction, place, { operation: creationWords[shape.kind], shown, shape })
  await create(extraction, item, { shape, place, shown, content, keptFolder })
  return 'extracted'
}

/**
 * Attributes of a folder item; call when its content has been extracted, deepest folders first.
 * @throws FileProblem, operation 'attrs'
 */
export function restoreFolder(extraction: Extraction, item: Item): void {
  const path = stripComponents(item.path, extraction.target.stripComponents ?? 0)
  if (path === undefined) return
  const shown = extraction.shown(path)
  extraction.folders.goTo(safeParts(path), { create: false, shown })
  during('attrs', shown, () =>
    restoreMetadata(extraction.target.files, extraction.folders.folder, item, extraction.target, (line) =>
      extraction.warn(line),
    ),
  )
}

interface Creation {
  readonly shape: ItemShape
  /** Where, valid while the extraction stays in the folder. */
  readonly place: NativePath
  readonly shown: string
  readonly content: AsyncIterable<Uint8Array>
  readonly keptFolder: boolean
}

async function create(extraction: Extraction, item: Item, creation: Creation): Promise<void> {
  const { files } = extraction.target
  const { shape, place, shown } = creation
  switch (shape.kind) {
    case 'directory':
      // Private until restoreFolder says otherwise.
      if (!creation.keptFolder) during('makedirs', shown, () => files.createFolder(place, 0o700))
      return
    case 'file':
      return await createFile(extraction, item, creation)
    case 'symlink':
      during('symlink', shown, () => files.createSymlink(linkText(shape.target), place))
      break
    case 'fifo':
      during('mkfifo', shown, () => files.createFifo(place))
      break
    case 'device':
      during('mknod', shown, () => files.createDevice(place, item.mode, shape.rawDevice))
      break
    case 'hardlink':
      throw new RangeError('hard links are made by extractLink')
    case 'other':
      throw new FileProblem('BackupError', [`unknown item type ${item.mode.toString(8)}`])
  }
  // From here on it is there, whatever its attributes or content lack: its other names can link to it.
  extraction.links.placed(item)
  during('attrs', shown, () => restore(extraction, place, item))
}

async function createFile(extraction: Extraction, item: Item, creation: Creation): Promise<void> {
  const { files } = extraction.target
  const { place, shown } = creation
  using output = during('open', shown, () => files.createFile(place))
  const size = await writeOrDiscard(extraction, output, creation)
  extraction.links.placed(item)
  during('truncate_and_attrs', shown, () => {
    output.finish()
    restore(extraction, output, item)
    output.close()
  })
  requireUndamaged(item)
  if (item.size !== undefined && item.size !== size) {
    throw new FileProblem('BackupError', [`Size inconsistency detected: size ${item.size}, chunks size ${size}`])
  }
}

/** @throws FileProblem 'BackupError' when a repair put zeros in place of lost content: what was read is not what was saved. */
export function requireUndamaged(item: Item): void {
  if (!isDamaged(item)) return
  throw new FileProblem('BackupError', ['File has damaged (all-zero) chunks. Try running borg check --repair.'])
}

/** Half a file under its name would pass for the whole one: what cannot be completed is taken away. */
async function writeOrDiscard(extraction: Extraction, output: OutputFile, creation: Creation): Promise<number> {
  const { files, sparse } = extraction.target
  try {
    return await writeContent(output, creation.content, { sparse, fileName: creation.shown })
  } catch (error) {
    output.close()
    try {
      files.removeFile(creation.place)
    } catch {
      // The first error says more than this one.
    }
    throw error
  }
}

function restore(extraction: Extraction, place: Parameters<typeof restoreMetadata>[1], item: Item): void {
  restoreMetadata(extraction.target.files, place, item, extraction.target, (line) => extraction.warn(line))
}

/** What is being done when an item cannot be created. */
const creationWords: Readonly<Record<ItemShape['kind'], string>> = {
  directory: 'makedirs',
  file: 'open',
  symlink: 'symlink',
  hardlink: 'link',
  fifo: 'mkfifo',
  device: 'mknod',
  other: 'open',
}

/** Makes room for an item; true when a folder is there that the item, a folder too, can use. */
function clearPlace(
  extraction: Extraction,
  place: NativePath,
  what: { readonly operation: string; readonly shown: string; readonly shape: ItemShape },
): boolean {
  const { files } = extraction.target
  return during(what.operation, what.shown, () => {
    const present = lookAt(files, place)
    if (present === undefined) return false
    if (present.kind !== 'directory') {
      files.removeFile(place)
      return false
    }
    if (what.shape.kind === 'directory') return true
    try {
      files.removeFolder(place)
    } catch {
      // Has content: borg stumbles over it when it opens or makes the item, and so it says.
      throw makeSystemErrorNamed(what.shape.kind === 'file' ? 'EISDIR' : 'EEXIST', what.operation)
    }
    return false
  })
}

interface LinkCreation {
  readonly parts: readonly string[]
  readonly name: string
  readonly shown: string
  /** The archived path of the first name. */
  readonly to: string
}

function extractLink(extraction: Extraction, item: Item, link: LinkCreation): ExtractOutcome {
  const { files, stripComponents: stripped = 0 } = extraction.target
  const { parts, name, shown } = link
  const first = extraction.links.find(link.to)
  const firstPath = first && stripComponents(first.path, stripped)
  if (first === undefined || firstPath === undefined) throw new FileProblem('BackupHardlinkSourceError')
  if (!first.placed) throw asFileProblem('link', shown, makeSystemErrorNamed('ENOENT', 'link'))
  const firstParts = safeParts(firstPath)
  // The same root given twice to create: the second name is the first.
  if (firstParts.join('/') === parts.join('/')) return 'extracted'
  const existing = findFirstName(extraction, firstParts, shown)
  extraction.folders.goTo(parts.slice(0, -1), { create: true, shown })
  const place = extraction.folders.pathOf(name)
  clearPlace(extraction, place, { operation: 'link', shown, shape: classify(item) })
  during('link', shown, () => files.createLink(existing, place))
  return 'extracted'
}

/** The path of a name extracted before. It must still be a file in real folders: nobody links to what a symlink hides. */
function findFirstName(extraction: Extraction, parts: readonly string[], shown: string): NativePath {
  const { linkFolders } = extraction
  try {
    linkFolders.goTo(parts.slice(0, -1), { create: false, shown })
  } catch (error) {
    if (isFileProblem(error)) throw new FileProblem('BackupHardlinkSourceError', [], { cause: error })
    throw error
  }
  const path = linkFolders.pathOf(parts.at(-1) ?? '')
  const stat = during('link', shown, () => extraction.target.files.lstat(path))
  if (stat.kind === 'symlink' || stat.kind === 'directory') throw new FileProblem('BackupHardlinkSourceError')
  return path
}

function linkText(target: string): Uint8Array {
  if (target.includes('\0')) throw new FileProblem('BackupError', ['symlink target contains a null byte'])
  return encodeText(target)
}
