/**
 * Authentication of manifest and archive metadata ("TAM"): a MAC inside the packed map, keyed by HKDF over the key.
 *
 * The map is packed with 64 zero bytes where the MAC goes, the MAC is computed over that and takes their place. To
 * verify, the received bytes are blanked at the first occurrence of the MAC; packing the decoded map again would accept
 * or refuse what some other packer wrote.
 * Facts: format sheet crypto.md section 7, fixtures/vectors/keys.json.
 */
import { concatBytes, copyBytes, equalSecrets } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { decodeText, encodeText } from '../base/text.ts'
import type { UnpackedMap } from '../format/msgpack-decode.ts'
import { type Packable, pack } from '../format/msgpack-encode.ts'
import { hkdfSha512, hmacSha512 } from '../kernels/sha2.ts'
import { type KeyMaterial, requireUsable } from './key-material.ts'

export type TamContext = 'manifest' | 'archive'
export type TamVerdict =
  | { readonly tam: 'verified'; readonly salt: Uint8Array }
  | { readonly tam: 'absent' }
  /** A suite of a newer borg. */
  | { readonly tam: 'unsupported'; readonly suite: string }

export const tamSaltSize = 64
const macSize = 64
const suite = 'HKDF_HMAC_SHA512'

/** Packs `fields` (sorted by key, a 'tam' among them is replaced) with a fresh MAC; `salt` is 64 random bytes. */
export function packWithTam(
  key: KeyMaterial,
  context: TamContext,
  fields: ReadonlyMap<string, Packable>,
  salt: Uint8Array,
): Uint8Array {
  if (key.withoutSecrets) throw new TypeError('a key without secrets cannot write')
  const packWith = (hmac: Uint8Array): Uint8Array => {
    const tam = new Map<string, Packable>([
      ['hmac', hmac],
      ['salt', salt],
      ['type', suite],
    ])
    return pack(sortedByKey(new Map([...fields, ['tam', tam]])))
  }
  const hmac = hmacSha512(tamKey(key, context, salt), packWith(new Uint8Array(macSize)))
  return packWith(hmac)
}

/**
 * Checks the MAC of `packed` (`decoded` is what it decodes to). What to do about 'absent' is the caller's policy.
 * A key without secrets sees every TAM as absent.
 * @throws BorgError 'TAMInvalid' | 'ArchiveTAMInvalid' when malformed or wrong.
 */
export function verifyTam(key: KeyMaterial, context: TamContext, packed: Uint8Array, decoded: UnpackedMap): TamVerdict {
  const tam = decoded.get('tam')
  if (tam === undefined || tam === null || key.withoutSecrets) return { tam: 'absent' }
  if (!(tam instanceof Map)) throw invalid(context)
  const type = tam.get('type')
  const found = type instanceof Uint8Array ? decodeText(type) : '<none>'
  if (found !== suite) return { tam: 'unsupported', suite: found }
  const hmac = tam.get('hmac')
  const salt = tam.get('salt')
  if (!(hmac instanceof Uint8Array) || !(salt instanceof Uint8Array) || hmac.length !== macSize) throw invalid(context)
  const at = indexOfBytes(packed, hmac)
  if (at < 0) throw invalid(context)
  const blanked = copyBytes(packed).fill(0, at, at + macSize)
  if (!equalSecrets(hmacSha512(tamKey(key, context, salt), blanked), hmac)) throw invalid(context)
  return { tam: 'verified', salt: copyBytes(salt) }
}

/** Mode `none` has no secret: there the MAC only detects damage. */
function tamKey(key: KeyMaterial, context: TamContext, salt: Uint8Array): Uint8Array {
  requireUsable(key)
  if (key.mode === 'none') return concatBytes(salt, encodeText(context))
  return hkdfSha512({
    ikm: concatBytes(key.idKey, key.encryptionKey, key.macKey),
    salt,
    info: encodeText(`borg-metadata-authentication-${context}`),
    length: 64,
  })
}

function invalid(context: TamContext): BorgError {
  return new BorgError(context === 'manifest' ? 'TAMInvalid' : 'ArchiveTAMInvalid', [])
}

function sortedByKey(map: ReadonlyMap<string, Packable>): ReadonlyMap<string, Packable> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** First occurrence of `needle`, or -1. Packed metadata can be megabytes: candidates are found by their first byte. */
function indexOfBytes(haystack: Uint8Array, needle: Uint8Array): number {
  const first = needle[0]
  if (first === undefined) return -1
  for (let at = haystack.indexOf(first); at >= 0; at = haystack.indexOf(first, at + 1)) {
    let matching = 1
    while (matching < needle.length && haystack[at + matching] === needle[matching]) matching++
    if (matching === needle.length) return at
  }
  return -1
}
