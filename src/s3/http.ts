/**
 * One request over node:http or node:https, its answer read to the end.
 */
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { concatBytes } from '../base/bytes.ts'
import { systemErrorCode } from '../base/errors.ts'
import { S3Failure } from './failure.ts'

export interface HttpOptions {
  /** Certificates to trust instead of Node's own, PEM. */
  readonly ca?: string | undefined
  /** A connection on which nothing moves for this long is given up. */
  readonly idleTimeoutMs: number
  readonly connectionsMax: number
  /** For host names that only the caller can resolve. */
  readonly lookup?: LookupFunction | undefined
}

export interface HttpRequest {
  readonly method: string
  /** scheme, host and port. */
  readonly origin: URL
  /** Path and query, encoded. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  /** Lower-case names; repeated ones joined. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Why `body` is only the beginning. */
  readonly cut: S3Failure | undefined
}

export class HttpConnections {
  readonly #options: HttpOptions
  readonly #agent: HttpAgent | HttpsAgent
  readonly #isSecure: boolean

  /** Connects to nothing yet. */
  constructor(isSecure: boolean, options: HttpOptions) {
    this.#options = options
    this.#isSecure = isSecure
    const common = { keepAlive: true, maxSockets: options.connectionsMax, maxFreeSockets: options.connectionsMax }
    this.#agent = isSecure
      ? new HttpsAgent({ ...common, ...(options.ca === undefined ? {} : { ca: options.ca }) })
      : new HttpAgent(common)
  }

  /** @throws S3Failure with status 0 when no answer came; the signal's reason. */
  async exchange(request: HttpRequest): Promise<HttpAnswer> {
    request.signal.throwIfAborted()
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const { method, origin, target, headers, body, signal } = request
      const { lookup, idleTimeoutMs } = this.#options
      const make = this.#isSecure ? httpsRequest : httpRequest
      const sent = make({
        method,
        hostname: origin.hostname.replace(/^\[|\]$/g, ''),
        port: origin.port === '' ? undefined : Number(origin.port),
        path: target,
        headers,
        agent: this.#agent,
        signal,
        ...(lookup === undefined ? {} : { lookup }),
      })
      sent.setTimeout(idleTimeoutMs, () => {
        sent.destroy(new S3Failure(0, 'ETIMEDOUT', `nothing came or went for ${idleTimeoutMs / 1000} s`))
      })
      sent.on('response', (answer) => {
        readAnswer(answer).then(resolve, reject)
      })
      sent.on('error', (error) => reject(signal.aborted ? signal.reason : networkFailure(error)))
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function readAnswer(answer: IncomingMessage): Promise<HttpAnswer> {
  const pieces: Uint8Array[] = []
  let cut: S3Failure | undefined
  try {
    for await (const piece of answer) pieces.push(piece)
  } catch (error) {
    cut = networkFailure(error)
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(answer.headers)) headers[name] = String(value)
  return { status: answer.statusCode ?? 0, headers, body: joined(pieces), cut }
}

/** Node's pieces are views of pooled memory, or of what nobody else uses: either way the result owns its bytes. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...pieces)
}

function networkFailure(error: unknown): S3Failure {
  if (error instanceof S3Failure) return error
  const message = error instanceof Error ? error.message : String(error)
  return new S3Failure(0, systemErrorCode(error) ?? '', message || (systemErrorCode(error) ?? 'connection failed'), {
    cause: error,
  })
}
