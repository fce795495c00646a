/**
 * A `borg serve` in this process, over any Store, that does what a test wants: count round trips, die at a message, lie.
 */
import { PassThrough } from 'node:stream'
import type { Host } from '../../src/base/host.ts'
import { objectId } from '../../src/base/ids.ts'
import { type Unpacked, Unpacker } from '../../src/format/msgpack-decode.ts'
import { type Packable, Packer } from '../../src/format/msgpack-encode.ts'
import { initialiseRepository } from '../../src/repository/initialise.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { openStoreRepository } from '../../src/repository/segment-repository.ts'
import type { Transport } from '../../src/rpc/transport.ts'
import { decodeRequest, encodeFailure, encodeResult, frameLimits, type Request } from '../../src/rpc/wire.ts'
import { failureToWire } from '../../src/rpc/wire-errors.ts'
import type { Store } from '../../src/store/store.ts'

export interface FakeServerOptions {
  readonly store: Store
  readonly host: Host
  readonly version?: readonly number[]
  /** Dies (the connection is cut, nothing is released) instead of taking the request with this number, from 0. */
  readonly dieAtRequest?: number | undefined
  /** Takes the request, and dies instead of answering. */
  readonly dieAtAnswer?: number | undefined
  /** Milliseconds from one end to the other and back. 0: answers when nobody sends any more, which counts round trips. */
  readonly roundTripMs?: number | undefined
  /** What to say instead of the answer with this number. */
  readonly lie?: ((answer: Uint8Array, number: number) => Uint8Array) | undefined
}

export class FakeServer {
  readonly transport: Transport
  /** Methods in the order they came. */
  readonly calls: string[] = []
  /** How often the client had to wait for the far side. */
  roundTrips = 0
  dead = false
  /** Bytes of requests. */
  received = 0
  readonly #options: FakeServerOptions
  readonly #toServer = new PassThrough({ highWaterMark: 64 * 1024 })
  readonly #toClient = new PassThrough({ highWaterMark: 64 * 1024 })
  readonly #log = new PassThrough()
  readonly #done: Promise<void>
  #repository: Repository | undefined
  #answered = 0

  constructor(options: FakeServerOptions) {
    this.#options = options
    this.#toServer.on('error', () => {})
    this.#toClient.on('error', () => {})
    this.#done = this.#run()
    this.transport = {
      input: this.#toClient,
      output: this.#toServer,
      log: this.#log,
      ending: () => (this.dead ? 'killed' : undefined),
      [Symbol.asyncDispose]: async () => {
        this.#toServer.end()
        this.#toClient.resume()
        await this.#done
      },
    }
  }

  /** Resolves when the server is gone. */
  get done(): Promise<void> {
    return this.#done
  }

