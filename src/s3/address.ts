/**
 * Where a bucket is reached: host names, paths, and what it is called in messages.
 */
import { BorgError } from '../base/errors.ts'
import { canonicalLocation } from '../location/location.ts'
import { encodePath } from './signing.ts'

/** As in Location: no slashes around the prefix, '' for the whole bucket. */
export interface S3Place {
  readonly endpoint: string
  readonly bucket: string
  readonly prefix: string
}

/** path: https://endpoint/bucket/key. virtual: https://bucket.endpoint/key. auto: virtual at Amazon, else path. */
export type S3Addressing = 'path' | 'virtual' | 'auto'

export interface S3AddressOptions {
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly addressing?: S3Addressing | undefined
}

const amazonHost = 's3.amazonaws.com'

export class S3Address {
  /** As people write it. */
  readonly name: string
  /** One text for one place, however it was written. */
  readonly identity: string
  readonly isSecure: boolean
  /** '' or ends with '/'. */
  readonly prefix: string
  readonly #bucket: string
  readonly #isVirtual: boolean
  #origin: URL

  /** @throws BorgError 'CommandError' */
  constructor(place: S3Place, options: S3AddressOptions) {
    this.#bucket = place.bucket
    this.prefix = place.prefix === '' ? '' : `${place.prefix}/`
    const given = options.endpoint !== undefined && isAmazonDefault(place.endpoint) ? options.endpoint : place.endpoint
    const parsed = parseEndpoint(given)
    this.name = canonicalLocation({ scheme: 's3', ...place })
    this.isSecure = parsed.protocol === 'https:'
    this.#origin = parsed
    const addressing = options.addressing ?? 'auto'
    this.#isVirtual =
      addressing === 'virtual' || (addressing === 'auto' && isAmazon(parsed) && isHostLabel(place.bucket))
    this.identity = `s3:${parsed.origin}/${place.bucket}/${this.prefix}`
    if (options.region !== undefined) this.moveTo(options.region)
    if (this.#isVirtual && !isHostLabel(place.bucket)) {
      throw new BorgError('CommandError', [`${this.name}: bucket '${place.bucket}' cannot be part of a host name`])
    }
  }

  get bucket(): string {
    return this.#bucket
  }

  get origin(): URL {
    const { protocol, host } = this.#origin
    return new URL(`${protocol}//${this.#isVirtual ? `${this.#bucket}.` : ''}${host}`)
  }

  /** The Host header and the encoded path for a key, or for the bucket. */
  of(key: string | undefined): { host: string; target: string } {
    const path = key === undefined ? '' : encodePath(key)
    const bucket = this.#isVirtual ? '' : `/${encodePath(this.#bucket)}`
    return { host: this.origin.host, target: key === undefined && bucket !== '' ? bucket : `${bucket}/${path}` }
  }

  key(path: string): string {
    return this.prefix + path
  }

  /** A key without the prefix. */
  relative(key: string): string {
    return key.startsWith(this.prefix) ? key.slice(this.prefix.length) : key
  }

  /** Amazon has a host name for each region; other services have one for all. */
  moveTo(region: string): void {
    if (!isAmazonDefault(this.#origin.origin) && !/^s3\.[a-z0-9-]+\.amazonaws\.com$/.test(this.#origin.hostname)) return
    const host = region === 'us-east-1' ? amazonHost : `s3.${region}.amazonaws.com`
    this.#origin = new URL(`https://${host}`)
  }
}

/** @throws BorgError 'CommandError'; the text is not repeated where it may hold a password. */
function parseEndpoint(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new BorgError('CommandError', [`invalid S3 endpoint${text.includes('@') ? '' : ` '${text}'`}`])
  }
  if (url.username !== '' || url.password !== '') {
    throw new BorgError('CommandError', [`the S3 endpoint at ${url.host} must not have credentials in it`])
  }
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.pathname !== '/' || url.search + url.hash !== '') {
    throw new BorgError('CommandError', [`invalid S3 endpoint '${url.host}': only http(s)://host[:port] is possible`])
  }
  return url
}

function isAmazonDefault(endpoint: string): boolean {
  return endpoint === `https://${amazonHost}`
}

function isAmazon(url: URL): boolean {
  return /\.amazonaws\.com(\.cn)?$/.test(url.hostname)
}

/** Dots would not match Amazon's certificate. */
function isHostLabel(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)
}
