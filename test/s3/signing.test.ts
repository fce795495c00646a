/**
 * Signatures against the four examples that Amazon publishes with all their intermediate values.
 * Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single
 * Chunk", examples GET Object, PUT Object, GET Bucket Lifecycle and Get Bucket (List Objects).
 */
import { describe, expect, test } from 'vitest'
import { nanoseconds } from '../../src/base/ids.ts'
import {
  encodePath,
  encodeQuery,
  encodeUri,
  hashHex,
  signedHeaders,
  type UnsignedRequest,
  unsignedPayload,
} from '../../src/s3/signing.ts'

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const context = { credentials, region: 'us-east-1', now: nanoseconds(BigInt(Date.UTC(2013, 4, 24)) * 1_000_000n) }
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const host = 'examplebucket.s3.amazonaws.com'

const get: UnsignedRequest = { method: 'GET', path: '/', query: [], headers: { host }, payloadHash: emptyHash }

function signatureOf(request: UnsignedRequest, given: Partial<typeof context> = {}): string {
  const { authorization = '' } = signedHeaders(request, { ...context, ...given })
  return authorization.slice(authorization.indexOf('Signature=') + 'Signature='.length)
}

describe('the examples Amazon publishes', () => {
  test('GET Object, a range', () => {
    const request = { ...get, path: '/test.txt', headers: { host, range: 'bytes=0-9' } }

    const headers = signedHeaders(request, context)

    expect(headers['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    )
    expect(headers['x-amz-date']).toBe('20130524T000000Z')
  })

  test('PUT Object, a body and a character to be encoded', () => {
    const body = new TextEncoder().encode('Welcome to Amazon S3.')
    const request = {
      ...get,
      method: 'PUT',
      path: encodePath('/test$file.text'),
      headers: { host, date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      payloadHash: hashHex(body),
    }

    expect(signatureOf(request)).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd')
  })

  test('GET Bucket Lifecycle, a parameter without value', () => {
    const signature = signatureOf({ ...get, query: [['lifecycle', '']] })

    expect(signature).toBe('fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543')
  })

  test('List Objects, parameters in any order', () => {
    for (const query of [
      [
        ['max-keys', '2'],
        ['prefix', 'J'],
      ],
      [
        ['prefix', 'J'],
        ['max-keys', '2'],
      ],
    ] as const) {
      expect(signatureOf({ ...get, query })).toBe('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7')
    }
  })
})

test('a session token is a header, and signed', () => {
  const sessionToken = 'AQoDYXdzEPT//////////wEXAMPLE'

  const headers = signedHeaders(get, { ...context, credentials: { ...credentials, sessionToken } })

  expect(headers['x-amz-security-token']).toBe(sessionToken)
  expect(headers['authorization']).toContain('x-amz-date;x-amz-security-token,')
  expect(signatureOf(get)).not.toBe(signatureOf(get, { credentials: { ...credentials, sessionToken } as never }))
})

test('an unsigned payload is said to be one, under the signature', () => {
  const headers = signedHeaders({ ...get, payloadHash: unsignedPayload }, context)

  expect(headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
  expect(headers['authorization']).not.toBe(signedHeaders(get, context)['authorization'])
})

test('keys and parameters are encoded byte by byte, whatever bytes they are', () => {
  expect(encodeUri("AZaz09-._~!'()*+ =&/")).toBe('AZaz09-._~%21%27%28%29%2A%2B%20%3D%26%2F')
  expect(encodePath('backups/Öl 1/ä+b')).toBe('backups/%C3%96l%201/%C3%A4%2Bb')
  // A name that is not UTF-8, as surrogateescape text.
  expect(encodePath('a/\udcff')).toBe('a/%FF')
  expect(encodeUri('🗄')).toBe('%F0%9F%97%84')
  expect(
    encodeQuery([
      ['b', '2'],
      ['a b', 'ü'],
      ['a', '2'],
      ['a', '1'],
    ]),
  ).toBe('a=1&a=2&a%20b=%C3%BC&b=2')
})
