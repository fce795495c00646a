/**
 * Keys at rest: secrets under a passphrase, as base64 text in the repository's config or in a key file.
 *
 *   text      base64, 70 columns:  outer map   algorithm data hash iterations salt version
 *   data      AES-256-CTR, key PBKDF2(passphrase):  inner map   chunk_seed enc_hmac_key enc_key id_key ...
 *   hash      HMAC-SHA256 of the inner map before encryption: tells a wrong passphrase
 *
 * Facts: format sheet crypto.md sections 3-4, fixtures/vectors/keys.json.
 */
import { concatBytes, dataView, equalSecrets, toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { type ObjectId, objectId, objectIdSize } from '../base/ids.ts'
import { pbkdf2Iterations } from '../base/limits.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { type Unpacked, type UnpackedMap, unpack } from '../format/msgpack-decode.ts'
import { pack } from '../format/msgpack-encode.ts'
import { aes256Ctr } from '../kernels/aes-ctr.ts'
import { hmacSha256, pbkdf2Sha256 } from '../kernels/sha2.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import type { KeyMaterial, KeyMode } from './key-material.ts'
import { modes } from './modes.ts'

export const keyBlobSaltSize = 32
export const keyFileMagic = 'BORG_KEY '

const algorithm = 'sha256'
const version = 1
const lineColumns = 70
/** Shortest text that can be a key at all, in decoded bytes. */
const blobSizeMin = 20
/** Far above what borg writes; keeps a hostile blob from computing for hours. */
const iterationsMax = 100_000_000
const limits = { bytes: 64 * 1024, depth: 4, items: 64 }

/** Whom to name in errors: the repository, and where its key was found. */
export interface KeyNames {
  readonly location: string
  readonly where: string
}

/** Fresh secrets for a new repository. `none` gets none, and does not require authentication. */
export function generateKey(
  mode: KeyMode,
  repositoryId: ObjectId,
  randomBytes: (length: number) => Uint8Array,
): KeyMaterial {
  if (mode === 'none') {
    const nothing = new Uint8Array(0)
    return {
      mode,
      repositoryId,
      encryptionKey: nothing,
      macKey: nothing,
      idKey: nothing,
      chunkSeed: 0,
      tamRequired: false,
    }
  }
  const key = { ...keyFromSeed(mode, repositoryId, randomBytes(seedSize)), tamRequired: true }
  if (modes[mode].idHash !== 'blake2b') return key
  // Half a block of chance, half of zeros: what BLAKE2b hashes first is exactly one block.
  const padded = (): Uint8Array => concatBytes(randomBytes(64), new Uint8Array(64))
  return { ...key, macKey: padded(), idKey: padded() }
}

/**
 * The key of the ancient passphrase mode (object type 0x01): derived, never stored. Exists to be migrated to a repokey.
 */
export function legacyPassphraseKey(repositoryId: ObjectId, passphrase: string): KeyMaterial {
  const seed = pbkdf2Sha256({
    password: encodeText(passphrase),
    salt: repositoryId,
    iterations: pbkdf2Iterations,
    length: seedSize,
  })
  return keyFromSeed('repokey', repositoryId, seed)
}

const seedSize = 100

function keyFromSeed(mode: KeyMode, repositoryId: ObjectId, seed: Uint8Array): KeyMaterial {
  if (seed.length !== seedSize) throw new RangeError(`a key needs ${seedSize} random bytes, got ${seed.length}`)
  return {
    mode,
    repositoryId,
    encryptionKey: seed.slice(0, 32),
    macKey: seed.slice(32, 64),
    idKey: seed.slice(64, 96),
    chunkSeed: dataView(seed).getInt32(96),
    tamRequired: false,
  }
}

/** Base64 lines of 70 columns, joined by newlines, none at the end. `salt` is 32 random bytes. */
export function sealKeyBlob(key: KeyMaterial, passphrase: string, salt: Uint8Array): string {
  if (key.mode === 'none' || key.withoutSecrets) throw new TypeError('there is no key to store')
  if (salt.length !== keyBlobSaltSize) throw new RangeError(`salt needs ${keyBlobSaltSize} bytes, got ${salt.length}`)
  const inner = pack(
    new Map<string, number | boolean | Uint8Array>([
      ['chunk_seed', key.chunkSeed],
      ['enc_hmac_key', key.macKey],
      ['enc_key', key.encryptionKey],
      ['id_key', key.idKey],
      ['repository_id', key.repositoryId],
      ['tam_required', key.tamRequired],
      ['version', version],
    ]),
  )
  const wrapping = wrappingKey(passphrase, salt, pbkdf2Iterations)
  const outer = pack(
    new Map<string, number | string | Uint8Array>([
      ['algorithm', algorithm],
      ['data', aes256Ctr(wrapping, 0n, inner)],
      ['hash', hmacSha256(wrapping, inner)],
      ['iterations', pbkdf2Iterations],
      ['salt', salt],
      ['version', version],
    ]),
  )
  inner.fill(0)
  return keyBlobText(outer)
}

/** The text form of a decoded blob. */
export function keyBlobText(bytes: Uint8Array): string {
  return encodeBase64(bytes).replace(new RegExp(`.{${lineColumns}}(?=.)`, 'g'), '$&\n')
}

/** The bytes behind the text form. @throws BorgError 'KeyfileInvalidError' unless base64 of at least 20 bytes. */
export function keyBlobBytes(text: string, names: KeyNames): Uint8Array {
  const bytes = decodeBase64(text)
  if (bytes === undefined || bytes.length < blobSizeMin) throw invalid(names)
  return bytes
}

/**
 * The secrets, or undefined when the passphrase is wrong. `tamRequiredDefault` answers for old blobs that do not say.
 * @throws BorgError 'KeyfileInvalidError' (with `location`, `where`) when the text is no key.
 */
export function openKeyBlob(
  text: string,
  passphrase: string,
  options: KeyNames & { readonly mode: KeyMode; readonly tamRequiredDefault: boolean },
): KeyMaterial | undefined {
  const outer = readMap(keyBlobBytes(text, options), options)
  const salt = outer.get('salt')
  const hash = outer.get('hash')
  const data = outer.get('data')
  const iterations = outer.get('iterations')
  const found = outer.get('algorithm')
  if (
    outer.get('version') !== version ||
    !(found instanceof Uint8Array && decodeText(found) === algorithm) ||
    !(salt instanceof Uint8Array && hash instanceof Uint8Array && data instanceof Uint8Array) ||
    !(typeof iterations === 'number' && iterations >= 1 && iterations <= iterationsMax)
  ) {
    throw invalid(options)
  }
  const wrapping = wrappingKey(passphrase, salt, iterations)
  const inner = aes256Ctr(wrapping, 0n, data)
  if (!equalSecrets(hmacSha256(wrapping, inner), hash)) return undefined
  try {
    return readSecrets(readMap(inner, options), options)
  } finally {
    inner.fill(0)
  }
}

function readSecrets(
  inner: UnpackedMap,
  options: KeyNames & { readonly mode: KeyMode; readonly tamRequiredDefault: boolean },
): KeyMaterial {
  const repositoryId = inner.get('repository_id')
  const encryptionKey = inner.get('enc_key')
  const macKey = inner.get('enc_hmac_key')
  const idKey = inner.get('id_key')
  const chunkSeed = inner.get('chunk_seed')
  const tamRequired = inner.get('tam_required') ?? options.tamRequiredDefault
  if (
    inner.get('version') !== version ||
    !isSecret(repositoryId, objectIdSize) ||
    !isSecret(encryptionKey, 32) ||
    !isSecret(macKey) ||
    !isSecret(idKey) ||
    typeof chunkSeed !== 'number' ||
    typeof tamRequired !== 'boolean'
  ) {
    throw invalid(options)
  }
  return {
    mode: options.mode,
    repositoryId: objectId(repositoryId),
    // Copies: the decoded map may look into bytes that are wiped below.
    encryptionKey: encryptionKey.slice(),
    macKey: macKey.slice(),
    idKey: idKey.slice(),
    chunkSeed: chunkSeed | 0,
    tamRequired,
  }
}

function isSecret(value: Unpacked | undefined, size?: number): value is Uint8Array {
  return value instanceof Uint8Array && (size === undefined ? value.length >= 32 : value.length === size)
}

/** 'BORG_KEY <id>\n' + blob + '\n'. */
export function keyFileText(repositoryId: ObjectId, blob: string): string {
  return `${keyFileMagic}${toHex(repositoryId)}\n${blob}${blob.endsWith('\n') ? '' : '\n'}`
}

/** The blob inside a key file. @throws BorgError 'KeyfileInvalidError' | 'KeyfileMismatchError' */
export function parseKeyFile(text: string, repositoryId: ObjectId, names: KeyNames): string {
  if (!text.startsWith(keyFileMagic)) throw invalid(names)
  const header = keyFileMagic + toHex(repositoryId)
  if (!text.startsWith(header)) throw new BorgError('KeyfileMismatchError', [names.location, names.where])
  const lineEnd = text.search(/\r?\n/)
  if (lineEnd !== header.length) throw invalid(names)
  const blob = text.slice(text.indexOf('\n') + 1).trimEnd()
  keyBlobBytes(blob, names)
  return blob
}

function wrappingKey(passphrase: string, salt: Uint8Array, iterations: number): Uint8Array {
  return pbkdf2Sha256({ password: encodeText(passphrase), salt, iterations, length: 32 })
}

function readMap(bytes: Uint8Array, names: KeyNames): UnpackedMap {
  let value: Unpacked
  try {
    value = unpack(bytes, limits)
  } catch (cause) {
    throw new BorgError('KeyfileInvalidError', [names.location, names.where], { cause })
  }
  if (!(value instanceof Map)) throw invalid(names)
  return value
}

function invalid(names: KeyNames): BorgError<'KeyfileInvalidError'> {
  return new BorgError('KeyfileInvalidError', [names.location, names.where])
}
