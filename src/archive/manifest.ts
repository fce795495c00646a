/**
 * The manifest: the one object with a known id, which names all archives.
 *
 * Source: format sheet objects.md section 3, crypto.md section 7; fixtures/vectors/items.json and keys.json.
 */
import { BorgError } from '../base/errors.ts'
import { type Nanoseconds, type ObjectId, objectId } from '../base/ids.ts'
import { archiveNameLengthMax, archivesMax } from '../base/limits.ts'
import { decodeText } from '../base/text.ts'
import { formatTimestamp, nextMicrosecond, parseTimestamp } from '../base/time.ts'
import { idHash } from '../crypto/envelope.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import { packWithTam, verifyTam } from '../crypto/tam.ts'
import { metadataLimits, type Unpacked, type UnpackedKey, type UnpackedMap, unpack } from '../format/msgpack-decode.ts'
import { type Packable, sortedMap } from '../format/msgpack-encode.ts'
import { type ArchiveEntry, MapArchiveDirectory } from './archive-directory.ts'
import { itemKeys } from './item-codec.ts'

export interface Manifest {
  readonly archives: MapArchiveDirectory
  /** Unknown keys are kept. */
  readonly config: ReadonlyMap<string, Packable>
  /** Sorted union of what we and earlier writers know. */
  readonly itemKeys: readonly string[]
  /** `YYYY-mm-ddTHH:MM:SS.ffffff`, compared as text; undefined before the first write. */
  readonly timestamp: string | undefined
  /** Hash of the packed manifest: what caches remember. Undefined before the first write. */
  readonly id: ObjectId | undefined
  /** Whether a MAC was found and fits. */
  readonly verified: boolean
}

export interface PackedManifest {
  readonly packed: Uint8Array
  readonly manifest: Manifest
}

/** Operations whose mandatory features a manifest may demand. */
export type FeatureOperation = 'read' | 'check' | 'write' | 'delete'

/** Reserved first bytes of manifests of an incompatible future. */
const futureMarker = 0xc1

export function emptyManifest(tamRequired: boolean): Manifest {
  return {
    archives: new MapArchiveDirectory(),
    config: tamRequired ? new Map([['tam_required', true]]) : new Map(),
    itemKeys,
    timestamp: undefined,
    id: undefined,
    verified: false,
  }
}

/**
 * Decodes and authenticates. `tamRequired`: refuse a manifest without MAC.
 * @throws BorgError 'UnsupportedManifestError' | 'TAMRequiredError' | 'TAMInvalid' | 'TAMUnsupportedSuiteError' | 'IntegrityError'
 */
export function decodeManifest(packed: Uint8Array, key: KeyMaterial, options: { tamRequired: boolean }): Manifest {
  if (packed.length >= 4 && packed.subarray(0, 4).every((byte) => byte === futureMarker)) {
    throw new BorgError('UnsupportedManifestError', [])
  }
  const map = unpack(packed, metadataLimits)
  if (!(map instanceof Map)) throw broken('not a map')
  const verdict = verifyTam(key, 'manifest', packed, map)
  if (options.tamRequired && verdict.tam === 'absent') throw new BorgError('TAMRequiredError', [])
  if (options.tamRequired && verdict.tam === 'unsupported')
    throw new BorgError('TAMUnsupportedSuiteError', [verdict.suite])
  const version = map.get('version')
  if (version !== 1 && version !== 2) throw broken(`version ${String(version)} is unknown`)
  return {
    archives: new MapArchiveDirectory(decodeArchives(map.get('archives'))),
    config: decodeConfig(map.get('config')),
    itemKeys: mergeItemKeys(map.get('item_keys')),
    timestamp: textField(map, 'timestamp'),
    id: idHash(key, packed),
    verified: verdict.tam === 'verified',
  }
}

/** The next manifest: later than the last, even when the clock went back. `salt` is 64 random bytes. */
export function encodeManifest(
  manifest: Manifest,
  key: KeyMaterial,
  now: Nanoseconds,
  salt: Uint8Array,
): PackedManifest {
  const entries = manifest.archives.sorted()
  if (entries.length > archivesMax)
    throw new BorgError('Error', [`more than ${archivesMax} archives in one repository`])
  const timestamp = laterTimestamp(manifest.timestamp, now)
  const config = new Map(manifest.config)
  if (key.tamRequired) config.set('tam_required', true)
  const fields = new Map<string, Packable>([
    ['archives', new Map(entries.map((entry) => [entry.name, encodeEntry(entry)]))],
    ['config', sortedMap(config)],
    ['item_keys', manifest.itemKeys],
    ['timestamp', timestamp],
    ['version', 1],
  ])
  const packed = packWithTam(key, 'manifest', fields, salt)
  const written = { ...manifest, config, timestamp, id: idHash(key, packed), verified: true }
  return { packed, manifest: written }
}