  async #run(): Promise<void> {
    const unpacker = new Unpacker(frameLimits)
    const waiting: { readonly request: Request; readonly due: number }[] = []
    let wake: () => void = () => {}
    let ended = false
    const end = (): void => {
      ended = true
      wake()
    }
    this.#toServer.on('data', (chunk: Uint8Array) => {
      this.received += chunk.length
      unpacker.feed(Uint8Array.from(chunk))
      for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) {
        const request = decodeRequest(next.value)
        if (request === undefined) throw new Error('not a request')
        waiting.push({ request, due: performance.now() + (this.#options.roundTripMs ?? 0) })
      }
      wake()
    })
    this.#toServer.on('end', end)
    this.#toServer.on('close', end)
    while (!this.dead) {
      while (waiting.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve))
      if (waiting.length === 0) break
      await this.#quiet(waiting)
      this.roundTrips++
      const now = performance.now()
      while (waiting.length > 0 && !this.dead && (waiting[0]?.due ?? 0) <= now)
        await this.#serve(waiting.shift()?.request)
    }
    if (!this.dead) await this.#repository?.[Symbol.asyncDispose]()
    this.#toClient.end()
    this.#log.end()
  }

  /** Until the client has sent all it would send without an answer, or the first answer is due. */
  async #quiet(waiting: readonly { readonly due: number }[]): Promise<void> {
    if (this.#options.roundTripMs !== undefined && this.#options.roundTripMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, (waiting[0]?.due ?? 0) - performance.now()))
      return
    }
    for (let calm = 0, seen = -1; calm < 20; calm++) {
      if (waiting.length !== seen) calm = 0
      seen = waiting.length
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  async #serve(request: Request | undefined): Promise<void> {
    if (request === undefined) return
    const { dieAtRequest, dieAtAnswer, lie } = this.#options
    const number = this.#answered++
    if (number === dieAtRequest) return this.#die()
    this.calls.push(request.method)
    const packer = new Packer()
    try {
      encodeResult(packer, request.id, await this.#act(request), request.framing)
    } catch (error) {
      encodeFailure(packer, request.id, failureToWire(error), request.framing)
    }
    if (number === dieAtAnswer) return this.#die()
    const answer = packer.take()
    if (this.#toClient.destroyed) return
    if (!this.#toClient.write(lie === undefined ? answer : lie(answer, number))) {
      await new Promise<void>((resolve) => {
        this.#toClient.once('drain', resolve)
        this.#toClient.once('close', resolve)
      })
    }
  }

  #die(): void {
    this.dead = true
    this.#toServer.destroy()
    this.#toClient.end()
  }

  async #act({ method, args, framing }: Request): Promise<Packable> {
    if (method === 'negotiate') return new Map([['server_version', this.#options.version ?? [1, 4, 0, -1]]])
    if (framing === 'list' || !(args instanceof Map)) throw new Error('maps only')
    if (method === 'open') return await this.#open(args)
    const repository = this.#repository
    if (repository === undefined) throw new Error('not open')
    switch (method) {
      case 'get':
        return await repository.get(idOf(args.get('id')))
      case 'put':
        await repository.put(idOf(args.get('id')), args.get('data') as Uint8Array)
        return null
      case 'delete':
        await repository.delete(idOf(args.get('id')))
        return null
      case 'commit':
        await repository.commit(args.get('compact') === true ? { compact: { threshold: 0.1 } } : {})
        return null
      case 'rollback':
        await repository.rollback()
        return null
      case 'list':
      case 'scan': {
        const marker = args.get('marker')
        return await repository[method](Number(args.get('limit')), marker === null ? undefined : idOf(marker))
      }
      case '__len__':
        return await repository.count()
      case 'load_key':
        return await repository.loadKey()
      case 'save_key':
        await repository.saveKey(args.get('keydata') as Uint8Array)
        return null
      case 'get_free_nonce':
        return (await repository.freeNonce()) ?? null
      case 'commit_nonce_reservation': {
        const start = args.get('start_nonce')
        const next = BigInt(args.get('next_unreserved') as number)
        await repository.reserveNonce(next, start === null ? undefined : BigInt(start as number))
        return null
      }
      case 'check':
        return await repository.check({ repair: args.get('repair') === true, maxSeconds: 0 })
      case 'destroy':
        await repository.destroy()
        return null
    }
    throw new Error(`the fake server has no ${method}`)
  }

  async #open(args: ReadonlyMap<unknown, Unpacked>): Promise<Packable> {
    const { store, host } = this.#options
    if (args.get('create') === true) await initialiseRepository(store, { location: 'far' }, host, {})
    const access = args.get('lock') === false ? 'unlocked' : args.get('exclusive') === true ? 'write' : 'read'
    const options = { access, lockWaitSeconds: 1, location: 'far' } as const
    this.#repository = await openStoreRepository(store, options, host, {})
    return this.#repository.id
  }
}

function idOf(value: Unpacked | undefined): ReturnType<typeof objectId> {
  return objectId(value as Uint8Array)
}
