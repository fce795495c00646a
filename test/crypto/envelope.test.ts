import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dataView, equalBytes, fromHex, toHex } from '../../src/base/bytes.ts'
import { objectIdFromHex } from '../../src/base/ids.ts'
import type { Compressor } from '../../src/compress/compressor.ts'
import { makeCompressor } from '../../src/compress/registry.ts'
import { blocksFor, idHash, nonceOf, open, openPayload, seal, sealPayload } from '../../src/crypto/envelope.ts'
import { type KeyMaterial, wipe } from '../../src/crypto/key-material.ts'
import { modes } from '../../src/crypto/modes.ts'
import { inputBytes } from '../support/vectors.ts'
import { allModes, keyOf, keyVectors, modeVectors, title, vectorKey } from './key-vectors.ts'

const noRandom = (): never => {
  throw new Error('no chance here')
}
const none: Compressor = await makeCompressor('none', noRandom)
const hello = new TextEncoder().encode('hello')
const encrypting = allModes.filter((mode) => modes[mode].cipher !== 'none')

/** Answers with what borg's compressor made, so that the envelope can be compared byte by byte. */
function madeByBorg(payload: Uint8Array): Compressor {
  return { spec: 'fixed', compress: () => payload, storedSizeMax: () => payload.length }
}

for (const vector of keyVectors.filter(({ samples }) => samples !== undefined)) {
  describe(`envelopes of borg: ${title(vector)}`, () => {
    const key = keyOf(vector)
    const cipher = modes[key.mode].cipher !== 'none'
    for (const sample of vector.samples ?? []) {
      const plain = inputBytes(sample.input)
      const stored = fromHex(sample.envelope)

      test(`'${sample.name}' has borg's id`, () => {
        expect(toHex(idHash(key, plain))).toBe(sample.id)
      })
      test(`'${sample.name}' opens`, async () => {
        expect(toHex(await open(key, objectIdFromHex(sample.id), stored))).toBe(toHex(plain))
      })
      test(`'${sample.name}' seals to the same bytes`, () => {
        const payload = openPayload(key, undefined, stored).slice()
        if (sample.compressed !== undefined) expect(toHex(payload)).toBe(sample.compressed)

        const sealed = seal(key, madeByBorg(payload), plain, BigInt(sample.iv ?? 0))

        // The legacy type is only read: what we write carries the repokey's type, which the MAC does not cover.
        const expected = vector.type_byte === 1 ? `03${sample.envelope.slice(2)}` : sample.envelope
        expect(toHex(sealed)).toBe(expected)
        if (sample.mac !== undefined) expect(toHex(sealed.subarray(1, 33))).toBe(sample.mac)
      })
      test(`'${sample.name}' says which blocks it took`, () => {
        const blocks = BigInt(Math.ceil((stored.length - 41) / 16))
        expect(nonceOf(stored)).toEqual(cipher ? { nonce: BigInt(sample.iv ?? 0), blocks } : undefined)
      })
    }
    for (const refused of vector.decrypt_cases ?? []) {
      test(`decrypting '${refused.name}': ${refused.result}`, async () => {
        const id = refused.id === null ? undefined : objectIdFromHex(refused.id)
        const opened = open(key, id, fromHex(refused.envelope))
        if (refused.result === 'ok') {
          expect(await opened).toEqual(hello)
        } else {
          const because = {
            'integrity-error:id-mismatch': /id verification failed$/,
            'integrity-error:mac-mismatch': /MAC Authentication failed/,
            'integrity-error:bad-type-byte': /Invalid (encryption )?envelope$/,
          }[refused.result]
          await expect(opened).rejects.toMatchObject({ code: 'IntegrityError' })
          await expect(opened).rejects.toThrow(because ?? /no such result known/)
        }
      })
    }
  })
}

test('every case list of the vectors is there', () => {
  expect(keyVectors.filter(({ samples }) => samples !== undefined)).toHaveLength(8)
  expect(new Set(modeVectors.map(({ mode }) => mode))).toEqual(new Set(allModes))
})

