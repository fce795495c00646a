/**
 * Authentication of manifest and archive metadata ("TAM"): a MAC inside the packed map, keyed by HKDF over the key.
 * Source: format sheet crypto.md section 7, fixtures/vectors/keys.json.
 */
import type { UnpackedMap } from '../format/msgpack-decode.ts'
import type { Packable } from '../format/msgpack-encode.ts'
import type { KeyMaterial } from './key-material.ts'

export type TamContext = 'manifest' | 'archive'
export type TamVerdict =
  | { readonly tam: 'verified'; readonly salt: Uint8Array }
  | { readonly tam: 'absent' }
  /** A suite of a newer borg. */
  | { readonly tam: 'unsupported'; readonly suite: string }

export const tamSaltSize = 64

/** Packs `fields` (sorted by key, a 'tam' among them is replaced) with a fresh MAC; `salt` is 64 random bytes. */
export declare function packWithTam(
  key: KeyMaterial,
  context: TamContext,
  fields: ReadonlyMap<string, Packable>,
  salt: Uint8Array,
): Uint8Array
/**
 * Checks the MAC of `packed` (`decoded` is what it decodes to). What to do about 'absent' is the caller's policy.
 * @throws BorgError 'TAMInvalid' | 'ArchiveTAMInvalid' when malformed or wrong.
 */
export declare function verifyTam(
  key: KeyMaterial,
  context: TamContext,
  packed: Uint8Array,
  decoded: UnpackedMap,
): TamVerdict
