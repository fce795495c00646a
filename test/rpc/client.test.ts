/**
 * The client against a far side that does as the test says, frame by frame.
 */
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import type { RunOptions } from '../../src/base/events.ts'
import { type Unpacked, Unpacker } from '../../src/format/msgpack-decode.ts'
import { pack, type Packable, Packer } from '../../src/format/msgpack-encode.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { sentArguments } from '../../src/rpc/connection.ts'
import { openRemoteRepository, type RemoteOpenOptions } from '../../src/rpc/remote-repository.ts'
import type { Transport } from '../../src/rpc/transport.ts'
import { parseVersion } from '../../src/rpc/versions.ts'
import { encodeFailure, frameLimits } from '../../src/rpc/wire.ts'
import { failureToWire } from '../../src/rpc/wire-errors.ts'
import { BorgError } from '../../src/base/errors.ts'
import { idOf } from '../repository/world.ts'
import { FakeHost } from '../support/fake-host.ts'

interface Call {
  readonly id: number
  readonly method: string
  readonly args: ReadonlyMap<unknown, Unpacked> | readonly Unpacked[]
  readonly framing: 'map' | 'list'
}

const repositoryId = new Uint8Array(32).fill(7)

/** Answers negotiate and open; the rest is the test's. */
class FarSide {
  readonly input = new PassThrough({ highWaterMark: 16 * 1024 })
  readonly output: PassThrough
  readonly log = new PassThrough()
  readonly calls: Call[] = []
  ended = false
  onCall: (call: Call) => void = () => {}
  negotiated: Packable = new Map([['server_version', [1, 4, 0, -1]]])
  #waiting: (() => void)[] = []

  constructor(highWaterMark = 16 * 1024) {
    this.output = new PassThrough({ highWaterMark })
    this.output.on('error', () => {})
    this.output.on('close', () => this.#end())
    this.output.on('end', () => this.#end())
  }

  /** Starts taking what the client sends. */
  listen(): this {
    const unpacker = new Unpacker(frameLimits)
    this.output.on('data', (chunk: Uint8Array) => {
      unpacker.feed(Uint8Array.from(chunk))
      for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) this.#take(next.value)
    })
    return this
  }

  get transport(): Transport {
    return {
      input: this.input,
      output: this.output,
      log: this.log,
      ending: () => undefined,
      [Symbol.asyncDispose]: async () => {
        this.output.end()
        this.input.end()
        this.log.end()
      },
    }
  }

  answer(id: number, result: Packable): void {
    this.input.write(
      pack(
        new Map<string, Packable>([
          ['i', id],
          ['r', result],
        ]),
      ),
    )
  }

  fail(id: number, error: Error): void {
    const packer = new Packer()
    encodeFailure(packer, id, failureToWire(error), 'map')
    this.input.write(packer.take())
  }

  async called(count: number): Promise<void> {
    while (this.calls.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #take(value: Unpacked): void {
    if (Array.isArray(value)) {
      const [, id, method, args] = value
      const call = { id: Number(id), method: text(method), args: args as Unpacked[], framing: 'list' } as const
      if (call.method === 'negotiate') this.input.write(pack([1, call.id, null, this.negotiated]))
      else if (call.method === 'open') this.input.write(pack([1, call.id, null, repositoryId]))
      else this.#tell(call)
      return
    }
    const map = value as ReadonlyMap<unknown, Unpacked>
    const args = map.get('a') as ReadonlyMap<unknown, Unpacked>
    const call = { id: Number(map.get('i')), method: text(map.get('m')), args, framing: 'map' } as const
    if (call.method === 'open') this.answer(call.id, repositoryId)
    else this.#tell(call)
  }

  #tell(call: Call): void {
    this.calls.push(call)
    this.onCall(call)
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #end(): void {
    this.ended = true
  }
}

function text(value: Unpacked | undefined): string {
  return new TextDecoder().decode(value as Uint8Array)
}

function connect(
  far: FarSide,
  more: Partial<RemoteOpenOptions> = {},
  run: RunOptions = {},
  host = new FakeHost(),
): Promise<Repository> {
  const options = {
    path: '/far',
    named: 'ssh://h/far',
    location: 'ssh://h/far',
    access: 'write',
    lockWaitSeconds: 1,
  } as const
  return openRemoteRepository(far.transport, { ...options, ...more }, run, host)
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return isBorgError(error) ? error.code : String(error)
}

const turns = async (count = 50): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

describe('answers', () => {
  test('are matched by id, in whatever order they come', async () => {
    const far = new FarSide().listen()
    const repository = await connect(far)
    const found: string[] = []
    const reading = (async () => {
      for await (const bytes of repository.getMany(['a', 'b', 'c'].map(idOf)))
        found.push(new TextDecoder().decode(bytes))
    })()
    await far.called(3)
    for (const call of [...far.calls].reverse()) far.answer(call.id, new TextEncoder().encode(`to ${call.id}`))
    await reading
    expect(found).toEqual(far.calls.map((call) => `to ${call.id}`))
  })

  test.each<readonly [string, (far: FarSide, id: number) => void]>([
    ['to a question nobody asked', (far, id) => far.answer(id + 1000, null)],
    ['twice', (far, id) => void [1, 2].map(() => far.answer(id, 5))],
    ['that are text', (far) => void far.input.write('Welcome to this machine')],
    ['of another shape', (far) => void far.input.write(pack([1, 2, 3]))],
    [
      'that claim to be huge',
      (far) => void far.input.write(Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff, ...new Uint8Array(100))),
    ],
    ['with a list of too many', (far) => void far.input.write(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))],
    ['nested too deep', (far) => void far.input.write(new Uint8Array(2000).fill(0x91))],
  ])('%s end the connection with one clear error', async (_, lie) => {
    const far = new FarSide().listen()
    const repository = await connect(far)
    far.onCall = ({ id }) => lie(far, id)
    const first = codeOf(repository.count())
    await far.called(1)
    await turns()
    // A length alone is believed until more has come than any answer has.
    for (let sent = 0; sent < 26 && !far.ended; sent++) {
      far.input.write(new Uint8Array(1024 * 1024))
      await turns(5)
    }
    await first
    expect(await codeOf(repository.count())).toBe('UnexpectedRPCDataFormatFromServer')
    await repository[Symbol.asyncDispose]()
    expect(far.ended).toBe(true)
  })

