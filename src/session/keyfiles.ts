/**
 * Key files: finding the one of a repository, naming and writing new ones.
 *
 * A key file is found by its first line, whatever its name. BORG_KEY_FILE names the one file to use instead.
 * Source: format sheet crypto.md section 4, CLI contract common.md section 19, fixtures/vectors/parsing.json.
 */
import { basename, dirname } from 'node:path'
import { BorgError, isBorgError } from '../base/errors.ts'
import { type ObjectId, type StorePath, storePath } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { keyFileText, parseKeyFile } from '../crypto/key-blob.ts'
import type { Location } from '../location/location.ts'
import { LocalStore } from '../store/local-store.ts'
import type { Store } from '../store/store.ts'
import type { Directories } from './directories.ts'

/** Where key files are. */
export interface KeyFiles {
  /** The keys directory, or the folder of `only`. */
  readonly store: Store
  /** The directory as errors name it: an absolute path. */
  readonly directory: string
  /** The file BORG_KEY_FILE names, inside `store`: the only one that is read or written. */
  readonly only?: StorePath | undefined
}

/** The key files on this machine. */
export function localKeyFiles(directories: Pick<Directories, 'keys' | 'keyFile'>): KeyFiles {
  const { keys, keyFile } = directories
  if (keyFile === undefined) return { store: new LocalStore(keys), directory: keys }
  const directory = dirname(keyFile)
  return { store: new LocalStore(directory), directory, only: storePath(basename(keyFile)) }
}

export interface FoundKeyFile {
  readonly path: StorePath
  /** Its path for messages and prompts. */
  readonly where: string
  readonly blob: string
}

/** Larger files cannot be keys, and are not read. */
const keyFileSizeMax = 64 * 1024
const nameLengthMax = 100

/**
 * The key file of the repository; `location` is what errors call the repository.
 * @throws BorgError 'KeyfileNotFoundError'; 'KeyfileInvalidError' and 'KeyfileMismatchError' for BORG_KEY_FILE only.
 */
export async function findKeyFile(keyFiles: KeyFiles, repositoryId: ObjectId, location: string): Promise<FoundKeyFile> {
  const { only } = keyFiles
  const found =
    only === undefined
      ? await searchKeyFile(keyFiles, repositoryId, location)
      : await readKeyFile(keyFiles, only, repositoryId, location)
  if (found === undefined) {
    throw new BorgError('KeyfileNotFoundError', [
      location,
      only === undefined ? keyFiles.directory : whereIs(keyFiles, only),
    ])
  }
  return found
}

/**
 * Where the key of a new repository at `location` goes: a file that is not there yet.
 * @throws BorgError 'Error' when BORG_KEY_FILE names an existing one.
 */
export async function newKeyFile(keyFiles: KeyFiles, location: Location): Promise<StorePath> {
  const exists = async (path: StorePath): Promise<boolean> => (await keyFiles.store.stat(path)) !== undefined
  if (keyFiles.only !== undefined) {
    if (!(await exists(keyFiles.only))) return keyFiles.only
    throw new BorgError('Error', [`Aborting because key in "${whereIs(keyFiles, keyFiles.only)}" already exists.`])
  }
  const name = keyFileName(location)
  for (let number = 1; ; number++) {
    const path = storePath(number === 1 ? name : `${name}.${number}`)
    if (!(await exists(path))) return path
  }
}

/**
 * Where an imported key of the repository goes: over its present key file, else to a new one. Unlike borg, never over
 * the key of another repository or a file that is no key, should BORG_KEY_FILE name one.
 * @throws BorgError 'KeyfileMismatchError' | 'KeyfileInvalidError'
 */
export async function keyFileForImport(
  keyFiles: KeyFiles,
  repositoryId: ObjectId,
  names: { readonly location: Location; readonly shown: string },
): Promise<StorePath> {
  try {
    return (await findKeyFile(keyFiles, repositoryId, names.shown)).path
  } catch (error) {
    if (isBorgError(error, 'KeyfileNotFoundError')) return newKeyFile(keyFiles, names.location)
    throw error
  }
}

/** Writes the whole file, atomically, readable by its owner only. What it replaces is a secret and is overwritten. */
export async function saveKeyFile(
  keyFiles: KeyFiles,
  path: StorePath,
  repositoryId: ObjectId,
  blob: string,
): Promise<void> {
  // The keys directory is ours to make; the folder of a file that the user named is not.
  if (keyFiles.only === undefined) await keyFiles.store.createRoot({ parents: true })
  await keyFiles.store.write(path, encodeText(keyFileText(repositoryId, blob)), { secret: true })
}

/** Path of a key file for messages. */
export function whereIs(keyFiles: KeyFiles, path: StorePath): string {
  return `${keyFiles.directory.replace(/\/+$/, '')}/${path}`
}

/** What borg calls the key file of a repository: its path, and its host if it has one, in word characters. */
export function keyFileName(location: Location): string {
  const name = wordsOf(pathOf(location)).replace(/^_+|_+$/g, '')
  const host = hostOf(location)
  const full = host === undefined ? name : `${wordsOf(host)}__${name}`
  return [...full].slice(0, nameLengthMax).join('')
}

function pathOf(location: Location): string {
  switch (location.scheme) {
    case 'file':
    case 'ssh':
    case 'sftp':
    case 'rclone':
      return location.path
    case 's3':
      return location.prefix
  }
}

function hostOf(location: Location): string | undefined {
  switch (location.scheme) {
    case 'file':
      return undefined
    case 'ssh':
    case 'sftp':
      return location.host
    case 's3':
      return location.bucket
    case 'rclone':
      return location.remote
  }
}

/** Python's \W: everything but letters, numbers and the underscore, of any script. */
function wordsOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}_]/gu, '_')
}

async function searchKeyFile(
  keyFiles: KeyFiles,
  repositoryId: ObjectId,
  location: string,
): Promise<FoundKeyFile | undefined> {
  for await (const entry of keyFiles.store.list(storePath(''))) {
    try {
      const found = await readKeyFile(keyFiles, entry.path, repositoryId, location)
      if (found !== undefined) return found
    } catch (error) {
      // Keys of other repositories, and things that are no keys, live here too.
      if (!isBorgError(error, 'KeyfileInvalidError') && !isBorgError(error, 'KeyfileMismatchError')) throw error
    }
  }
  return undefined
}

/** Undefined when there is no such file. */
async function readKeyFile(
  keyFiles: KeyFiles,
  path: StorePath,
  repositoryId: ObjectId,
  location: string,
): Promise<FoundKeyFile | undefined> {
  const where = whereIs(keyFiles, path)
  const entry = await keyFiles.store.stat(path)
  if (entry === undefined) return undefined
  if (entry.kind !== 'file' || entry.size > keyFileSizeMax) {
    throw new BorgError('KeyfileInvalidError', [location, where])
  }
  // Whole, never a range of it: ranges may be answered from a handle that still shows a file replaced since.
  const text = decodeText(await keyFiles.store.read(path))
  return { path, where, blob: parseKeyFile(text, repositoryId, { location, where }) }
}
