/**
 * Authentication of what older borgs wrote: manifests and archives without a MAC ("TAM"), or with a stale one.
 *
 * Requiring a MAC is remembered in three places: in the manifest, in the key, and by each client. Open the session with
 * `tamOptional` to get at a manifest that is refused, with `ignoreInvalidArchiveTam` for archives that are.
 * Source: CLI contract commands.md §18, format sheet crypto.md §7; decision 021.
 */
import type { ArchiveEntry } from '../archive/archive-directory.ts'
import { decodeArchiveRecord } from '../archive/archive-reader.ts'
import { requireFeatures } from '../archive/manifest.ts'
import { selectArchives } from '../archive/select.ts'
import { BorgError, isBorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { ObjectId } from '../base/ids.ts'
import type { Cache } from '../cache/cache.ts'
import { modes } from '../crypto/modes.ts'
import { packWithTam, tamSaltSize } from '../crypto/tam.ts'
import { ChunkWriter } from '../dedup/chunk-writer.ts'
import { metadataLimits, unpack } from '../format/msgpack-decode.ts'
import type { Packable } from '../format/msgpack-encode.ts'
import { type ConnectOptions, connectRepository, type RepositoryTarget } from '../session/connect.ts'
import { type Directories, defaultDirectories } from '../session/directories.ts'
import { findKeyFile, localKeyFiles } from '../session/keyfiles.ts'
import type { ReadSession, WriteSession } from '../session/session.ts'
import { allOrNothing } from './all-or-nothing.ts'
import { rewriteKey } from './keys.ts'
import { releaseChunk } from './release-archive.ts'
import { zeroStatistics } from './zero-statistics.ts'

/** Where an authenticated manifest is required. */
export interface TamStatus {
  /** It is authenticated, and says that the next one must be. */
  readonly manifest: boolean
  /** True also where there is no key to say so. */
  readonly key: boolean
  /** This client, see `SecurityDirectory`. */
  readonly client: boolean
}

export async function tamStatus(session: ReadSession): Promise<TamStatus> {
  requireFeatures(session.manifest, ['check'])
  const { manifest, key, security } = session
  return {
    manifest: manifest.verified && manifest.config.get('tam_required') === true,
    key: key.tamRequired || modes[key.mode].storage === 'none',
    client: await security.tamRequired(),
  }
}

/** What became of the key: where it is, if it had to be written again. */
export interface TamChange {
  readonly keyPlace: string | undefined
}

/** Authenticates the manifest, and requires that from now on, wherever it is not required yet. */
export async function requireTam(session: WriteSession, run: RunOptions = {}): Promise<TamChange> {
  const status = await tamStatus(session)
  run.signal?.throwIfAborted()
  // First of all the MAC: whoever dies after this line leaves a manifest that is good for every key.
  if (!status.manifest) await session.commit({ tamRequired: true })
  const keyPlace = status.key ? undefined : await rewriteKeyOf(session, true)
  await session.security.requireTam()
  return { keyPlace }
}

/** Manifests without authentication are accepted from now on. */
export async function disableTam(session: WriteSession, run: RunOptions = {}): Promise<TamChange> {
  const wasRequired = session.key.tamRequired
  run.signal?.throwIfAborted()
  await session.security.forgetTam()
  const keyPlace = wasRequired ? await rewriteKeyOf(session, false) : undefined
  await session.commit({ tamRequired: false })
  return { keyPlace }
}

async function rewriteKeyOf(session: WriteSession, tamRequired: boolean): Promise<string | undefined> {
  const { key, stored, passphrase } = session.unlocked
  if (stored === undefined) return undefined
  const { repository, host } = session
  const keyFiles = localKeyFiles(session.directories)
  return await rewriteKey(repository, { key: { ...key, tamRequired }, stored, passphrase }, { keyFiles, host })
}

/** An archive, and whether its record carries a MAC that fits. */
export interface ArchiveTam {
  readonly entry: ArchiveEntry
  readonly authenticated: boolean
}

/** All archives, oldest first; a MAC that does not fit counts as none. */
export async function* archiveTams(session: ReadSession, run: RunOptions = {}): AsyncGenerator<ArchiveTam> {
  requireFeatures(session.manifest, ['check'])
  for (const entry of selectArchives(session.archives, {})) {
    run.signal?.throwIfAborted()
    yield { entry, authenticated: (await readRecord(session, entry)).authenticated }
  }
}

export interface AuthenticateArchivesOptions {
  /** Told of every archive, oldest first; `id` is that of its new record, if it needed one. Not committed yet. */
  readonly onArchive?: ((archive: ArchiveTam & { readonly id: ObjectId }) => void) | undefined
}

/** Gives every archive a MAC that fits, in one transaction. Content and items stay as they are. Returns how many needed it. */
export async function authenticateArchives(
  session: WriteSession,
  options: AuthenticateArchivesOptions = {},
  run: RunOptions = {},
): Promise<number> {
  requireFeatures(session.manifest, ['check'])
  return await allOrNothing(session, run, async () => {
    await using cache = await session.openCache({ files: 'disabled' }, run)
    let changed = 0
    for (const entry of selectArchives(session.archives, {})) {
      run.signal?.throwIfAborted()
      const { packed, authenticated } = await readRecord(session, entry)
      const id = authenticated ? entry.id : await replaceRecord(session, cache, entry, packed)
      if (!authenticated) changed++
      options.onArchive?.({ entry, authenticated, id })
    }
    if (changed > 0) await cache.commit(await session.commit())
    return changed
  })
}

async function readRecord(
  session: ReadSession,
  entry: ArchiveEntry,
): Promise<{ readonly packed: Uint8Array; readonly authenticated: boolean }> {
  const packed = await session.objects.read(entry.id)
  const { tam } = decodeArchiveRecord(packed, session.key, { ignoreInvalidTam: true })
  return { packed, authenticated: tam === 'verified' }
}

/** The same fields under a new MAC; also those that nobody knows any more. */
async function replaceRecord(
  session: WriteSession,
  cache: Cache,
  entry: ArchiveEntry,
  packed: Uint8Array,
): Promise<ObjectId> {
  const { key, host, repository, lanes, nonces } = session
  const fields = unpack(packed, metadataLimits) as ReadonlyMap<string, Packable>
  const statistics = zeroStatistics()
  const sink = new ChunkWriter({ repository, cache: cache.chunks, lanes, nonces, statistics })
  const { id } = await sink.add(packWithTam(key, 'archive', fields, host.randomBytes(tamSaltSize)))
  await sink.flush()
  await releaseChunk({ session, cache, statistics }, entry.id)
  session.archives.set({ ...entry, id })
  return id
}

/**
 * Refuses what borg's `upgrade` without a mode would convert, for we do not: Attic repositories, and key files where borg
 * before 1.0 kept them. Changes nothing.
 * @throws BorgError 'Error' that says what there is and what to do.
 */
export async function requireModernFormat(
  target: RepositoryTarget,
  options: ConnectOptions & { readonly directories?: Directories | undefined },
  run: RunOptions = {},
): Promise<void> {
  const directories = options.directories ?? defaultDirectories()
  const { id, location } = await identify(target, options, run)
  const oldPlace = directories.oldKeys
  if (oldPlace === undefined || (await keyFileIn(directories.keys, id, location)) !== undefined) return
  const old = await keyFileIn(oldPlace, id, location)
  if (old === undefined) return
  throw new BorgError('Error', [
    `The key of ${location} is where borg before 1.0 kept it, and tsborg does not move it. Nothing was changed. ` +
      `Copy ${old} to ${directories.keys}.`,
  ])
}

async function identify(
  target: RepositoryTarget,
  options: ConnectOptions,
  run: RunOptions,
): Promise<{ readonly id: ObjectId; readonly location: string }> {
  try {
    await using repository = await connectRepository(target, options, run)
    return { id: repository.id, location: repository.location }
  } catch (error) {
    if (!isBorgError(error, 'Repository.AtticRepository')) throw error
    const what = `${error.args[0]} is an Attic repository, and tsborg does not convert those. Nothing was changed.`
    throw new BorgError('Error', [`${what} Convert a copy of it with "borg upgrade" of borg 1.x.`], { cause: error })
  }
}

async function keyFileIn(folder: string, id: ObjectId, location: string): Promise<string | undefined> {
  try {
    return (await findKeyFile(localKeyFiles({ keys: folder }), id, location)).where
  } catch (error) {
    if (isBorgError(error, 'KeyfileNotFoundError')) return undefined
    throw error
  }
}
