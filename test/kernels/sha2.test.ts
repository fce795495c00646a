import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { hkdfSha512, hmacSha256, hmacSha512, pbkdf2Sha256, sha256 } from '../../src/kernels/sha2.ts'
import * as noble from '../../src/kernels/sha2-noble.ts'
import * as node from '../../src/kernels/sha2-node.ts'
import { inputBytes, loadFixture, type InputPart } from '../support/vectors.ts'

interface Primitives {
  readonly pbkdf2_hmac_sha256: readonly {
    readonly passphrase_utf8_hex: string
    readonly salt: string
    readonly iterations: number
    readonly dklen: number
    readonly out: string
  }[]
  readonly hmac_sha256: readonly { readonly key: string; readonly input: readonly InputPart[]; readonly out: string }[]
  readonly hkdf_hmac_sha512: readonly {
    readonly ikm: string
    readonly salt: string
    readonly info: string
    readonly length: number
    readonly out: string
  }[]
}

const vectors = loadFixture<Primitives>('vectors/crypto-primitives.json')
const variants = {
  picked: { sha256, hmacSha256, hmacSha512, hkdfSha512, pbkdf2Sha256 },
  node: {
    sha256: node.sha256Node,
    hmacSha256: node.hmacSha256Node,
    hmacSha512: node.hmacSha512Node,
    hkdfSha512: node.hkdfSha512Node,
    pbkdf2Sha256: node.pbkdf2Sha256Node,
  },
  noble: {
    sha256: noble.sha256Noble,
    hmacSha256: noble.hmacSha256Noble,
    hmacSha512: noble.hmacSha512Noble,
    hkdfSha512: noble.hkdfSha512Noble,
    pbkdf2Sha256: noble.pbkdf2Sha256Noble,
  },
}

describe.each(Object.entries(variants))('sha2 %s', (_, variant) => {
  test('pbkdf2 agrees with borg on every vector', () => {
    expect(vectors.pbkdf2_hmac_sha256.length).toBeGreaterThan(0)
    for (const { passphrase_utf8_hex, salt, iterations, dklen, out } of vectors.pbkdf2_hmac_sha256) {
      const from = { password: fromHex(passphrase_utf8_hex), salt: fromHex(salt), iterations, length: dklen }
      expect(toHex(variant.pbkdf2Sha256(from))).toBe(out)
    }
  })

  test('hmac-sha256 agrees with borg on every vector', () => {
    expect(vectors.hmac_sha256.length).toBeGreaterThan(0)
    for (const { key, input, out } of vectors.hmac_sha256) {
      expect(toHex(variant.hmacSha256(fromHex(key), inputBytes(input)))).toBe(out)
    }
  })

  test('hkdf-sha512 agrees with borg on every vector', () => {
    expect(vectors.hkdf_hmac_sha512.length).toBeGreaterThan(0)
    for (const { ikm, salt, info, length, out } of vectors.hkdf_hmac_sha512) {
      const from = { ikm: fromHex(ikm), salt: fromHex(salt), info: new TextEncoder().encode(info), length }
      expect(toHex(variant.hkdfSha512(from))).toBe(out)
    }
  })

  test('sha256 of the empty message is the known one', () => {
    expect(toHex(variant.sha256())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })

  test('hmac-sha512 agrees with RFC 4231, test case 2', () => {
    const text = new TextEncoder()

    expect(
      toHex(variant.hmacSha512(text.encode('Jefe'), text.encode('what do ya want '), text.encode('for nothing?'))),
    ).toBe(
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554' +
        '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
    )
  })

  test('results are plain arrays, whose slice copies', () => {
    const digest = variant.sha256(Uint8Array.of(1))

    expect(Object.getPrototypeOf(digest)).toBe(Uint8Array.prototype)
  })
})

test('sha2 variants agree on random keys and parts', () => {
  const bytes = fc.uint8Array({ maxLength: 300 })
  fc.assert(
    fc.property(bytes, bytes, bytes, (key, a, b) => {
      expect(toHex(node.sha256Node(a, b))).toBe(toHex(noble.sha256Noble(a, b)))
      expect(toHex(node.hmacSha256Node(key, a, b))).toBe(toHex(noble.hmacSha256Noble(key, a, b)))
      expect(toHex(node.hmacSha512Node(key, a, b))).toBe(toHex(noble.hmacSha512Noble(key, a, b)))
    }),
  )
})
