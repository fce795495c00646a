import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dataView, fromHex, toHex } from '../../src/base/bytes.ts'
import { manifestId, objectIdFromHex } from '../../src/base/ids.ts'
import { decodeBase64, encodeBase64 } from '../../src/crypto/base64.ts'
import {
  generateKey,
  keyBlobBytes,
  keyFileText,
  legacyPassphraseKey,
  openKeyBlob,
  parseKeyFile,
  sealKeyBlob,
} from '../../src/crypto/key-blob.ts'
import type { KeyMode } from '../../src/crypto/key-material.ts'
import { pack } from '../../src/format/msgpack-encode.ts'
import { hmacSha256, pbkdf2Sha256 } from '../../src/kernels/sha2.ts'
import { aes256Ctr } from '../../src/kernels/aes-ctr.ts'
import { FakeHost } from '../support/fake-host.ts'
import { fromB64 } from '../support/vectors.ts'
import { allModes, keyOf, keyVectors, modeOf, modeVectors, title, vectorKey } from './key-vectors.ts'

const names = { location: '/repo', where: '/keys/repo' }
const id = objectIdFromHex('278a99c1082db415ae1d9a0d4ae6290121c4aca110ef7bc585c58c1330b01335')

for (const vector of modeVectors.filter(({ key_text }) => key_text !== undefined)) {
  describe(`the key text of borg: ${title(vector)}`, () => {
    const mode = modeOf(vector)
    const text = vector.key_text ?? ''
    const options = { mode, tamRequiredDefault: false, ...names }
    const blob = vector.storage === 'keyfile' || mode.startsWith('keyfile') ? parseKeyFile(text, id, names) : text

    test('opens with its passphrase to the same secrets', () => {
      expect(openKeyBlob(blob, vector.passphrase, options)).toEqual(keyOf(vector))
    })
    test('does not open with another', () => {
      expect(openKeyBlob(blob, `${vector.passphrase} `, options)).toBeUndefined()
    })
    test('is what we write for the same salt', () => {
      expect(sealKeyBlob(keyOf(vector), vector.passphrase, fromHex(vector.outer?.salt ?? ''))).toBe(blob)
      if (mode.startsWith('keyfile')) expect(keyFileText(id, blob)).toBe(text)
    })
    test('opens from the form ConfigParser and editors give it', () => {
      const indented = `\r\n\t${blob.replaceAll('\n', '\r\n\t')}\n\n`
      expect(openKeyBlob(indented, vector.passphrase, options)).toEqual(keyOf(vector))
    })
  })
}

test('every stored key of the vectors is tried', () => {
  expect(modeVectors.filter(({ key_text }) => key_text !== undefined)).toHaveLength(10)
})

test('the legacy key is derived from passphrase and repository id', () => {
  const legacy = keyVectors.find(({ type_byte }) => type_byte === 1)
  expect(legacy).toBeDefined()
  if (legacy === undefined) return
  expect(legacyPassphraseKey(objectIdFromHex(legacy.repository_id), legacy.passphrase)).toEqual(keyOf(legacy))
})

describe('a fresh key', () => {
  test.each(allModes)('%s: has the sizes of its mode and nothing in common with the next', (mode) => {
    const host = new FakeHost()
    const draw = (length: number): Uint8Array => host.randomBytes(length)
    const [first, second] = [generateKey(mode, id, draw), generateKey(mode, id, draw)]
    const like = vectorKey(mode)
    for (const key of [first, second]) {
      expect(key.mode).toBe(mode)
      expect(key.repositoryId).toBe(id)
      expect(key.encryptionKey).toHaveLength(like.encryptionKey.length)
      expect(key.macKey).toHaveLength(like.macKey.length)
      expect(key.idKey).toHaveLength(like.idKey.length)
      expect(key.tamRequired).toBe(mode !== 'none')
      expect(key.chunkSeed).toBe(key.chunkSeed | 0)
    }
    if (mode === 'none') return
    for (const field of ['encryptionKey', 'macKey', 'idKey'] as const) {
      expect(toHex(first[field])).not.toBe(toHex(second[field]))
      expect(toHex(first[field].subarray(64))).toBe(
        mode.endsWith('blake2') && field !== 'encryptionKey' ? '00'.repeat(64) : '',
      )
    }
    expect(toHex(first.macKey)).not.toBe(toHex(first.idKey))
  })

  test('has a signed chunk seed from the last four bytes', () => {
    const seed = new Uint8Array(100)
    dataView(seed).setInt32(96, -2)
    expect(generateKey('repokey', id, () => seed).chunkSeed).toBe(-2)
  })

  test('survives being stored, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1 }),
        fc.constantFrom<KeyMode>('repokey', 'keyfile-blake2', 'authenticated'),
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.boolean(),
        (seed, mode, passphrase, tamRequired) => {
          const host = new FakeHost({ seed })
          const key = { ...generateKey(mode, id, (length) => host.randomBytes(length)), tamRequired }
          const text = sealKeyBlob(key, passphrase, host.randomBytes(32))
          expect(Math.max(...text.split('\n').map((line) => line.length))).toBe(70)
          expect(openKeyBlob(text, passphrase, { mode, tamRequiredDefault: !tamRequired, ...names })).toEqual(key)
        },
      ),
      { numRuns: 8 },
    )
  })
})

