/**
 * Requests to one bucket: signed, sent, and sent again as long as that may help.
 *
 * Every request of this room may be repeated: it reads, it replaces something whole, or it is conditional and its sender
 * recognises its own earlier success. So a request that failed is repeated without asking what became of it.
 */
import { createHash } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { BorgError } from '../base/errors.ts'
import { type Host, systemHost } from '../base/host.ts'
import { nanoseconds } from '../base/ids.ts'
import { printableText } from '../base/text.ts'
import { S3Address, type S3Addressing, type S3Place } from './address.ts'
import { type ErrorAnswer, isTransient, parseErrorAnswer, S3Failure } from './failure.ts'
import { type HttpAnswer, HttpConnections } from './http.ts'
import { encodeQuery, hashHex, type S3Credentials, signedHeaders, unsignedPayload } from './signing.ts'

/** Asked before every request, so that credentials may change while the program runs. */
export type S3CredentialsSource = S3Credentials | (() => S3Credentials | Promise<S3Credentials>)

export interface S3ClientOptions {
  readonly credentials: S3CredentialsSource
  /** Default us-east-1, which services other than Amazon's mostly take. */
  readonly region?: string | undefined
  /** Where the location names no endpoint: this one instead of Amazon's. */
  readonly endpoint?: string | undefined
  readonly addressing?: S3Addressing | undefined
  /** Certificates (PEM) to trust instead of Node's own. */
  readonly ca?: string | undefined
  /** 'unsigned' leaves it to TLS to keep bodies intact, and is possible over https only. Default 'signed'. */
  readonly payload?: 'signed' | 'unsigned' | undefined
  /** A connection on which nothing moves for this long counts as lost. Default 60 s. */
  readonly idleTimeoutMs?: number | undefined
  /** How often a request is sent before it counts as failed. Default 10. */
  readonly attemptsMax?: number | undefined
  /** For host names that only the caller can resolve. */
  readonly lookup?: LookupFunction | undefined
  readonly host?: Host | undefined
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Whole key; absent for the bucket itself. */
  readonly key?: string | undefined
  readonly query?: readonly (readonly [string, string])[] | undefined
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Uint8Array | undefined
  /** For messages: 'reading', 'writing' ... */
  readonly doing: string
  /** Statuses besides 2xx that are an answer and no failure. */
  readonly accept?: readonly number[] | undefined
  /** Instead of the client's. */
  readonly attemptsMax?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface S3Answer extends HttpAnswer {
  /** Of a status that is no 2xx. */
  readonly error: ErrorAnswer | undefined
}

const backOffMinMs = 200
const backOffMaxMs = 20_000
const connectionsMax = 24

export class S3Client {
  readonly address: S3Address
  readonly host: Host
  readonly attemptsMax: number
  readonly #options: S3ClientOptions
  readonly #connections: HttpConnections
  readonly #closing = new AbortController()
  #region: string
  /** The server's clock less ours. */
  #skewNanoseconds = 0n
  /** What must not be shown, whoever repeats it. */
  readonly #secrets = new Set<string>()

  /** Touches nothing. @throws BorgError 'CommandError' for an endpoint that is none. */
  constructor(place: S3Place, options: S3ClientOptions) {
    this.address = new S3Address(place, options)
    this.#options = options
    this.host = options.host ?? systemHost
    this.attemptsMax = options.attemptsMax ?? 10
    this.#region = options.region ?? 'us-east-1'
    if (options.payload === 'unsigned' && !this.address.isSecure) {
      throw new BorgError('CommandError', [`${this.address.name}: unsigned payloads need an https endpoint`])
    }
    const { ca, lookup, idleTimeoutMs = 60_000 } = options
    this.#connections = new HttpConnections(this.address.isSecure, { ca, lookup, idleTimeoutMs, connectionsMax })
  }

  /** How many requests were sent, repeated ones included. */
  requests = 0

  /** @throws S3Failure, with one message that says all; BorgError from the source of credentials. */
  async request(request: S3Request): Promise<S3Answer> {
    const attemptsMax = request.attemptsMax ?? this.attemptsMax
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(request)
      if (!(outcome instanceof S3Failure)) return outcome
      if (!isTransient(outcome) || attempt >= attemptsMax) {
        const often = attempt > 1 ? `, after ${attempt} attempts` : ''
        throw this.failure(outcome.status, outcome.s3Code, request.doing, request.key, `${outcome.message}${often}`)
      }
      await this.pause(attempt, request.signal)
    }
  }