  test('before the first, text is shown as it came, and bytes in hexadecimal', async () => {
    const shell = new FarSide()
    shell.input.write('hello world, this is a motd\n')
    await expect(connect(shell)).rejects.toThrow(
      'Got unexpected RPC data format from server:\nhello world, this is a motd\n',
    )
    const noise = new FarSide()
    noise.input.write(Uint8Array.of(0xff, 0xfe, 1, 2))
    await expect(connect(noise)).rejects.toThrow('Got unexpected RPC data format from server:\nFF FE 01 02')
  })

  test('that never come: the end of the connection is told to all who wait', async () => {
    const far = new FarSide().listen()
    const repository = await connect(far)
    const waiting = [codeOf(repository.count()), codeOf(repository.get(idOf('a'))), codeOf(repository.loadKey())]
    await far.called(3)
    far.input.end()
    far.log.end()
    expect(await Promise.all(waiting)).toEqual(['ConnectionClosed', 'ConnectionClosed', 'ConnectionClosed'])
    const silent = new FarSide()
    silent.input.end()
    silent.log.end()
    await expect(connect(silent)).rejects.toThrow('Connection closed by remote host. Is borg working on the server?')
  })
})

describe('writing', () => {
  test('does not wait for answers, and a refusal is told before anything is committed', async () => {
    const far = new FarSide().listen()
    const repository = await connect(far)
    for (let i = 0; i < 20; i++) await repository.put(idOf(`${i}`), new Uint8Array(10))
    const commit = codeOf(repository.commit())
    await far.called(20)
    await turns()
    expect(far.calls.map((call) => call.method)).toEqual(new Array(20).fill('put'))
    far.onCall = ({ id }) => far.answer(id, null)
    for (const { id } of far.calls.slice(0, 20)) {
      if (id === far.calls[7]?.id) far.fail(id, new BorgError('Repository.StorageQuotaExceeded', ['1', '2']))
      else far.answer(id, null)
    }
    expect(await commit).toBe('Repository.StorageQuotaExceeded')
    expect(far.calls.some((call) => call.method === 'commit')).toBe(false)
    await repository.rollback()
    await repository.commit()
    expect(far.calls.at(-1)?.method).toBe('commit')
  })

  test('is held back while nobody reads, within the window', async () => {
    const far = new FarSide(1024)
    const opened = connect(far, { uploadBufferBytes: 1024 * 1024 })
    far.listen()
    const repository = await opened
    far.output.pause()
    let accepted = 0
    const writing = (async () => {
      for (let i = 0; i < 100; i++) {
        await repository.put(idOf(`${i}`), new Uint8Array(256 * 1024))
        accepted += 1
      }
    })()
    await turns(200)
    expect(accepted * 256).toBeGreaterThan(4 * 1024)
    expect(accepted * 256).toBeLessThan(6 * 1024)
    far.onCall = ({ id }) => far.answer(id, null)
    far.output.resume()
    await writing
    expect(far.calls).toHaveLength(100)
  })

  test('keeps to its rate', async () => {
    const host = new FakeHost()
    const far = new FarSide(8 * 1024 * 1024).listen()
    far.onCall = ({ id }) => far.answer(id, null)
    const repository = await connect(far, { uploadBytesPerSecond: 100_000 }, {}, host)
    const before = host.monotonicMs()
    for (let i = 0; i < 10; i++) await repository.put(idOf(`${i}`), new Uint8Array(100_000))
    await repository.commit()
    const seconds = (host.monotonicMs() - before) / 1000
    expect(seconds).toBeGreaterThan(9)
    expect(seconds).toBeLessThan(12)
  })

  test('never blocks on answers it does not read', async () => {
    // Answers larger than every buffer, to requests that come while a put is under way.
    const far = new FarSide(16 * 1024).listen()
    far.onCall = ({ id, method }) => far.answer(id, method === 'get' ? new Uint8Array(300_000) : null)
    const repository = await connect(far)
    const reading = (async () => {
      let bytes = 0
      for await (const stored of repository.getMany(Array.from({ length: 300 }, (_, i) => idOf(`${i}`))))
        bytes += stored.length
      return bytes
    })()
    for (let i = 0; i < 20; i++) await repository.put(idOf(`${i}`), new Uint8Array(1_000_000))
    await repository.commit()
    expect(await reading).toBe(300 * 300_000)
  })
})

