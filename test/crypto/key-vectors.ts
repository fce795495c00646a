/** The keys of fixtures/vectors/keys.json as KeyMaterial, and the types of what lies beside them. */
import { fromHex } from '../../src/base/bytes.ts'
import { objectIdFromHex } from '../../src/base/ids.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import { type InputPart, loadFixture } from '../support/vectors.ts'

export interface SampleVector {
  readonly name: string
  readonly input: readonly InputPart[]
  readonly compression: string
  readonly id: string
  readonly envelope: string
  readonly iv?: number
  readonly mac?: string
  readonly compressed?: string
}
export interface DecryptVector {
  readonly name: string
  readonly envelope: string
  readonly id: string | null
  readonly result: string
}
export interface TamVector {
  readonly context: 'manifest' | 'archive'
  readonly salt: string
  readonly hmac: string
  readonly hmac_offset: number
  readonly packed_hex: string
}
export interface KeyVector {
  readonly mode: string
  readonly type_byte: number
  readonly name?: string
  readonly passphrase: string
  readonly repository_id: string
  readonly storage?: string
  readonly keyfile_name?: string
  readonly key_text?: string
  readonly outer?: { readonly salt: string; readonly iterations: number }
  readonly key: {
    readonly enc_key?: string
    readonly enc_hmac_key?: string
    readonly id_key?: string
    readonly chunk_seed: number
    readonly tam_required: boolean
  }
  readonly samples?: readonly SampleVector[]
  readonly decrypt_cases?: readonly DecryptVector[]
  readonly manifest_tam?: TamVector
  readonly archive_tam?: TamVector
}

export const keyVectors = loadFixture<{ readonly keys: readonly KeyVector[] }>('vectors/keys.json').keys
/** All but the legacy key, which no mode of ours stores. */
export const modeVectors = keyVectors.filter((vector) => vector.type_byte !== 1)

export function title(vector: KeyVector): string {
  return `${vector.mode}, passphrase '${vector.passphrase}'`
}

export function modeOf(vector: KeyVector): KeyMode {
  return vector.type_byte === 1 ? 'repokey' : (vector.mode as KeyMode)
}

export function keyOf(vector: KeyVector): KeyMaterial {
  return {
    mode: modeOf(vector),
    repositoryId: objectIdFromHex(vector.repository_id),
    encryptionKey: fromHex(vector.key.enc_key ?? ''),
    macKey: fromHex(vector.key.enc_hmac_key ?? ''),
    idKey: fromHex(vector.key.id_key ?? ''),
    chunkSeed: vector.key.chunk_seed,
    tamRequired: vector.key.tam_required,
  }
}

/** A fresh record of the key of `mode`: tests may wipe it. */
export function vectorKey(mode: KeyMode): KeyMaterial {
  const vector = modeVectors.find((candidate) => candidate.mode === mode)
  if (vector === undefined) throw new Error(`no key vector for ${mode}`)
  return keyOf(vector)
}

export const allModes: readonly KeyMode[] = [
  'none',
  'keyfile',
  'repokey',
  'authenticated',
  'keyfile-blake2',
  'repokey-blake2',
  'authenticated-blake2',
]