  /** Before attempt number `attempt` + 1: up to 200 ms, doubled each time, chance decides. */
  async pause(attempt: number, signal?: AbortSignal): Promise<void> {
    const most = Math.min(backOffMaxMs, backOffMinMs * 2 ** (attempt - 1))
    const [high = 0, low = 0] = this.host.randomBytes(2)
    await this.host.sleep((most * (1 + high * 256 + low)) / 65536, this.#signal(signal))
  }

  /** One line that says where, what and why, and shows no secret. */
  failure(status: number, code: string, doing: string, key: string | undefined, why: string): S3Failure {
    const what = key === undefined ? '' : ` ${printableText(this.address.relative(key))}`
    return new S3Failure(status, code, this.#withoutSecrets(`${this.address.name}: ${doing}${what}: ${why}`))
  }

  /** Ends what is under way; nothing can be asked for afterwards. */
  close(): void {
    this.#closing.abort(new S3Failure(0, '', `${this.address.name} is closed`))
    this.#connections.close()
  }

  /** One request, with the corrections that need no waiting: the server's clock, the bucket's region. */
  async #attempt(request: S3Request): Promise<S3Answer | S3Failure> {
    for (let corrected = 0; ; corrected++) {
      const outcome = await this.#send(request)
      if (outcome instanceof S3Failure) return outcome
      if (isSuccess(outcome.status) || request.accept?.includes(outcome.status)) {
        return outcome.cut !== undefined && request.method !== 'GET' ? outcome.cut : outcome
      }
      if (corrected < 2 && this.#correct(outcome)) continue
      const { code = '', message = '', requestId = '' } = outcome.error ?? {}
      const says = [code, message].filter((part) => part !== '').join(': ') || 'no reason given'
      const id = requestId === '' ? '' : `, request ${requestId}`
      return new S3Failure(outcome.status, code, `${says} (HTTP ${outcome.status}${id})`)
    }
  }

  async #send(request: S3Request): Promise<S3Answer | S3Failure> {
    const signal = this.#signal(request.signal)
    signal.throwIfAborted()
    const credentials = await this.#credentials()
    const { host, target } = this.address.of(request.key)
    const query = request.query ?? []
    const isUnsigned = this.#options.payload === 'unsigned' && request.body !== undefined
    const headers: Record<string, string> = { ...request.headers, host }
    if (request.method === 'PUT' || request.method === 'POST') Object.assign(headers, bodyHeaders(request.body))
    const { 'content-length': length, ...signed } = headers
    const now = nanoseconds(this.host.now() + this.#skewNanoseconds)
    const sent = signedHeaders(
      {
        method: request.method,
        path: target,
        query,
        headers: signed,
        payloadHash: isUnsigned ? unsignedPayload : hashHex(request.body ?? new Uint8Array(0)),
      },
      { credentials, region: this.#region, now },
    )
    this.requests += 1
    try {
      const answer = await this.#connections.exchange({
        method: request.method,
        origin: this.address.origin,
        target: query.length === 0 ? target : `${target}?${encodeQuery(query)}`,
        headers: length === undefined ? sent : { ...sent, 'content-length': length },
        body: request.body,
        signal,
      })
      return { ...answer, error: isSuccess(answer.status) ? undefined : parseErrorAnswer(answer.body) }
    } catch (error) {
      if (error instanceof S3Failure && !signal.aborted) return error
      throw error
    }
  }

  /** True when `answer` told us something that makes it worth asking again at once. */
  #correct(answer: S3Answer): boolean {
    const { code = '', region = '' } = answer.error ?? {}
    if (code === 'RequestTimeTooSkewed') {
      const serverMs = Date.parse(answer.headers['date'] ?? '')
      if (Number.isNaN(serverMs)) return false
      this.#skewNanoseconds = BigInt(serverMs) * 1_000_000n - this.host.now()
      return true
    }
    const found = answer.headers['x-amz-bucket-region'] ?? region
    const isElsewhere =
      answer.status === 301 || answer.status === 400 || code === 'AuthorizationHeaderMalformed' || answer.status === 307
    if (!isElsewhere || found === '' || found === this.#region || !/^[a-z0-9-]+$/.test(found)) return false
    this.#region = found
    this.address.moveTo(found)
    return true
  }

  async #credentials(): Promise<S3Credentials> {
    const { credentials } = this.#options
    const current = typeof credentials === 'function' ? await credentials() : credentials
    for (const secret of [current.secretAccessKey, current.sessionToken, current.accessKeyId]) {
      if (secret !== undefined && secret !== '') this.#secrets.add(secret)
    }
    return current
  }

  /** Servers repeat what they were sent, in messages too. */
  #withoutSecrets(text: string): string {
    let clean = text.replace(/(Signature=|Signature:? ?)[0-9a-f]{64}/g, '$1***')
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '***')
    // One line, and no control characters of somebody else's making.
    return clean.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 1000)
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal])
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** Content-MD5 because buckets with object lock insist on it; the signature covers the body as well. */
function bodyHeaders(body: Uint8Array = new Uint8Array(0)): Record<string, string> {
  const length = { 'content-length': String(body.length) }
  if (body.length === 0) return length
  try {
    return { ...length, 'content-md5': createHash('md5').update(body).digest('base64') }
  } catch {
    // Systems in FIPS mode have no MD5.
    return length
  }
}
