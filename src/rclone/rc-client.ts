/**
 * rclone's remote control over HTTP: calls with JSON, files up and down.
 */
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { Readable } from 'node:stream'
import { concatBytes } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { encodeText } from '../base/text.ts'
import type { RcloneDaemon } from './rclone-daemon.ts'

/** An answer of rclone that says no. */
export class RcloneRefusal extends Error {
  override readonly name = 'RcloneRefusal'
  /** 404 when what was asked for is not there. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

interface Sent {
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: AsyncIterable<Uint8Array> | undefined
}

/** Status of an answer whose end is missing: HTTP has none for it. */
export const brokenOff = 0

/** A listing of a million files fits. */
const jsonMax = 512 * 1024 * 1024

export class RcClient {
  readonly #daemon: RcloneDaemon
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })
  readonly #signal: AbortSignal | undefined

  constructor(daemon: RcloneDaemon, signal?: AbortSignal) {
    this.#daemon = daemon
    this.#signal = signal
  }

  /** @throws RcloneRefusal */
  async call(command: string, parameters: Readonly<Record<string, unknown>>): Promise<unknown> {
    const body = encodeText(JSON.stringify(parameters))
    const answer = await this.#send({
      path: `/${command}`,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
      body: Readable.from([body]),
    })
    return JSON.parse(new TextDecoder().decode(await this.#whole(answer, jsonMax)))
  }

  /** Bytes of a file, fewer than asked for when it ends. @throws RcloneRefusal */
  async read(fs: string, remote: string, range?: { offset: number; length: number }): Promise<Uint8Array> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }
    const path = `/${encodeURIComponent(`[${fs}]`)}/${remote.split('/').map(encodeURIComponent).join('/')}`
    const answer = await this.#send({ path, method: 'GET', headers })
    let bytes: Uint8Array
    try {
      bytes = await whole(answer, Number.POSITIVE_INFINITY)
    } catch (error) {
      if (this.#signal?.aborted === true) throw error
      throw new RcloneRefusal(`the answer broke off${this.#lastWords()}`, brokenOff)
    }
    const promised = answer.headers['content-length']
    if (promised !== undefined && Number(promised) !== bytes.length) {
      throw new RcloneRefusal(`${bytes.length} of ${promised} bytes came`, brokenOff)
    }
    // A server that knows no ranges sends everything.
    if (range !== undefined && answer.statusCode === 200) {
      return bytes.slice(range.offset, range.offset + range.length)
    }
    return bytes
  }

  /** Stores `size` bytes as `folder`/`name` of the remote. @throws RcloneRefusal */
  async upload(
    target: { readonly fs: string; readonly folder: string; readonly name: string },
    content: AsyncIterable<Uint8Array>,
    size: number,
  ): Promise<void> {
    const boundary = 'tsborg-5d2f0c9a7e1b'
    const name = target.name.replace(/["\\\r\n]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
    const head = encodeText(
      `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    )
    const tail = encodeText(`\r\n--${boundary}--\r\n`)
    async function* body(): AsyncGenerator<Uint8Array> {
      yield head
      yield* content
      yield tail
    }
    const query = new URLSearchParams({ fs: target.fs, remote: target.folder })
    const answer = await this.#send({
      path: `/operations/uploadfile?${query}`,
      method: 'POST',
      headers: {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        'content-length': String(head.length + size + tail.length),
      },
      body: body(),
    })
    await this.#whole(answer, jsonMax)
  }

  close(): void {
    this.#agent.destroy()
  }

  async #send({ path, method, headers, body }: Sent): Promise<IncomingMessage> {
    const options: RequestOptions = {
      host: '127.0.0.1',
      port: this.#daemon.port,
      path,
      method,
      headers: { ...headers, authorization: this.#daemon.authorization },
      agent: this.#agent,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sending = request(options, resolve)
      sending.once('error', (error) => reject(this.#broken(error)))
      if (body === undefined) {
        sending.end()
        return
      }
      const source = Readable.from(body, { objectMode: true })
      // The source's failure is the reason, whatever the connection says about it.
      source.once('error', (error) => {
        reject(error)
        sending.destroy()
      })
      source.pipe(sending)
    })
    if ((answer.statusCode ?? 500) >= 400) throw await this.#refusal(answer)
    return answer
  }

  async #whole(answer: IncomingMessage, max: number): Promise<Uint8Array> {
    try {
      return await whole(answer, max)
    } catch (error) {
      throw error instanceof Error && !(error instanceof RcloneRefusal) ? this.#broken(error) : error
    }
  }

  /** What rclone says instead of what was asked for. It may break off in the middle of saying it. */
  async #refusal(answer: IncomingMessage): Promise<Error> {
    let text: string
    try {
      text = new TextDecoder().decode(await whole(answer, jsonMax))
    } catch {
      text = answer.statusMessage ?? ''
    }
    return new RcloneRefusal(reasonIn(text), answer.statusCode ?? 500)
  }

  #lastWords(): string {
    const words = this.#daemon.lastWords()
    return words === '' ? '' : ` (rclone: ${words.split('\n').at(-1)})`
  }

  #broken(error: Error): Error {
    if (this.#signal?.aborted === true) return error
    return new BorgError('Error', [`Connection to rclone lost: ${error.message}${this.#lastWords()}`], { cause: error })
  }
}

/** Not everything rclone serves answers in JSON. */
function reasonIn(text: string): string {
  try {
    const told: unknown = JSON.parse(text)
    if (typeof told === 'object' && told !== null && 'error' in told) return String(told.error)
  } catch {
    // Plain text, then.
  }
  return text.trim()
}

async function whole(answer: IncomingMessage, max: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of answer as AsyncIterable<Uint8Array>) {
    pieces.push(piece)
    size += piece.length
    if (size > max) throw new RcloneRefusal(`an answer of more than ${max} bytes`, 500)
  }
  return concatBytes(...pieces)
}
