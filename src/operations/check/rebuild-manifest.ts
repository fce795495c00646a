/**
 * A new manifest from the archives that can still be found.
 *
 * Every object is opened and looked at: an archive record is a map that starts with one of its keys and says version 1.
 * Source: format sheet objects.md section 4.
 */
import type { ArchiveEntry } from '../../archive/archive-directory.ts'
import { emptyManifest, type Manifest } from '../../archive/manifest.ts'
import { archiveKeys, decodeArchiveMetadata, requiredArchiveKeys } from '../../archive/metadata.ts'
import { type BorgError, isIntegrityError, isObjectError } from '../../base/errors.ts'
import { reportLog } from '../../base/events.ts'
import { EventLoopTurns } from '../../base/flow.ts'
import { isManifestId, type ObjectId } from '../../base/ids.ts'
import { listBatch } from '../../base/limits.ts'
import { PercentProgress } from '../../base/progress.ts'
import { encodeText } from '../../base/text.ts'
import { verifyTam } from '../../crypto/tam.ts'
import { metadataLimits, type UnpackedMap, unpack } from '../../format/msgpack-decode.ts'
import { pack } from '../../format/msgpack-encode.ts'
import { type StoredOutcome, storedEach } from '../../objects/stored-each.ts'
import { type CheckContext, checkLogger } from './context.ts'

const keyStarts: readonly Uint8Array[] = [...archiveKeys].map((key) => pack(encodeText(key)))
const versionField = Buffer.concat([pack(encodeText('version')), Uint8Array.of(1)])
const commandLineKey = Buffer.from(encodeText('cmdline'))

export async function rebuildManifest(check: CheckContext): Promise<Manifest> {
  check.inform('Rebuilding missing manifest, this might take some time...')
  const manifest = emptyManifest(check.key.tamRequired)
  const progress = new PercentProgress(
    {
      msgid: 'check.rebuild_manifest',
      total: check.objectCount,
      step: 0.01,
      width: 6,
      decimals: 2,
      text: (percent) => `Rebuilding manifest ${percent}%`,
    },
    check.run,
  )
  const turns = new EventLoopTurns(() => check.host.monotonicMs())
  for (let after: ObjectId | undefined; ; ) {
    const ids = await check.repository.list(listBatch, after)
    const candidates = ids.filter((id) => !isManifestId(id) && check.has(id))
    progress.advance(ids.length - candidates.length)
    for await (const outcome of storedEach(check.repository, candidates)) {
      check.run.signal?.throwIfAborted()
      progress.advance()
      await turns.take()
      const found = await archiveIn(check, outcome)
      if (found !== undefined) addArchive(check, manifest, found)
    }
    after = ids.at(-1)
    if (after === undefined) break
  }
  progress.finish()
  check.inform('Manifest rebuild complete.')
  return manifest
}

function addArchive(check: CheckContext, manifest: Manifest, found: ArchiveEntry): void {
  let name = found.name
  for (let number = 1; manifest.archives.get(name) !== undefined; number++) name = `${found.name}.${number}`
  check.inform(`Found archive ${found.name}`)
  if (name !== found.name) {
    reportLog(check.run, 'warning', `Duplicate archive name ${found.name}, storing as ${name}`, checkLogger)
  }
  manifest.archives.set({ ...found, name })
}

async function archiveIn(check: CheckContext, outcome: StoredOutcome): Promise<ArchiveEntry | undefined> {
  const { id } = outcome
  const plain = await openOrNothing(check, outcome)
  if (plain === undefined || !looksLikeArchive(plain)) return undefined
  const map = decodeOrNothing(plain)
  if (map === undefined || !requiredArchiveKeys.every((key) => map.has(key))) return undefined
  try {
    const verdict = verifyTam(check.key, 'archive', plain, map)
    if (check.key.tamRequired && verdict.tam !== 'verified') {
      reportIgnored(check, map, 'it carries no authentication')
      return undefined
    }
    const metadata = decodeArchiveMetadata(map)
    return { name: metadata.name, id, time: metadata.start }
  } catch (error) {
    if (!isIntegrityError(error)) throw error
    reportIgnored(check, map, (error as BorgError).message)
    return undefined
  }
}

function reportIgnored(check: CheckContext, map: UnpackedMap, why: string): void {
  const name = map.get('name')
  const text = name instanceof Uint8Array ? Buffer.from(name).toString('utf8') : 'without name'
  check.problem(`Archive TAM authentication issue for archive ${text}: ${why}`)
}

async function openOrNothing(check: CheckContext, outcome: StoredOutcome): Promise<Uint8Array | undefined> {
  if ('error' in outcome) return undefined
  try {
    return await check.lane.open(outcome.id, outcome.stored)
  } catch (error) {
    if (isObjectError(error)) return undefined
    throw error
  }
}

/** Cheap tests first: most objects are file content. */
function looksLikeArchive(plain: Uint8Array): boolean {
  const first = plain[0] ?? 0
  const headerSize = (first & 0xf0) === 0x80 ? 1 : first === 0xde ? 3 : 0
  if (headerSize === 0) return false
  const key = plain.subarray(headerSize, headerSize + 32)
  if (!keyStarts.some((start) => start.every((byte, i) => key[i] === byte))) return false
  const buffer = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  return buffer.includes(commandLineKey) && buffer.includes(versionField)
}

function decodeOrNothing(plain: Uint8Array): UnpackedMap | undefined {
  try {
    const value = unpack(plain, metadataLimits)
    return value instanceof Map ? value : undefined
  } catch (error) {
    if (isIntegrityError(error)) return undefined
    throw error
  }
}
