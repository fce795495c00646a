import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { BorgError, isBorgError } from '../../src/base/errors.ts'
import { type Unpacked, Unpacker, unpack } from '../../src/format/msgpack-decode.ts'
import { type Packable, Packer } from '../../src/format/msgpack-encode.ts'
import { compareVersions, formatVersion, parseVersion } from '../../src/rpc/versions.ts'
import {
  decodeAnswer,
  decodeRequest,
  encodeFailure,
  encodeRequest,
  encodeResult,
  frameLimits,
} from '../../src/rpc/wire.ts'
import { errorFromWire, failureToWire, isRemoteError } from '../../src/rpc/wire-errors.ts'
import { fromB64, loadFixture } from '../support/vectors.ts'

interface Exchange {
  readonly request_hex?: string
  readonly response_hex?: string
}
interface RpcVectors {
  readonly sessions: Readonly<
    Record<string, readonly { readonly name: string; readonly exchanges: readonly Exchange[] }[]>
  >
  readonly captured_sessions: readonly {
    readonly name: string
    readonly client_to_server_b64: string
    readonly server_to_client_b64: string
    readonly methods_in_order: readonly string[]
  }[]
}

const vectors = loadFixture<RpcVectors>('vectors/rpc.json')
/** One exchange describes its request in words: too long to print. */
const exchanges = Object.values(vectors.sessions).flatMap((sessions) =>
  sessions.flatMap((session) => session.exchanges),
)

/** Everything a reader hands out can be written again. */
function packable(value: Unpacked): Packable {
  if (Array.isArray(value)) return value.map(packable)
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, packable(each)]))
  return value
}

describe('frames of real borg', () => {
  test('requests come out of ours as borg sends them', () => {
    let compared = 0
    for (const { request_hex } of exchanges) {
      if (request_hex === undefined || request_hex.startsWith('(')) continue
      const request = decodeRequest(unpack(fromHex(request_hex), frameLimits))
      if (request === undefined) throw new Error(`not a request: ${request_hex}`)
      const named: [string, Unpacked][] = Array.isArray(request.args)
        ? request.args.map((value) => ['', value])
        : [...(request.args as ReadonlyMap<string, Unpacked>)]
      const packer = new Packer()
      const args = named.map(([name, value]): [string, Packable] => [name, packable(value)])
      encodeRequest(packer, { id: request.id, method: request.method, args }, request.framing)
      expect(toHex(packer.take())).toBe(request_hex)
      compared += 1
    }
    expect(compared).toBeGreaterThan(60)
  })

  test('answers come out of ours as borg sends them', () => {
    let compared = 0
    for (const { request_hex, response_hex } of exchanges) {
      if (request_hex === undefined || request_hex.startsWith('(') || response_hex === undefined) continue
      const framing = decodeRequest(unpack(fromHex(request_hex), frameLimits))?.framing ?? 'map'
      const answer = decodeAnswer(unpack(fromHex(response_hex), frameLimits))
      if (answer === undefined || !('result' in answer)) throw new Error(`not an answer: ${response_hex}`)
      const packer = new Packer()
      encodeResult(packer, answer.id, packable(answer.result), framing)
      expect(toHex(packer.take())).toBe(response_hex)
      compared += 1
    }
    expect(compared).toBeGreaterThan(40)
  })

  test('whole sessions of real clients and servers fall into requests and answers, whatever pieces they come in', () => {
    for (const session of vectors.captured_sessions) {
      for (const pieceSize of [1, 7, 100_000]) {
        const requests = [...values(fromB64(session.client_to_server_b64), pieceSize)].map(decodeRequest)
        expect(requests.map((request) => request?.method)).toEqual(session.methods_in_order)
        const answers = [...values(fromB64(session.server_to_client_b64), pieceSize)].map(decodeAnswer)
        expect(answers.map((answer) => answer?.id)).toEqual(requests.map((request) => request?.id))
      }
    }
  })
})

function* values(bytes: Uint8Array, pieceSize: number): Generator<Unpacked> {
  const unpacker = new Unpacker(frameLimits)
  for (let start = 0; start < bytes.length; start += pieceSize) {
    unpacker.feed(bytes.slice(start, start + pieceSize))
    for (let next = unpacker.next(); next !== undefined; next = unpacker.next()) yield next.value
  }
}

describe('errors', () => {
  test('an error goes over the wire and comes back, with the client’s own name for the repository', () => {
    const sent = failureToWire(new BorgError('Repository.ObjectNotFound', ['ab', '/srv/private/repo']))
    expect(sent.className).toBe('ObjectNotFound')
    const packer = new Packer()
    encodeFailure(packer, 7, sent, 'map')
    const answer = decodeAnswer(unpack(packer.take(), frameLimits))
    if (answer === undefined || !('failure' in answer)) throw new Error('no failure')
    const error = errorFromWire(answer.failure, 'ssh://host/repo')
    expect(isBorgError(error, 'Repository.ObjectNotFound')).toBe(true)
    expect(error.message).toContain('ssh://host/repo')
    expect(error.message).not.toContain('/srv/private')
  })

  test('the old framing carries the class; what is unknown says so', () => {
    const packer = new Packer()
    encodeFailure(packer, 7, failureToWire(new BorgError('Repository.ObjectNotFound', ['ab', 'x'])), 'list')
    const answer = decodeAnswer(unpack(packer.take(), frameLimits))
    if (answer === undefined || !('failure' in answer)) throw new Error('no failure')
    expect(errorFromWire(answer.failure, 'here').message).toBe(
      'Object with key (not available) not found in repository here.',
    )
  })

  test.each(['DoesNotExist', 'AlreadyExists'])('%s of a server is about a repository, not an archive', (className) => {
    const failure = { className, args: ['/srv/x'], full: [], short: [], trace: false, sysinfo: '' }
    const error = errorFromWire(failure, 'ssh://host/repo')
    expect(isBorgError(error) && error.code).toBe(`Repository.${className}`)
    expect(error.message).toContain('ssh://host/repo')
  })

  test('an error nobody here knows keeps its class and text', () => {
    const error = errorFromWire(failureToWire(new TypeError('no such argument')), 'here')
    expect(isRemoteError(error) && error.failure.className).toBe('TypeError')
    expect(error.message).toBe('TypeError: no such argument')
  })
})

test('versions compare as borg compares them', () => {
  const ordered = ['1.0.8', '1.1.0b3', '1.1.0', '1.2.0a4', '1.2.0a8', '1.2.0b1', '1.2.0rc1', '1.2.0', '1.2.4', '1.4.5']
  const shuffled = [...ordered].reverse().map(parseVersion).sort(compareVersions)
  expect(shuffled).toEqual(ordered.map(parseVersion))
  expect(ordered.map((version) => formatVersion(parseVersion(version)))).toEqual(ordered)
  expect(compareVersions([1, 2, 0, -4, 4], [1, 2, 0, -1])).toBeLessThan(0)
})
