/**
 * What a client of `serve` can do, and cannot.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Unpacked } from '../../src/format/msgpack-decode.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { bytesOf, idOf, request, ServedClient, told } from './server-client.ts'

const create = { create: true } as const

async function opened(path: string, policy: ConstructorParameters<typeof ServedClient>[1] = {}): Promise<ServedClient> {
  const client = new ServedClient(new FakeHost(), policy)
  await client.must('negotiate', { client_data: new Map([['client_version', [1, 4, 5, -1]]]) })
  const answer = await client.open(path, create)
  if ('failure' in answer) throw new Error(answer.failure)
  return client
}

function locks(path: string): string[] {
  return readdirSync(path).filter((name) => name.startsWith('lock'))
}

describe('a session', () => {
  test('keeps what was committed and forgets the rest', async () => {
    const path = join(tempFolder(), 'r')
    const client = await opened(path)
    await client.must('put', { id: idOf(1), data: bytesOf('one') })
    await client.must('commit', { save_space: false, compact: false })
    await client.must('put', { id: idOf(2), data: bytesOf('two') })
    expect(await client.must('get', { id: idOf(2) })).toEqual(Buffer.from('two'))
    await client.end()

    const next = new ServedClient(new FakeHost())
    await next.open(path)
    expect(await next.must('list', { limit: null, marker: null })).toEqual([Buffer.from(idOf(1))])
    expect(await next.call('get', { id: idOf(2) })).toMatchObject({ failure: 'ObjectNotFound' })
    await next.end()
    expect(locks(path)).toEqual([])
  })

  test('answers pipelined requests in their order, errors among them', async () => {
    const client = await opened(join(tempFolder(), 'r'))
    for (let i = 1; i <= 9; i++) client.send(request(i, 'put', { id: idOf(i), data: bytesOf(`data ${i}`) }))
    for (let i = 1; i <= 9; i++) await client.answer()

    const asked = [3, 99, 1, 2, 98, 97, 9]
    for (const [at, id] of asked.entries()) client.send(request(100 + at, 'get', { id: idOf(id) }))
    client.send(request(200, 'get', { id: 5 }))
    client.send(request(201, '__len__'))
    const answers: Unpacked[] = []
    for (let i = 0; i < asked.length + 2; i++) answers.push(await client.answer())

    expect(answers.map((answer) => (answer instanceof Map ? answer.get('i') : undefined))).toEqual([
      ...asked.map((_, at) => 100 + at),
      200,
      201,
    ])
    expect(answers.slice(0, asked.length).map(told)).toMatchObject(
      asked.map((id) => (id > 9 ? { failure: 'ObjectNotFound' } : { result: Buffer.from(`data ${id}`) })),
    )
    expect(answers.slice(asked.length).map(told)).toMatchObject([{ failure: 'TypeError' }, { result: 9 }])
    await client.end()
  })

  test('has one repository at a time: the second open closes the first', async () => {
    const folder = tempFolder()
    const client = await opened(join(folder, 'a'))
    await client.must('put', { id: idOf(1), data: bytesOf('lost') })

    expect(await client.open(join(folder, 'b'), create)).toHaveProperty('result')
    expect(locks(join(folder, 'a'))).toEqual([])
    expect(await client.must('__len__')).toBe(0)
    expect(await client.open(join(folder, 'missing'))).toMatchObject({ failure: 'DoesNotExist' })
    expect(locks(join(folder, 'b'))).toEqual([])
    expect(await client.call('__len__')).toMatchObject({ failure: 'AttributeError' })
    await client.end()
  })

  test('an open that the policy refuses leaves what is open', async () => {
    const folder = tempFolder()
    const client = await opened(join(folder, 'a'), { restrictToPaths: [join(folder, 'a')] })
    expect(await client.open(join(folder, 'b'), create)).toMatchObject({ failure: 'PathNotAllowed' })
    expect(await client.must('__len__')).toBe(0)
    await client.end()
  })

  test('two connections of one process do not share a lock', async () => {
    const path = join(tempFolder(), 'r')
    const first = await opened(path)
    const second = new ServedClient(new FakeHost())
    expect(await second.open(path)).toMatchObject({ failure: 'LockTimeout' })
    await first.end()
    expect(await second.open(path)).toHaveProperty('result')
    await second.end()
  })

  test('runs on any Store', async () => {
    const store = new MemoryStore()
    const names: string[] = []
    const openStore = async (path: string): Promise<MemoryStore> => {
      names.push(path)
      return store
    }
    const client = await opened('/customers/ada/', { restrictToPaths: ['/customers'], openStore })
    await client.must('put', { id: idOf(1), data: bytesOf('x') })
    await client.must('commit')
    expect(await client.must('__len__')).toBe(1)
    await client.end()
    expect(names).toEqual(['/customers/ada'])
  })
})

describe('append-only', () => {
  test('is in force for repositories that exist, not for the one this connection makes', async () => {
    const path = join(tempFolder(), 'r')
    const maker = await opened(path, { appendOnly: true })
    await maker.must('put', { id: idOf(1), data: bytesOf('x') })
    await maker.must('commit')
    await maker.end()
    expect(readFileSync(join(path, 'config'), 'utf8')).toContain('append_only = 0')

    const client = new ServedClient(new FakeHost(), { appendOnly: true })
    await client.open(path)
    expect(await client.call('destroy')).toMatchObject({ failure: 'ValueError' })
    expect(await client.call('check', { repair: true })).toMatchObject({ failure: 'ValueError' })
    await client.must('delete', { id: idOf(1) })
    await client.must('commit', { compact: true, threshold: 0, cleanup_commits: true })
    await client.end()
    expect(readFileSync(join(path, 'data', '0', '0')).includes('x')).toBe(true)
    expect(readdirSync(path)).toContain('transactions')
  })

  test("of the client's own is written down, and nothing opens around it", async () => {
    const path = join(tempFolder(), 'r')
    const maker = new ServedClient(new FakeHost())
    await maker.open(path, { ...create, append_only: true })
    expect(await maker.call('destroy')).toMatchObject({ failure: 'ValueError' })
    await maker.end()

    const client = new ServedClient(new FakeHost())
    await client.open(path)
    expect(await client.call('destroy')).toMatchObject({ failure: 'ValueError' })
    await client.end()
  })
})

describe('arguments', () => {
  test.each<[string, Record<string, never | number | string | null | Uint8Array | boolean>, string]>([
    ['put', { id: idOf(1) }, 'TypeError'],
    ['put', { id: 5, data: bytesOf('x') }, 'TypeError'],
    ['put', { id: bytesOf('short'), data: bytesOf('x') }, 'ValueError'],
    ['put', { id: idOf(1), data: null }, 'TypeError'],
    ['get', { id: null }, 'TypeError'],
    ['delete', {}, 'TypeError'],
    ['list', { limit: -1, marker: null }, 'ValueError'],
    ['list', { limit: 'x', marker: null }, 'TypeError'],
    ['list', { limit: 0.5, marker: null }, 'ValueError'],
    ['list', { limit: 5, marker: idOf(77) }, 'ObjectNotFound'],
    ['scan', { limit: 0, marker: null }, 'ValueError'],
    ['commit', { threshold: 'x' }, 'TypeError'],
    ['commit', { compact: 'x' }, 'TypeError'],
    ['save_key', { keydata: 5 }, 'TypeError'],
    ['commit_nonce_reservation', { next_unreserved: 1.5, start_nonce: null }, 'TypeError'],
    ['commit_nonce_reservation', { next_unreserved: 1 }, 'TypeError'],
    ['commit_nonce_reservation', { next_unreserved: 10, start_nonce: 5 }, 'Exception'],
    ['open', {}, 'TypeError'],
    ['negotiate', { client_data: 3 }, 'TypeError'],
    ['close', {}, 'InvalidRPCMethod'],
    ['constructor', {}, 'InvalidRPCMethod'],
    ['__proto__', {}, 'InvalidRPCMethod'],
  ])('%s(%j) is a %s, and the session goes on', async (method, args, failure) => {
    const store = new MemoryStore()
    const client = await opened('/r', { openStore: async () => store })
    expect(await client.call(method, args)).toMatchObject({ failure })
    expect(await client.must('__len__')).toBe(0)
    await client.end()
  })

  test('too much data is told in the words that clients look for', async () => {
    const client = await opened('/r', { openStore: async () => new MemoryStore() })
    const answer = await client.call('put', { id: idOf(1), data: Buffer.alloc(20_971_480) })
    expect(answer).toMatchObject({ failure: 'IntegrityError' })
    expect(String('args' in answer && answer.args)).toContain('More than allowed put data')
    await client.must('put', { id: idOf(1), data: Buffer.alloc(20_971_479) })
    await client.end()
  })

  test('by position only those count that old clients had', async () => {
    const client = await opened(join(tempFolder(), 'r'), { logLevel: 'info' })
    for (const id of [1, 2]) await client.position('put', idOf(id), Buffer.alloc(1000))
    await client.position('commit', false)
    await client.position('delete', idOf(1))

    // The second would be `compact` by name: false.
    expect(await client.position('commit', false, false)).toMatchObject([1, expect.anything(), null, null])
    expect(await client.position('put', idOf(1))).toMatchObject([
      1,
      expect.anything(),
      Buffer.from('TypeError'),
      expect.anything(),
    ])
    expect(await client.must('__len__')).toBe(1)
    await client.end()
    expect(client.logged()).toContain('compaction freed about')
  })
})

describe('the log', () => {
  const quiet = { openStore: async () => new MemoryStore() }

  test('is text before the client has negotiated, and JSON afterwards', async () => {
    const client = new ServedClient(new FakeHost(), quiet)
    await client.open('/r', create)
    await client.position('get', idOf(1))
    expect(client.logged()).toMatch(
      /^\$LOG ERROR root Remote: Object with key [0-9a-f]{64} not found in repository \/r\.\n$/,
    )
    await client.must('put', { id: idOf(1), data: bytesOf('x') })
    await client.must('commit', { compact: false })
    await client.must('check')
    expect(client.logged()).toMatch(/\$LOG INFO borg\.output\.progress Remote: Checking segments .*\r/)

    await client.must('negotiate', { client_data: new Map([['client_version', [1, 1, 0, -1]]]) })
    await client.must('check')
    const lines = client.logged().trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ type: 'progress_percent' })
    await client.end()
  })

  test.each([
    ['warning' as const, false],
    ['info' as const, true],
    ['critical' as const, false],
  ])('says at %s what belongs there', async (logLevel, isHeard) => {
    const client = await opened('/r', { ...quiet, logLevel })
    await client.must('put', { id: idOf(1), data: bytesOf('x') })
    await client.must('commit', { compact: true })
    expect(client.logged().includes('"log_message"')).toBe(isHeard)
    await client.end()
  })

  test('a name with newlines cannot pass for lines of its own', async () => {
    const folder = tempFolder()
    mkdirSync(join(folder, 'x'))
    const client = new ServedClient(new FakeHost())
    await client.position('open', `${folder}/a\n{"type": "log_message"}`)
    expect(
      client
        .logged()
        .split('\n')
        .filter((line) => line.startsWith('{')),
    ).toEqual([])
    await client.end()
  })
})
