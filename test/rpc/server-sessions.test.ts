/**
 * Whole conversations of real clients with real servers, repeated with ours: same answers, but for ids, paths and prose.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromHex } from '../../src/base/bytes.ts'
import { decodeText } from '../../src/base/text.ts'
import { type Unpacked, unpack, Unpacker } from '../../src/format/msgpack-decode.ts'
import type { Packable } from '../../src/format/msgpack-encode.ts'
import { frameLimits } from '../../src/rpc/wire.ts'
import { FakeHost } from '../support/fake-host.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'
import { fromB64, loadFixture } from '../support/vectors.ts'
import { request, ServedClient } from './server-client.ts'

interface RecordedError {
  readonly response_keys?: readonly string[]
  readonly exception_class: string
  readonly exception_args?: string | readonly { readonly b: string }[]
  readonly exception_trace?: boolean
  readonly exception_short_is_list_of?: number
}
interface Exchange {
  readonly request_hex: string
  readonly response_hex?: string
  readonly error?: RecordedError
  readonly legacy_error?: RecordedError
  readonly note?: string
}
interface Session {
  readonly name: string
  readonly exchanges: readonly Exchange[]
  readonly after_eof_stdout: string
}
interface Captured {
  readonly name: string
  readonly client_cmd: readonly string[]
  readonly client_to_server_b64: string
  readonly server_to_client_b64: string
}

const vectors = loadFixture<{
  sessions: Readonly<Record<string, readonly Session[]>>
  captured_sessions: readonly Captured[]
}>('vectors/rpc.json')
const recordedFolder = '/tmp/tsborg-vec-rpc'

/** Results that are this repository's own: 32 bytes of chance. */
function withoutChance(value: Unpacked, method: string): Unpacked {
  return method === 'open' && value instanceof Map ? new Map([...value, ['r', null]]) : value
}

function withoutVersion(value: Unpacked): Unpacked {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(withoutVersion)
  if (!(value instanceof Map)) return value
  return new Map(
    [...value].map(([key, each]) => [key, key === 'server_version' ? 'of the server' : withoutVersion(each)] as never),
  )
}

/** The same request about our folder. */
function moved(value: Unpacked, folder: string): Packable {
  if (value instanceof Uint8Array) {
    const text = decodeText(value)
    return text.startsWith(recordedFolder) ? folder + text.slice(recordedFolder.length) : value
  }
  if (Array.isArray(value)) return value.map((each) => moved(each, folder))
  return value instanceof Map ? new Map([...value].map(([key, each]) => [key, moved(each, folder)])) : value
}

function methodOf(value: Unpacked): string {
  const method = value instanceof Map ? value.get('m') : Array.isArray(value) ? value[2] : undefined
  return method instanceof Uint8Array ? decodeText(method) : ''
}

function expectError(answer: Unpacked, error: RecordedError, folder: string): void {
  if (Array.isArray(answer)) {
    expect(answer.length).toBe(4)
    expect(answer[2]).toEqual(Buffer.from(error.exception_class))
    return
  }
  if (!(answer instanceof Map)) throw new Error('no answer')
  expect([...answer.keys()]).toEqual(error.response_keys)
  expect(answer.get('exception_class')).toEqual(Buffer.from(error.exception_class))
  expect(answer.get('exception_trace')).toBe(error.exception_trace)
  expect((answer.get('exception_short') as Unpacked[]).length).toBe(error.exception_short_is_list_of)
  const args = (answer.get('exception_args') as Uint8Array[]).map((each) => decodeText(each))
  if (!Array.isArray(error.exception_args)) {
    expect(args.length).toBe(1)
    return
  }
  const recorded = error.exception_args.map((each) =>
    Buffer.from(each.b, 'hex').toString().replace(recordedFolder, folder),
  )
  // Not clients' business: they say their own name for the repository instead.
  if (error.exception_class === 'ObjectNotFound') expect(args[0]).toBe(recorded[0])
  else expect(args).toEqual(recorded)
}

const policies: Readonly<Record<string, (folder: string) => ConstructorParameters<typeof ServedClient>[1]>> = {
  'restrict-to-path': (folder) => ({ restrictToPaths: [join(folder, 'allowed')] }),
  'restrict-to-repository': (folder) => ({ restrictToRepositories: [join(folder, 'allowed', 'r')] }),
  'append-only + quota': () => ({ appendOnly: true, quotaBytes: 10_000_000 }),
}

describe.each(Object.keys(vectors.sessions))('as a server of %s', (version) => {
  const folder = makeTempFolder()

  beforeAll(() => {
    mkdirSync(join(folder, 'allowed'))
    mkdirSync(join(folder, 'other'))
  })
  afterAll(() => removeTempFolder(folder))

  test.each(vectors.sessions[version] ?? [])('$name', async ({ name, exchanges, after_eof_stdout }) => {
    const host = new FakeHost()
    // Somebody else works in the repository.
    const other = new ServedClient(new FakeHost({ seed: 2, processId: 1000 }))
    if (name === 'lock timeout') await other.open(join(folder, 'allowed', 'r'))
    const client = new ServedClient(host, policies[name]?.(folder))

    for (const exchange of exchanges) {
      // One request, of ten million zero bytes, is told in words.
      const inWords = exchange.request_hex.startsWith('(')
      const sent = inWords ? undefined : unpack(fromHex(exchange.request_hex), frameLimits)
      if (sent === undefined) client.send(request(5, 'put', { id: new Uint8Array(32), data: Buffer.alloc(10_000_000) }))
      else client.send(moved(sent, folder))
      const answer = await client.answer()
      const error = exchange.error ?? exchange.legacy_error
      if (error !== undefined) expectError(answer, error, folder)
      else {
        const recorded = unpack(fromHex(exchange.response_hex ?? ''), frameLimits)
        const method = methodOf(sent ?? null)
        const ours = withoutVersion(withoutChance(answer, method))
        expect(ours, exchange.note).toEqual(withoutVersion(withoutChance(recorded, method)))
      }
    }
    const last = await client.end()

    expect(last === '').toBe(after_eof_stdout === '')
    await other.end()
  })
})

describe('commands of real clients, byte for byte', () => {
  const folder = makeTempFolder()
  afterAll(() => removeTempFolder(folder))

  test.each(vectors.captured_sessions)('$name: $client_cmd', async ({ client_cmd, ...streams }) => {
    const client = new ServedClient(new FakeHost())
    const said = new Unpacker(frameLimits)
    said.feed(fromB64(streams.client_to_server_b64))
    const heard = new Unpacker(frameLimits)
    heard.feed(fromB64(streams.server_to_client_b64))
    // Each client's first command makes the repository anew.
    const home = join(folder, client_cmd[0] ?? '')
    mkdirSync(home, { recursive: true })

    for (let next = said.next(); next !== undefined; next = said.next()) {
      client.send(moved(next.value, home))
      const method = methodOf(next.value)
      const answer = withoutVersion(withoutChance(await client.answer(), method))
      expect(answer).toEqual(withoutVersion(withoutChance(heard.next()?.value ?? null, method)))
    }
    await client.end()
  })
})