describe('envelopes of our own', () => {
  test.each(allModes)('%s: what is sealed opens, whatever its size, compression and nonce', async (mode) => {
    const key = vectorKey(mode)
    const compressors = [none, await makeCompressor('lz4', noRandom), await makeCompressor('zlib,6', noRandom)]
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1000n }),
        fc.constantFrom(...compressors),
        async (plain, nonce, compressor) => {
          const sealed = seal(key, compressor, plain, nonce)
          expect(await open(key, idHash(key, plain), sealed)).toEqual(plain)
          const taken = nonceOf(sealed)
          if (taken === undefined) return
          expect(taken.nonce).toBe(nonce)
          expect(taken.blocks).toBeLessThanOrEqual(BigInt(blocksFor(key, compressor, plain.length)))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('large objects cross the pieces they are enciphered in', async () => {
    const plain = inputBytes([{ gen: 'sha256ctr', seed: 'large', len: 300_001 }])
    for (const mode of encrypting) {
      const key = vectorKey(mode)
      const sealed = seal(key, none, plain, 7n)
      // Enciphered in one piece from a later block on, the tail must come out the same.
      const tail = sealPayload(key, openPayload(key, undefined, sealed).subarray(16 * 9000), 9007n)
      expect(toHex(tail.subarray(41))).toBe(toHex(sealed.subarray(41 + 16 * 9000)))
      expect(equalBytes(await open(key, idHash(key, plain), sealed), plain)).toBe(true)
    }
  })

  test.each(allModes)('%s: damage of any single byte is refused', async (mode) => {
    const key = vectorKey(mode)
    const plain = inputBytes([{ gen: 'sha256ctr', seed: 'damage', len: 100 }])
    const id = idHash(key, plain)
    const sealed = seal(key, none, plain, 1n)
    for (let at = 0; at < sealed.length; at++) {
      const damaged = sealed.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 0x41
      await expect(open(key, id, damaged), `byte ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(IntegrityError|DecompressionError|UnsupportedPayloadError)$/),
      })
    }
  })

  test.each(allModes)('%s: every cut is refused', async (mode) => {
    const key = vectorKey(mode)
    const id = idHash(key, hello)
    const sealed = seal(key, none, hello, 1n)
    for (let size = 0; size < sealed.length; size++) {
      await expect(open(key, id, sealed.subarray(0, size)), `${size} bytes`).rejects.toMatchObject({
        code: expect.stringMatching(/^(IntegrityError|DecompressionError)$/),
      })
    }
  })

  test('a mode takes only its own type, and a repokey the legacy one too', async () => {
    for (const mode of allModes) {
      const key = vectorKey(mode)
      const sealed = seal(key, none, hello, 1n)
      for (let type = 0; type < 256; type++) {
        const retyped = sealed.slice()
        retyped[0] = type
        const accepted = type === sealed[0] || (mode === 'repokey' && type === 1)
        const opened = await open(key, idHash(key, hello), retyped).then(
          () => true,
          () => false,
        )
        expect(opened, `${mode}, type ${type}`).toBe(accepted)
      }
    }
  })

  test('a compressor that lies about its bound cannot reach the blocks of others', () => {
    const liar: Compressor = { spec: 'liar', compress: () => new Uint8Array(33), storedSizeMax: () => 32 }
    expect(() => seal(vectorKey('repokey'), liar, hello, 0n)).toThrow(RangeError)
  })

  test('a nonce that would wrap around is refused', () => {
    const key = vectorKey('keyfile-blake2')
    expect(() => sealPayload(key, new Uint8Array(17), 2n ** 64n - 1n)).toThrow(RangeError)
    expect(() => sealPayload(key, new Uint8Array(1), -1n)).toThrow(RangeError)
    expect(dataView(sealPayload(key, new Uint8Array(16), 2n ** 64n - 1n)).getBigUint64(33)).toBe(2n ** 64n - 1n)
  })

  test('modes without cipher need no blocks', () => {
    for (const mode of allModes) {
      expect(blocksFor(vectorKey(mode), none, 1000)).toBe(modes[mode].cipher === 'none' ? 0 : 63)
    }
  })
})

describe('keys that must not be used', () => {
  test('a wiped key neither seals nor opens, also when it was in use before', async () => {
    for (const mode of allModes) {
      const key = vectorKey(mode)
      const sealed = seal(key, none, hello, 0n)
      wipe(key)
      expect(() => idHash(key, hello)).toThrow(TypeError)
      if (modes[mode].cipher !== 'none') expect(() => seal(key, none, hello, 1n)).toThrow(TypeError)
      await expect(open(key, idHash(vectorKey(mode), hello), sealed)).rejects.toThrow(TypeError)
      expect([...key.encryptionKey, ...key.macKey, ...key.idKey].every((byte) => byte === 0)).toBe(true)
    }
  })

  test('without secrets, authenticated objects open unchecked and nothing is sealed', async () => {
    const sealed = seal(vectorKey('authenticated'), none, hello, 0n)
    const zeros = new Uint8Array(32)
    const blind: KeyMaterial = {
      ...vectorKey('authenticated'),
      encryptionKey: zeros,
      macKey: zeros,
      idKey: zeros,
      withoutSecrets: true,
    }

    expect(await open(blind, objectIdFromHex('11'.repeat(32)), sealed)).toEqual(hello)
    expect(() => seal(blind, none, hello, 0n)).toThrow(TypeError)
  })
})
