/**
 * Keys at rest: secrets under a passphrase, as base64 text in the repository's config or in a key file.
 * Source: format sheet crypto.md sections 3-4, fixtures/vectors/keys.json.
 */
import type { ObjectId } from '../base/ids.ts'
import type { KeyMaterial, KeyMode } from './key-material.ts'

/** Fresh secrets for a new repository. `none` gets zeros. */
export declare function generateKey(
  mode: KeyMode,
  repositoryId: ObjectId,
  randomBytes: (length: number) => Uint8Array,
): KeyMaterial
/** Base64 lines of 70 columns, joined by newlines, none at the end. `salt` is 32 random bytes. */
export declare function sealKeyBlob(key: KeyMaterial, passphrase: string, salt: Uint8Array): string
/**
 * The secrets, or undefined when the passphrase is wrong. `tamRequiredDefault` answers for old blobs that do not say.
 * @throws BorgError 'KeyfileInvalidError' (with `location`, `where`) when the text is no key.
 */
export declare function openKeyBlob(
  text: string,
  passphrase: string,
  options: {
    readonly mode: KeyMode
    readonly tamRequiredDefault: boolean
    readonly location: string
    readonly where: string
  },
): KeyMaterial | undefined
/** 'BORG_KEY <id>\n' + blob + '\n'. */
export declare function keyFileText(repositoryId: ObjectId, blob: string): string
/** The blob inside a key file. @throws BorgError 'KeyfileInvalidError' | 'KeyfileMismatchError' */
export declare function parseKeyFile(
  text: string,
  repositoryId: ObjectId,
  names: { readonly location: string; readonly where: string },
): string
