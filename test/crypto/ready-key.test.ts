import { describe, expect, test } from 'vitest'
import { dataView, equalBytes, fromHex, toHex } from '../../src/base/bytes.ts'
import { manifestId } from '../../src/base/ids.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import { readyKey } from '../../src/crypto/ready-key.ts'
import { aes256Ctr } from '../../src/kernels/aes-ctr.ts'
import { blake2b256 } from '../../src/kernels/blake2b.ts'
import { hkdfSha512, hmacSha256, pbkdf2Sha256 } from '../../src/kernels/sha2.ts'
import { type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'
import { allModes, vectorKey } from './key-vectors.ts'

interface Keyed {
  readonly key: string
  readonly input: readonly InputPart[]
  readonly out: string
}
const vectors = loadFixture<{
  readonly pbkdf2_hmac_sha256: readonly {
    readonly passphrase_utf8_hex: string
    readonly salt: string
    readonly iterations: number
    readonly dklen: number
    readonly out: string
  }[]
  readonly hmac_sha256: readonly Keyed[]
  readonly borg_blake2b_256: readonly Keyed[]
  readonly aes256_ctr: readonly (Keyed & { readonly iv: string })[]
  readonly hkdf_hmac_sha512: readonly {
    readonly ikm: string
    readonly salt: string
    readonly info: string
    readonly length: number
    readonly out: string
  }[]
}>('vectors/crypto-primitives.json')

function keyWith(mode: KeyMode, secrets: { mac?: Uint8Array; id?: Uint8Array; encryption?: Uint8Array }): KeyMaterial {
  const filler = new Uint8Array(32)
  return {
    mode,
    repositoryId: manifestId,
    encryptionKey: secrets.encryption ?? filler,
    macKey: secrets.mac ?? filler,
    idKey: secrets.id ?? filler,
    chunkSeed: 0,
    tamRequired: true,
  }
}

describe('the primitives agree with borg', () => {
  test.each(vectors.hmac_sha256)('HMAC-SHA256 $out', ({ key, input, out }) => {
    const secret = fromHex(key)
    expect(toHex(readyKey(keyWith('repokey', { mac: secret })).mac(inputBytes(input)))).toBe(out)
    expect(toHex(readyKey(keyWith('repokey', { id: secret })).id(inputBytes(input)))).toBe(out)
  })
  test.each(vectors.borg_blake2b_256)('BLAKE2b-256 $out', ({ key, input, out }) => {
    const secret = fromHex(key)
    expect(toHex(readyKey(keyWith('keyfile-blake2', { mac: secret })).mac(inputBytes(input)))).toBe(out)
    expect(toHex(readyKey(keyWith('keyfile-blake2', { id: secret })).id(inputBytes(input)))).toBe(out)
  })
  test.each(vectors.aes256_ctr)('AES-256-CTR from $iv', ({ key, iv, input, out }) => {
    const plain = inputBytes(input)
    const block = fromHex(iv)
    expect(dataView(block).getBigUint64(0)).toBe(0n)
    const output = new Uint8Array(plain.length + 5)
    readyKey(keyWith('repokey', { encryption: fromHex(key) })).crypt(dataView(block).getBigUint64(8), plain, output, 5)
    expect(toHex(output)).toBe(`0000000000${out}`)
  })
  test.each(vectors.pbkdf2_hmac_sha256)('PBKDF2 $out', ({ passphrase_utf8_hex, salt, iterations, dklen, out }) => {
    const derived = pbkdf2Sha256({
      password: fromHex(passphrase_utf8_hex),
      salt: fromHex(salt),
      iterations,
      length: dklen,
    })
    expect(toHex(derived)).toBe(out)
  })
  test.each(vectors.hkdf_hmac_sha512)('HKDF-SHA512 $info', ({ ikm, salt, info, length, out }) => {
    const derived = hkdfSha512({
      ikm: fromHex(ikm),
      salt: fromHex(salt),
      info: new TextEncoder().encode(info),
      length,
    })
    expect(toHex(derived)).toBe(out)
  })
})

test.each(allModes)('%s: kept key objects answer as the kernels do', (mode) => {
  const key = vectorKey(mode)
  const input = inputBytes([{ gen: 'sha256ctr', seed: mode, len: 200_003 }])
  const { id, mac, crypt } = readyKey(key)
  if (mode === 'none') {
    expect(() => mac(input)).toThrow(TypeError)
    expect(() => crypt(0n, input, new Uint8Array(input.length), 0)).toThrow(TypeError)
    return
  }
  const blake = mode.endsWith('blake2')
  expect(id(input)).toEqual(blake ? blake2b256(key.idKey, input) : hmacSha256(key.idKey, input))
  if (mode.startsWith('authenticated')) return
  expect(mac(input)).toEqual(blake ? blake2b256(key.macKey, input) : hmacSha256(key.macKey, input))
  const output = new Uint8Array(input.length)
  crypt(2n ** 63n + 1n, input, output, 0)
  expect(equalBytes(output, aes256Ctr(key.encryptionKey, 2n ** 63n + 1n, input))).toBe(true)
})

test('work with one key is not confused with that of another', () => {
  const [first, second] = [vectorKey('repokey'), vectorKey('keyfile')]
  const input = new Uint8Array(10)
  const before = toHex(readyKey(first).id(input))
  expect(toHex(readyKey(second).id(input))).not.toBe(before)
  expect(toHex(readyKey(first).id(input))).toBe(before)
  expect(readyKey(first)).toBe(readyKey(first))
})