/** @throws BorgError 'MandatoryFeatureUnsupported' when the repository demands what borg 1.x does not have. */
export function requireFeatures(manifest: Manifest, operations: readonly FeatureOperation[]): void {
  const flags = manifest.config.get('feature_flags')
  if (!(flags instanceof Map)) return
  for (const operation of operations) {
    const requirement: unknown = flags.get(operation)
    if (!(requirement instanceof Map)) continue
    const mandatory: unknown = requirement.get('mandatory')
    if (Array.isArray(mandatory) && mandatory.length > 0) {
      const names = mandatory.map((name) => (name instanceof Uint8Array ? decodeText(name) : String(name)))
      throw new BorgError('MandatoryFeatureUnsupported', [names.join(', ')])
    }
  }
}

/** The names of all features some operation demands; caches remember them. */
export function mandatoryFeatures(manifest: Manifest): readonly string[] {
  const flags = manifest.config.get('feature_flags')
  if (!(flags instanceof Map)) return []
  const names = new Set<string>()
  for (const requirement of flags.values()) {
    const mandatory: unknown = requirement instanceof Map ? requirement.get('mandatory') : undefined
    if (!Array.isArray(mandatory)) continue
    for (const name of mandatory) names.add(name instanceof Uint8Array ? decodeText(name) : String(name))
  }
  return [...names].sort()
}

function laterTimestamp(previous: string | undefined, now: Nanoseconds): string {
  const current = formatTimestamp(now)
  if (previous === undefined || current > previous) return current
  const parsed = parseTimestamp(previous)
  return parsed === undefined ? current : formatTimestamp(nextMicrosecond(parsed))
}

function encodeEntry(entry: ArchiveEntry): ReadonlyMap<string, Packable> {
  if (entry.name.length > archiveNameLengthMax) {
    throw new BorgError('Error', [`archive name is longer than ${archiveNameLengthMax} characters: ${entry.name}`])
  }
  return new Map<string, Packable>([
    ['id', entry.id],
    ['time', formatTimestamp(entry.time)],
  ])
}

function decodeArchives(value: Unpacked | undefined): ArchiveEntry[] {
  if (!(value instanceof Map)) throw broken('archives is not a map')
  return [...value].map(([key, entry]) => decodeEntry(keyText(key), entry))
}

function decodeEntry(name: string, entry: Unpacked): ArchiveEntry {
  if (!(entry instanceof Map)) throw broken(`archive ${name} is not a map`)
  const id = entry.get('id')
  if (!(id instanceof Uint8Array) || id.length !== 32) throw broken(`archive ${name} has no id`)
  const time = parseTimestamp(textField(entry, 'time') ?? '')
  if (time === undefined) throw broken(`archive ${name} has no valid time`)
  return { name, id: objectId(id), time }
}

function decodeConfig(value: Unpacked | undefined): ReadonlyMap<string, Packable> {
  if (value === undefined || value === null) return new Map()
  if (!(value instanceof Map)) throw broken('config is not a map')
  // Values go back as they came: only keys that are text are ours to sort.
  return new Map([...value].map(([key, content]) => [keyText(key), content as Packable]))
}

function mergeItemKeys(value: Unpacked | undefined): readonly string[] {
  const found = Array.isArray(value)
    ? value.map((key) => (key instanceof Uint8Array ? decodeText(key) : String(key)))
    : []
  return [...new Set([...itemKeys, ...found])].sort()
}

function textField(map: UnpackedMap, key: string): string | undefined {
  const value = map.get(key)
  return value instanceof Uint8Array ? decodeText(value) : undefined
}

function broken(what: string): BorgError {
  return new BorgError('IntegrityError', [`manifest: ${what}`])
}

function keyText(key: UnpackedKey): string {
  return key instanceof Uint8Array ? decodeText(key) : String(key)
}
