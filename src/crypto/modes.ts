/**
 * The seven key modes of borg 1.x, as data. Source: fixtures/vectors/keys.json, borg 1.4 behaviour.
 */
import type { KeyMode } from './key-material.ts'

export interface ModeSpec {
  readonly mode: KeyMode
  /** First byte of every object. */
  readonly typeByte: number
  /** As borg prints it. */
  readonly name: string
  readonly storage: 'none' | 'repository' | 'keyfile'
  readonly idHash: 'sha256' | 'hmac-sha256' | 'blake2b'
  /** MAC over the cipher text; 'none' where payloads are stored in the clear. */
  readonly cipher: 'none' | 'hmac-sha256' | 'blake2b'
}

/** In the order borg lists them. */
export const modes: Readonly<Record<KeyMode, ModeSpec>> = {
  none: { mode: 'none', typeByte: 0x02, name: 'plaintext', storage: 'none', idHash: 'sha256', cipher: 'none' },
  keyfile: {
    mode: 'keyfile',
    typeByte: 0x00,
    name: 'key file',
    storage: 'keyfile',
    idHash: 'hmac-sha256',
    cipher: 'hmac-sha256',
  },
  repokey: {
    mode: 'repokey',
    typeByte: 0x03,
    name: 'repokey',
    storage: 'repository',
    idHash: 'hmac-sha256',
    cipher: 'hmac-sha256',
  },
  authenticated: {
    mode: 'authenticated',
    typeByte: 0x07,
    name: 'authenticated',
    storage: 'repository',
    idHash: 'hmac-sha256',
    cipher: 'none',
  },
  'keyfile-blake2': {
    mode: 'keyfile-blake2',
    typeByte: 0x04,
    name: 'key file BLAKE2b',
    storage: 'keyfile',
    idHash: 'blake2b',
    cipher: 'blake2b',
  },
  'repokey-blake2': {
    mode: 'repokey-blake2',
    typeByte: 0x05,
    name: 'repokey BLAKE2b',
    storage: 'repository',
    idHash: 'blake2b',
    cipher: 'blake2b',
  },
  'authenticated-blake2': {
    mode: 'authenticated-blake2',
    typeByte: 0x06,
    name: 'authenticated BLAKE2b',
    storage: 'repository',
    idHash: 'blake2b',
    cipher: 'none',
  },
}

/** The legacy "passphrase" type: a repokey repository may hold such objects from before its migration. */
export const legacyPassphraseType = 0x01

/** The mode a manifest's first byte stands for; undefined for a byte borg 1.x does not know. */
export function modeOfType(typeByte: number): KeyMode | undefined {
  if (typeByte === legacyPassphraseType) return 'repokey'
  return Object.values(modes).find((spec) => spec.typeByte === typeByte)?.mode
}

/** Whether objects of `typeByte` may appear in a repository of `mode`. */
export function acceptsType(mode: KeyMode, typeByte: number): boolean {
  return typeByte === modes[mode].typeByte || (mode === 'repokey' && typeByte === legacyPassphraseType)
}