/** A blob around any inner map, as another program could write it. */
function blobOf(inner: Map<string, unknown>, outer: Record<string, unknown> = {}): string {
  const salt = new Uint8Array(32)
  const wrapping = pbkdf2Sha256({ password: new Uint8Array(0), salt, iterations: 1, length: 32 })
  const packed = pack(inner as never)
  const fields = {
    algorithm: 'sha256',
    data: aes256Ctr(wrapping, 0n, packed),
    hash: hmacSha256(wrapping, packed),
    iterations: 1,
    salt,
    version: 1,
    ...outer,
  }
  return encodeBase64(pack(new Map(Object.entries(fields)) as never))
}

function innerFields(changes: Record<string, unknown> = {}): Map<string, unknown> {
  const key = vectorKey('repokey')
  const fields = {
    chunk_seed: key.chunkSeed,
    enc_hmac_key: key.macKey,
    enc_key: key.encryptionKey,
    id_key: key.idKey,
    repository_id: key.repositoryId,
    version: 1,
    ...changes,
  }
  return new Map(Object.entries(fields).filter(([, value]) => value !== undefined))
}

describe('blobs of others', () => {
  const options = { mode: 'repokey' as const, tamRequiredDefault: true, ...names }

  test('an old blob that does not speak of TAM takes what the caller knows', () => {
    const blob = blobOf(innerFields())
    expect(openKeyBlob(blob, '', options)?.tamRequired).toBe(true)
    expect(openKeyBlob(blob, '', { ...options, tamRequiredDefault: false })?.tamRequired).toBe(false)
  })

  test('secrets do not share memory with anything that is wiped', () => {
    const key = openKeyBlob(blobOf(innerFields()), '', options)
    expect(toHex(key?.encryptionKey ?? new Uint8Array())).toBe(toHex(vectorKey('repokey').encryptionKey))
  })

  test.each([
    ['outer version', blobOf(innerFields(), { version: 2 })],
    ['algorithm', blobOf(innerFields(), { algorithm: 'argon2 chacha20-poly1305' })],
    ['iterations', blobOf(innerFields(), { iterations: 0 })],
    ['endless iterations', blobOf(innerFields(), { iterations: 2 ** 40 })],
    ['salt', blobOf(innerFields(), { salt: 5 })],
    ['no data', blobOf(innerFields(), { data: null })],
    ['inner version', blobOf(innerFields({ version: 2 }))],
    ['short cipher key', blobOf(innerFields({ enc_key: new Uint8Array(16) }))],
    ['empty id key', blobOf(innerFields({ id_key: new Uint8Array(0) }))],
    ['no repository id', blobOf(innerFields({ repository_id: undefined }))],
    ['chunk seed', blobOf(innerFields({ chunk_seed: 'x' }))],
    ['no map at all', encodeBase64(pack(['a'.repeat(40)]))],
    ['no msgpack', encodeBase64(new Uint8Array(30).fill(0xc1))],
    ['too short', encodeBase64(new Uint8Array(19))],
    ['cut base64', 'A'.repeat(41)],
    ['nothing', ''],
  ])('%s: refused as no key, naming repository and place', (_, blob) => {
    expect(() => openKeyBlob(blob, '', options)).toThrow(
      expect.objectContaining({ code: 'KeyfileInvalidError', args: ['/repo', '/keys/repo'] }),
    )
  })

  test('any bytes at all are refused or need another passphrase', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 300 }), (bytes) => {
        expect(() => openKeyBlob(encodeBase64(bytes), '', options)).toThrow(
          expect.objectContaining({ code: 'KeyfileInvalidError' }),
        )
      }),
    )
  })
})

describe('key files', () => {
  const blob = encodeBase64(new Uint8Array(60))

  test.each([
    ['another magic', 'BORG_KEX 00', 'KeyfileInvalidError'],
    ['nothing', '', 'KeyfileInvalidError'],
    ['another repository', keyFileText(manifestId, blob), 'KeyfileMismatchError'],
    ['upper-case id', keyFileText(id, blob).replace(toHex(id), toHex(id).toUpperCase()), 'KeyfileMismatchError'],
    ['a longer first line', keyFileText(id, blob).replace('\n', ' \n'), 'KeyfileInvalidError'],
    ['one line only', `BORG_KEY ${toHex(id)}`, 'KeyfileInvalidError'],
    ['no key after the first line', `BORG_KEY ${toHex(id)}\n`, 'KeyfileInvalidError'],
    ['a short key', `BORG_KEY ${toHex(id)}\n${encodeBase64(new Uint8Array(10))}\n`, 'KeyfileInvalidError'],
  ])('%s: %3$s', (_, text, code) => {
    expect(() => parseKeyFile(text, id, names)).toThrow(
      expect.objectContaining({ code, args: ['/repo', '/keys/repo'] }),
    )
  })

  test('with Windows line ends are read', () => {
    expect(keyBlobBytes(parseKeyFile(keyFileText(id, blob).replaceAll('\n', '\r\n'), id, names), names)).toHaveLength(
      60,
    )
  })
})

test('base64 agrees with Node', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes)
      expect(fromB64(encodeBase64(bytes))).toEqual(bytes)
    }),
  )
})
