/**
 * The two secrets that decide about deduplication, to be shared by related repositories: with the same id key and chunk
 * seed, equal files become equal chunks with equal ids. JSON, 4 blanks of indent, a newline at the end (borg 1.4).
 * Facts: format sheet crypto.md section 6, CLI contract commands.md sections 1 and 12.
 */
import { fromHex, toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import type { KeyMaterial } from './key-material.ts'
import { type ModeSpec, modes } from './modes.ts'

export interface RelatedSecrets {
  readonly idKey: Uint8Array
  readonly chunkSeed: number
  /** How these secrets make ids; a key of another family cannot take them over. */
  readonly idHash: ModeSpec['idHash']
}

const version = 1

/** What `borg key export-related-secrets` writes. @throws BorgError 'UnencryptedRepo' for mode `none`. */
export function relatedSecretsText(key: KeyMaterial): string {
  if (key.mode === 'none' || key.withoutSecrets) throw new BorgError('UnencryptedRepo', [])
  const secrets = {
    version,
    id_key: toHex(key.idKey),
    chunk_seed: key.chunkSeed,
    key_name: modes[key.mode].name,
  }
  return `${JSON.stringify(secrets, undefined, 4)}\n`
}

/** `path` is what errors call the file. @throws BorgError 'CommandError' | 'Error' */
export function parseRelatedSecrets(text: string, path: string): RelatedSecrets {
  const fields = parseObject(text, path)
  const found = fields['version']
  if (found !== version) {
    throw new BorgError('CommandError', [
      `Unsupported related secrets version: ${found === undefined ? 'None' : found}`,
    ])
  }
  const spec = Object.values(modes).find(({ name }) => name === fields['key_name'])
  if (spec === undefined || spec.idHash === 'sha256') throw otherFamily()
  const idKey = fields['id_key']
  const digits = spec.idHash === 'blake2b' ? 256 : 64
  if (typeof idKey !== 'string' || idKey.length !== digits || !/^[0-9a-fA-F]*$/.test(idKey)) {
    throw new BorgError('CommandError', [`Invalid id_key in related secrets file: ${path}`])
  }
  const chunkSeed = fields['chunk_seed']
  if (typeof chunkSeed !== 'number' || chunkSeed !== (chunkSeed | 0)) {
    throw new BorgError('CommandError', [`Invalid chunk_seed in related secrets file: ${path}`])
  }
  return { idKey: fromHex(idKey), chunkSeed, idHash: spec.idHash }
}

/** `key` with the shared secrets in place of its own. @throws BorgError 'Error' when its ids are made another way. */
export function withRelatedSecrets(key: KeyMaterial, secrets: RelatedSecrets): KeyMaterial {
  if (modes[key.mode].idHash !== secrets.idHash) throw otherFamily()
  return { ...key, idKey: secrets.idKey.slice(), chunkSeed: secrets.chunkSeed }
}

function parseObject(text: string, path: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BorgError('CommandError', [`Invalid JSON in related secrets file: ${path}`], { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BorgError('CommandError', [`Invalid JSON in related secrets file: ${path}`])
  }
  return value as Readonly<Record<string, unknown>>
}

function otherFamily(): BorgError<'Error'> {
  return new BorgError('Error', [
    'You must keep the same ID hash (HMAC-SHA256 or BLAKE2b) or deduplication will break.',
  ])
}
