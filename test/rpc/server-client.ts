/**
 * The other end of an in-process `serve`: sends what it is told, whatever it is, and reads answers one by one.
 */
import { PassThrough } from 'node:stream'
import { encodeText } from '../../src/base/text.ts'
import { type Unpacked, type UnpackedMap, Unpacker } from '../../src/format/msgpack-decode.ts'
import { type Packable, pack } from '../../src/format/msgpack-encode.ts'
import { type ServePolicy, serve } from '../../src/rpc/server.ts'
import type { FakeHost } from '../support/fake-host.ts'

export const everything: ServePolicy = { restrictToPaths: [], restrictToRepositories: [], appendOnly: false }

export type Told = { readonly result: Unpacked } | { readonly failure: string; readonly args: Unpacked }

export class ServedClient {
  readonly input = new PassThrough()
  readonly output = new PassThrough()
  readonly log = new PassThrough()
  /** Settles when the server has ended. */
  readonly ended: Promise<void>
  readonly #unpacker = new Unpacker({ bytes: 64 * 1024 * 1024, depth: 16, items: 1_000_000 })
  #count = 0

  constructor(host: FakeHost, policy: Partial<ServePolicy> = {}, signal?: AbortSignal) {
    const streams = { input: this.input, output: this.output, log: this.log }
    this.ended = serve(streams, { ...everything, ...policy }, { signal }, host)
    this.ended.catch(() => {})
  }

  /** A call with named arguments. */
  async call(method: string, args: Readonly<Record<string, Packable>> = {}): Promise<Told> {
    this.#count += 1
    this.send(request(this.#count, method, args))
    return told(await this.answer())
  }

  /** The result of a call that must succeed. */
  async must(method: string, args: Readonly<Record<string, Packable>> = {}): Promise<Unpacked> {
    const answer = await this.call(method, args)
    if ('failure' in answer) throw new Error(`${method}: ${answer.failure}`)
    return answer.result
  }

  /** A call of clients before 1.1: a list, and arguments by position. */
  async position(method: string, ...args: readonly Packable[]): Promise<Unpacked> {
    this.#count += 1
    this.send([1, this.#count, method, args])
    return this.answer()
  }

  async open(path: string, args: Readonly<Record<string, Packable>> = {}): Promise<Told> {
    return this.call('open', { path, create: false, lock_wait: 0, lock: true, exclusive: true, ...args })
  }

  send(value: Packable): void {
    this.input.write(pack(value))
  }

  /** The next value the server says. @throws when it ends instead. */
  async answer(): Promise<Unpacked> {
    for (;;) {
      const next = this.#unpacker.next()
      if (next !== undefined) return next.value
      const bytes: unknown = this.output.read()
      if (bytes instanceof Uint8Array) this.#unpacker.feed(bytes)
      else if (this.output.readableEnded || this.output.destroyed) throw new Error('the server has ended')
      else await new Promise<void>((resolve) => this.#wake(resolve))
    }
  }

  /** Ends the input, waits for the server, and returns what else it said. */
  async end(): Promise<string> {
    this.input.end()
    await this.ended
    const rest: unknown = this.output.read()
    return rest instanceof Uint8Array ? Buffer.from(rest).toString() : ''
  }

  logged(): string {
    const bytes: unknown = this.log.read()
    return bytes instanceof Uint8Array ? Buffer.from(bytes).toString() : ''
  }

  #wake(resolve: () => void): void {
    const once = (): void => {
      this.output.off('readable', once)
      this.output.off('close', once)
      resolve()
    }
    this.output.on('readable', once)
    this.output.on('close', once)
  }
}

export function request(id: number, method: string, args: Readonly<Record<string, Packable>> = {}): Packable {
  return new Map<string, Packable>([
    ['i', id],
    ['m', method],
    ['a', new Map(Object.entries(args))],
  ])
}

export function told(answer: Unpacked): Told {
  if (!(answer instanceof Map)) throw new Error('the answer is no map')
  const failure = answer.get('exception_class')
  if (failure instanceof Uint8Array)
    return { failure: Buffer.from(failure).toString(), args: answer.get('exception_args') ?? null }
  return { result: (answer as UnpackedMap).get('r') ?? null }
}

/** An id of 32 equal bytes. */
export function idOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte)
}

export const bytesOf = encodeText
