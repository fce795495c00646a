import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { decodeText } from '../../src/base/text.ts'
import { packWithTam, type TamContext, type TamVerdict, verifyTam } from '../../src/crypto/tam.ts'
import type { KeyMaterial } from '../../src/crypto/key-material.ts'
import { type Unpacked, type UnpackedMap, unpack } from '../../src/format/msgpack-decode.ts'
import { type Packable, pack } from '../../src/format/msgpack-encode.ts'
import { allModes, keyOf, modeVectors, title, vectorKey } from './key-vectors.ts'

const limits = { bytes: 2 ** 20, depth: 10, items: 10_000 }
const salt = new Uint8Array(64).fill(9)

function decode(packed: Uint8Array): UnpackedMap {
  const value = unpack(packed, limits)
  if (!(value instanceof Map)) throw new Error('not a map')
  return value
}
function verify(key: KeyMaterial, context: TamContext, packed: Uint8Array): TamVerdict {
  return verifyTam(key, context, packed, decode(packed))
}
/** Decoded values as something that packs to the same bytes. */
function repackable(value: Unpacked): Packable {
  if (Array.isArray(value)) return value.map(repackable)
  if (!(value instanceof Map)) return value
  return new Map(
    [...value].map(([name, field]) => [
      typeof name === 'string' ? name : decodeText(name as Uint8Array),
      repackable(field),
    ]),
  )
}

for (const vector of modeVectors) {
  for (const tam of [vector.manifest_tam, vector.archive_tam]) {
    if (tam === undefined) continue
    describe(`the ${tam.context} of borg: ${title(vector)}`, () => {
      const key = keyOf(vector)
      const packed = fromHex(tam.packed_hex)

      test('verifies, and tells its salt', () => {
        expect(verify(key, tam.context, packed)).toEqual({ tam: 'verified', salt: fromHex(tam.salt) })
      })
      test('is packed by us to the same bytes, whatever the order of the fields', () => {
        const fields = [...(repackable(decode(packed)) as Map<string, Packable>)].reverse()
        expect(toHex(packWithTam(key, tam.context, new Map(fields), fromHex(tam.salt)))).toBe(tam.packed_hex)
      })
      test('does not verify in the other context, or with any byte changed', () => {
        const code = tam.context === 'manifest' ? 'TAMInvalid' : 'ArchiveTAMInvalid'
        const other = tam.context === 'manifest' ? 'archive' : 'manifest'
        expect(() => verify(key, other, packed)).toThrow(
          expect.objectContaining({ exitCode: other === 'manifest' ? 97 : 95 }),
        )
        const decoded = decode(packed)
        for (let at = 0; at < packed.length; at++) {
          const changed = packed.slice()
          changed[at] = (changed[at] ?? 0) ^ 1
          expect(() => verifyTam(key, tam.context, changed, decoded), `byte ${at}`).toThrow(
            expect.objectContaining({ code }),
          )
        }
      })
    })
  }
}

test('every mode has its two TAM vectors', () => {
  expect(modeVectors.filter((vector) => vector.manifest_tam && vector.archive_tam)).toHaveLength(7)
})

test.each(allModes)('%s: what we authenticate verifies, and only for this key', (mode) => {
  const key = vectorKey(mode)
  const stranger = vectorKey(mode.startsWith('keyfile') ? 'repokey' : 'keyfile')
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.integer(), fc.uint8Array({ maxLength: 70 }))),
      (fields) => {
        const packed = packWithTam(key, 'archive', new Map(Object.entries(fields)), salt)
        expect(verify(key, 'archive', packed)).toEqual({ tam: 'verified', salt })
        expect(() => verify(stranger, 'archive', packed)).toThrow(
          expect.objectContaining({ code: 'ArchiveTAMInvalid' }),
        )
      },
    ),
    { numRuns: 20 },
  )
})

describe('what cannot be verified', () => {
  const key = vectorKey('repokey')
  const withTam = (tam: Packable): Uint8Array => pack(new Map<string, Packable>([['tam', tam]]))
  const tamOf = (fields: Record<string, Packable>): Uint8Array =>
    withTam(new Map(Object.entries({ hmac: new Uint8Array(64), salt, type: 'HKDF_HMAC_SHA512', ...fields })))

  test('a map without tam is absent, not invalid: whether that will do is not decided here', () => {
    expect(verify(key, 'manifest', pack(new Map([['version', 1]])))).toEqual({ tam: 'absent' })
    expect(verify(key, 'manifest', withTam(null))).toEqual({ tam: 'absent' })
  })
  test('another suite is named', () => {
    expect(verify(key, 'manifest', tamOf({ type: 'HKDF_BLAKE3' }))).toEqual({
      tam: 'unsupported',
      suite: 'HKDF_BLAKE3',
    })
    expect(verify(key, 'manifest', withTam(new Map()))).toEqual({ tam: 'unsupported', suite: '<none>' })
  })
  test.each([
    ['tam is no map', withTam('x')],
    ['hmac is a number', tamOf({ hmac: 5 })],
    ['hmac is short', tamOf({ hmac: new Uint8Array(63) })],
    ['hmac is empty', tamOf({ hmac: new Uint8Array(0) })],
    ['salt is missing', tamOf({ salt: null })],
    ['hmac is wrong', tamOf({})],
  ])('%s: refused', (_, packed) => {
    expect(() => verify(key, 'manifest', packed)).toThrow(expect.objectContaining({ code: 'TAMInvalid', exitCode: 97 }))
    expect(() => verify(key, 'archive', packed)).toThrow(
      expect.objectContaining({ code: 'ArchiveTAMInvalid', exitCode: 95 }),
    )
  })
  test('a copy of the MAC in another field helps nobody', () => {
    const packed = packWithTam(key, 'archive', new Map([['name', 'a']]), salt)
    const hmac = (decode(packed).get('tam') as Map<string, Unpacked>).get('hmac') as Uint8Array
    // Sorted before the real one, so that it is the copy that gets blanked.
    const forged = pack(
      new Map<string, Packable>([['a', hmac], ...(repackable(decode(packed)) as Map<string, Packable>)]),
    )
    expect(() => verify(key, 'archive', forged)).toThrow(expect.objectContaining({ code: 'ArchiveTAMInvalid' }))
  })
  test('without secrets everything counts as absent and nothing is authenticated', () => {
    const blind: KeyMaterial = { ...vectorKey('authenticated'), withoutSecrets: true }
    expect(verify(blind, 'manifest', tamOf({}))).toEqual({ tam: 'absent' })
    expect(() => packWithTam(blind, 'manifest', new Map(), salt)).toThrow(TypeError)
  })
})