test('reading ahead is bounded in number and in bytes', async () => {
  const far = new FarSide().listen()
  const repository = await connect(far)
  const ids = Array.from({ length: 1000 }, (_, i) => idOf(`${i}`))
  far.onCall = ({ id }) => far.answer(id, new Uint8Array(8 * 1024 * 1024))
  const large = repository.getMany(ids)[Symbol.asyncIterator]()
  await large.next()
  await turns(200)
  expect(far.calls.length).toBeLessThan(64)
  await large.return?.()

  const small = new FarSide().listen()
  const other = await connect(small)
  small.onCall = ({ id }) => small.answer(id, new Uint8Array(100))
  const stream = other.getMany(ids)[Symbol.asyncIterator]()
  for (let i = 0; i < 300; i++) await stream.next()
  await turns(200)
  expect(small.calls.length).toBeGreaterThan(500)
  expect(small.calls.length).toBeLessThan(600)
})

test('an abort ends everything at once, and nothing more is sent', async () => {
  const far = new FarSide().listen()
  const abort = new AbortController()
  const repository = await connect(far, {}, { signal: abort.signal })
  await repository.put(idOf('a'), new Uint8Array(10))
  const waiting = repository.commit()
  await far.called(1)
  abort.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(repository.get(idOf('a'))).rejects.toThrow('enough')
  await repository[Symbol.asyncDispose]()
  await turns()
  expect(far.ended).toBe(true)
  expect(far.calls.map((call) => call.method)).toEqual(['put'])
})

test('leaving with a transaction open rolls it back', async () => {
  const far = new FarSide().listen()
  far.onCall = ({ id }) => far.answer(id, null)
  {
    await using repository = await connect(far)
    await repository.put(idOf('a'), new Uint8Array(10))
  }
  await turns()
  expect(far.calls.map((call) => call.method)).toEqual(['put', 'rollback'])
  expect(far.ended).toBe(true)
})

describe('older servers', () => {
  test('of 1.0 are spoken to in lists', async () => {
    const far = new FarSide().listen()
    far.negotiated = 2
    const repository = await connect(far)
    const asked = repository.get(idOf('a'))
    await far.called(1)
    const [call] = far.calls
    expect(call?.framing).toBe('list')
    expect(toHex((call?.args as Uint8Array[] | undefined)?.[0] ?? new Uint8Array(0))).toBe(toHex(idOf('a')))
    far.input.write(pack([1, call?.id ?? 0, null, new Uint8Array(3)]))
    expect(await asked).toHaveLength(3)
  })

  test('are not asked for what they do not know', () => {
    const old = parseVersion('1.0.8')
    expect(sentArguments('commit', { compact: true, threshold: 0.5 }, old).map(([name]) => name)).toEqual([
      'save_space',
    ])
    expect(() => sentArguments('scan', { limit: 5 }, old)).toThrow(
      'Borg server is too old for scan. Required version 1.1.0b3',
    )
    expect(() => sentArguments('check', { max_duration: 5 }, parseVersion('1.1.9'))).toThrow(
      'Borg server is too old for check max_duration=5. Required version 1.2.0a4',
    )
    expect(() => sentArguments('open', { path: '/x', make_parent_dirs: true }, old)).toThrow(
      'Borg server is too old for open make_parent_dirs=True. Required version 1.1.9',
    )
    expect(sentArguments('open', { path: '/x', lock: true }, old).map(([name]) => name)).not.toContain(
      'make_parent_dirs',
    )
  })
})
