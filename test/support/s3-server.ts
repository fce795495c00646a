/**
 * An S3 service in this process, stricter than real ones: it verifies every signature by its own reckoning, knows exactly
 * the operations of s3-operations.ts, and can be told to fail in any way at any request.
 */
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { operate, type S3Reply, S3World } from './s3-server-operations.ts'

export interface SeenRequest {
  /** Counted from 0. */
  readonly number: number
  readonly method: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

/** What becomes of a request: before it has an effect, or when only the answer is still to come. */
export type Fault =
  | { readonly at: 'before' | 'after'; readonly status: number; readonly code: string; readonly message?: string }
  | { readonly at: 'before' | 'after'; readonly connection: 'reset' | 'silent' }
  /** The body breaks off after this many bytes. */
  | { readonly at: 'after'; readonly cutAfter: number }
  /** Status 200 with an error in the body. */
  | { readonly at: 'before' | 'after'; readonly embedded: string }

export interface S3ServerOptions {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  readonly region?: string
  /** Buckets that are there from the start. */
  readonly buckets?: readonly string[]
  /** For https. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Without: conditions on PUT are overlooked, as older services do. */
  readonly conditions?: 'honoured' | 'ignored' | 'refused'
  /** Less its clock than ours. */
  readonly clockAheadSeconds?: number
  readonly pageSize?: number
}

export class S3Server {
  readonly world: S3World
  readonly seen: SeenRequest[] = []
  /** Decides what happens to a request; undefined: nothing special. */
  fault: ((request: SeenRequest) => Fault | undefined) | undefined
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string | undefined
  readonly #options: S3ServerOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async start(options: S3ServerOptions = {}): Promise<S3Server> {
    const server = new S3Server(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  private constructor(options: S3ServerOptions) {
    this.#options = options
    this.accessKeyId = options.accessKeyId ?? 'AKIATESTTESTTEST'
    this.secretAccessKey = options.secretAccessKey ?? 'wJalrXUtnFEMIK7MDENGbPxRfiCYzSecretKey'
    this.sessionToken = options.sessionToken
    this.world = new S3World(options.buckets ?? ['bucket'], options.conditions ?? 'honoured', options.pageSize ?? 1000)
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response).catch((error: unknown) => {
        // A bug of the test server must not look like a fault of the service.
        console.error(error)
        response.destroy()
      })
    }
    this.#server = options.tls === undefined ? createServer(listener) : createSecureServer(options.tls, listener)
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get endpoint(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}`
  }

  get credentials(): { accessKeyId: string; secretAccessKey: string; sessionToken: string | undefined } {
    const { accessKeyId, secretAccessKey, sessionToken } = this
    return { accessKeyId, secretAccessKey, sessionToken }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const target = addressed(request, this.world)
    const seen: SeenRequest = {
      number: this.seen.length,
      method: request.method ?? '',
      key: target.key,
      query: target.query,
      headers: request.headers,
    }
    this.seen.push(seen)
    const fault = this.fault?.(seen)
    if (fault?.at === 'before') {
      this.#fail(fault, request, response)
      return
    }
    const refusal = this.#refusal(request, target.path, body)
    const reply = refusal ?? operate(this.world, { ...seen, bucket: target.bucket, body })
    if (fault === undefined) this.#send(reply, request, response)
    else if ('cutAfter' in fault) {
      response.writeHead(reply.status, this.#headers(reply))
      response.write(reply.body.subarray(0, fault.cutAfter), () => response.destroy())
    } else this.#fail(fault, request, response)
  }

  #fail(fault: Exclude<Fault, { cutAfter: number }>, request: IncomingMessage, response: ServerResponse): void {
    if ('connection' in fault) {
      if (fault.connection === 'reset') response.destroy()
      return
    }
    const [status, code, message] =
      'embedded' in fault
        ? [200, fault.embedded, 'told late']
        : [fault.status, fault.code, fault.message ?? 'as planned']
    this.#send(errorReply(status, code, message), request, response)
  }

  #send(reply: S3Reply, request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(reply.status, this.#headers(reply))
    response.end(request.method === 'HEAD' ? undefined : reply.body)
  }

  #headers(reply: S3Reply): Record<string, string> {
    return { date: this.#now().toUTCString(), 'content-length': String(reply.body.length), ...reply.headers }
  }

  #now(): Date {
    return new Date(Date.now() + 1000 * (this.#options.clockAheadSeconds ?? 0))
  }

  /** Undefined when the signature holds. */
  #refusal(request: IncomingMessage, path: string, body: Buffer): S3Reply | undefined {
    const { headers } = request
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
        headers.authorization ?? '',
      )
    if (match === null) return errorReply(403, 'AccessDenied', 'Access Denied')
    const [, keyId = '', day = '', region = '', names = '', signature = ''] = match
    if (keyId !== this.accessKeyId) return errorReply(403, 'InvalidAccessKeyId', `no such key: ${keyId}`)
    const wantedRegion = this.#options.region ?? 'us-east-1'
    if (region !== wantedRegion) {
      return errorReply(400, 'AuthorizationHeaderMalformed', 'wrong region', `<Region>${wantedRegion}</Region>`)
    }
    if (this.sessionToken !== undefined && headers['x-amz-security-token'] !== this.sessionToken) {
      return errorReply(400, 'ExpiredToken', 'The provided token has expired.')
    }
    const time = String(headers['x-amz-date'])
    const sent = Date.parse(time.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
    if (Math.abs(sent - this.#now().getTime()) > 15 * 60_000) {
      return errorReply(403, 'RequestTimeTooSkewed', 'The difference between the clocks is too large.')
    }
    const unsigned = [
      'host',
      ...Object.keys(headers).filter((name) => name.startsWith('x-amz-') || name === 'content-md5'),
    ]
    if (unsigned.some((name) => !names.split(';').includes(name))) {
      return errorReply(403, 'AccessDenied', 'There were headers present in the request which were not signed')
    }
    const payload = String(headers['x-amz-content-sha256'])
    if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) {
      return errorReply(400, 'XAmzContentSHA256Mismatch', 'The body is not what was signed.')
    }
    if (payload === 'UNSIGNED-PAYLOAD' && this.#options.tls === undefined) {
      return errorReply(400, 'InvalidRequest', 'An unsigned body over an open line.')
    }
    const md5 = headers['content-md5']
    if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) {
      return errorReply(400, 'BadDigest', 'The body is not what its MD5 says.')
    }
    const canonical = [
      request.method,
      path,
      (request.url?.split('?')[1] ?? '').split('&').sort().join('&'),
      ...names.split(';').map((name) => `${name}:${String(headers[name]).trim()}`),
      '',
      names,
      payload,
    ].join('\n')
    const scope = `${day}/${region}/s3/aws4_request`
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(Buffer.from(canonical))}`
    const key = scope
      .split('/')
      .reduce<Buffer>((secret, step) => hmac(secret, step), Buffer.from(`AWS4${this.secretAccessKey}`))
    if (hmac(key, toSign).toString('hex') === signature) return undefined
    // As real ones do, which is why nothing of an error's body but its message may be shown.
    const extra = `<StringToSign>${toSign}</StringToSign><SignatureProvided>${signature}</SignatureProvided>`
    return errorReply(403, 'SignatureDoesNotMatch', `calculated something else than Signature=${signature}`, extra)
  }
}

export function errorReply(status: number, code: string, message: string, extra = ''): S3Reply {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message>${extra}<RequestId>TESTREQUEST</RequestId></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) }
}

/** Both forms: bucket.host/key and host/bucket/key. */
function addressed(
  request: IncomingMessage,
  world: S3World,
): { bucket: string; key: string; path: string; query: URLSearchParams } {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const label = (request.headers.host ?? '').split('.')[0] ?? ''
  const isVirtual = world.buckets.has(label)
  const parts = path.slice(1).split('/')
  const bucket = isVirtual ? label : decodeURIComponent(parts.shift() ?? '')
  // Latin-1, so that keys of any bytes survive in a Map.
  const key = unescapeBytes(parts.join('/'))
  return { bucket, key, path, query: new URLSearchParams(query) }
}

function unescapeBytes(text: string): string {
  const bytes = text.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
