/**
 * AWS Signature Version 4 in request headers.
 * Source: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3 API Reference.
 */
import { toHex } from '../base/bytes.ts'
import type { Nanoseconds } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'
import { hmacSha256, sha256 } from '../kernels/sha2.ts'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined
}

export interface UnsignedRequest {
  readonly method: string
  /** Percent-encoded by `encodePath`. */
  readonly path: string
  /** Not encoded yet; in any order. */
  readonly query: readonly (readonly [name: string, value: string])[]
  /** Lower-case names; all of them are signed, 'host' must be among them. */
  readonly headers: Readonly<Record<string, string>>
  /** Hex SHA-256 of the body, or 'UNSIGNED-PAYLOAD'. */
  readonly payloadHash: string
}

export interface SigningContext {
  readonly credentials: S3Credentials
  readonly region: string
  readonly now: Nanoseconds
}

export const unsignedPayload = 'UNSIGNED-PAYLOAD'

const algorithm = 'AWS4-HMAC-SHA256'

/** The headers of `request` and those that make it a signed one. */
export function signedHeaders(request: UnsignedRequest, context: SigningContext): Record<string, string> {
  const { credentials, region } = context
  const time = basicTime(context.now)
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-content-sha256': request.payloadHash,
    'x-amz-date': time,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    request.method,
    request.path,
    encodeQuery(request.query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    request.payloadHash,
  ].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const toSign = [algorithm, time, scope, hashHex(encodeText(canonical))].join('\n')
  let key = encodeText(`AWS4${credentials.secretAccessKey}`)
  for (const step of scope.split('/')) key = hmacSha256(key, encodeText(step))
  const signature = toHex(hmacSha256(key, encodeText(toSign)))
  const credential = `${credentials.accessKeyId}/${scope}`
  headers['authorization'] =
    `${algorithm} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return headers
}

export function hashHex(bytes: Uint8Array): string {
  return toHex(sha256(bytes))
}

/** 'name=value' pairs as they are signed and sent: encoded, and in the order of the encoded names. */
export function encodeQuery(query: UnsignedRequest['query']): string {
  const pairs = query.map(([name, value]) => [encodeUri(name), encodeUri(value)] as const)
  // ASCII by now: units are bytes.
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

/** A key as a URL path; slashes stay. Keys are surrogateescape text, so that any bytes can be asked for. */
export function encodePath(key: string): string {
  return key.split('/').map(encodeUri).join('/')
}

/** Everything but letters, digits and '-._~' becomes %XX, upper-case. */
export function encodeUri(text: string): string {
  let encoded = ''
  for (const byte of encodeText(text)) {
    const character = String.fromCharCode(byte)
    encoded += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/** '20130524T000000Z' */
function basicTime(now: Nanoseconds): string {
  return new Date(Number(now / 1_000_000n)).toISOString().replace(/[-:]|\.\d+/g, '')
}
