/**
 * Requests that fail, and what becomes of them. Time and chance are the fake host's, so nobody waits.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { S3Client, type S3ClientOptions } from '../../src/s3/client.ts'
import { S3Failure } from '../../src/s3/failure.ts'
import { S3Objects } from '../../src/s3/objects.ts'
import { FakeHost } from '../support/fake-host.ts'
import { type Fault, S3Server, type S3ServerOptions, type SeenRequest } from '../support/s3-server.ts'
import { tempFolder } from '../support/temp-folder.ts'

const content = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7)

async function world(
  options: S3ServerOptions = {},
  client: Partial<S3ClientOptions> = {},
): Promise<{ server: S3Server; objects: S3Objects; pauses: number[] }> {
  const server = await S3Server.start(options)
  const host = hostOfNow()
  const pauses: number[] = []
  const sleep = host.sleep.bind(host)
  host.sleep = async (milliseconds, signal) => {
    pauses.push(milliseconds)
    await sleep(milliseconds, signal)
  }
  const objects = new S3Objects(
    new S3Client(
      { endpoint: server.endpoint, bucket: 'bucket', prefix: 'repo' },
      { credentials: () => server.credentials, host, idleTimeoutMs: 2000, ...client },
    ),
  )
  onTestFinished(async () => {
    objects.client.close()
    await server.stop()
  })
  return { server, objects, pauses }
}

/** The server looks at the real clock. */
function hostOfNow(offsetSeconds = 0): FakeHost {
  return new FakeHost({ startNanoseconds: BigInt(Date.now() + offsetSeconds * 1000) * 1_000_000n })
}

function once(
  fault: Fault,
  when: (request: SeenRequest) => boolean = () => true,
): (request: SeenRequest) => Fault | undefined {
  let isDue = true
  return (request) => {
    if (!isDue || !when(request)) return undefined
    isDue = false
    return fault
  }
}

async function failureOf(work: () => Promise<unknown>): Promise<S3Failure> {
  try {
    await work()
  } catch (error) {
    if (error instanceof S3Failure) return error
    throw error
  }
  throw new Error('nothing failed')
}

const passing: readonly (readonly [string, Fault])[] = [
  ['500', { at: 'before', status: 500, code: 'InternalError' }],
  ['502 of a proxy', { at: 'before', status: 502, code: '' }],
  ['503 after the effect', { at: 'after', status: 503, code: 'SlowDown' }],
  ['504', { at: 'before', status: 504, code: '' }],
  ['429', { at: 'before', status: 429, code: 'TooManyRequests' }],
  ['a request that came too slowly', { at: 'before', status: 400, code: 'RequestTimeout' }],
  ['another conditional write', { at: 'before', status: 409, code: 'ConditionalRequestConflict' }],
  ['a connection reset', { at: 'before', connection: 'reset' }],
  ['a connection reset after the effect', { at: 'after', connection: 'reset' }],
]

describe('a request is repeated after', () => {
  test.each(passing)('%s', async (_what, fault) => {
    const { server, objects, pauses } = await world()
    server.fault = once(fault)

    await objects.put('repo/config', content)

    expect(server.seen.length).toBe(2)
    expect(pauses.length).toBe(1)
    expect(server.world.objects().get('repo/config')?.body.equals(content)).toBe(true)
  })

  test('silence', async () => {
    const { server, objects } = await world({}, { idleTimeoutMs: 40 })
    server.fault = once({ at: 'after', connection: 'silent' })

    await objects.put('repo/config', content)

    expect(server.seen.length).toBe(2)
  })
})

describe('a conditional write', () => {
  test.each(passing)('that was repeated after %s is refused by what it wrote itself, or done', async (_what, fault) => {
    const { server, objects } = await world()
    server.fault = once(fault)

    const isDone = await objects.put('repo/lock', content, { condition: 'if absent' })

    expect(isDone).toBe(fault.at === 'before')
    expect(server.world.objects().get('repo/lock')?.body.equals(content)).toBe(true)
  })
})

describe('a request is not repeated', () => {
  test('when it was refused', async () => {
    const { server, objects } = await world()
    server.fault = () => ({ at: 'before', status: 403, code: 'AccessDenied', message: 'not you' })

    const failure = await failureOf(() => objects.put('repo/data/0/1', content))

    expect(failure.message).toBe(
      `s3:${server.endpoint}/bucket/repo: writing data/0/1: AccessDenied: not you (HTTP 403, request TESTREQUEST)`,
    )
    expect(server.seen.length).toBe(1)
  })

  test('for ever: waiting grows, within limits, and the last failure is told', async () => {
    const { server, objects, pauses } = await world({}, { attemptsMax: 10 })
    server.fault = () => ({ at: 'before', connection: 'reset' })

    const failure = await failureOf(() => objects.get('repo/index.5'))

    expect(server.seen.length).toBe(10)
    expect(pauses.length).toBe(9)
    for (const [i, pause] of pauses.entries()) expect(pause).toBeLessThanOrEqual(Math.min(20_000, 200 * 2 ** i))
    expect(new Set(pauses).size).toBeGreaterThan(5)
    expect(failure.message).toMatch(/: reading index\.5: (socket hang up|read ECONNRESET), after 10 attempts$/)
  })

  test('when nobody listens there, it is said so', async () => {
    const { server, objects } = await world({}, { attemptsMax: 2 })
    await server.stop()

    const failure = await failureOf(() => objects.head('repo/config'))

    expect(failure.message).toContain('ECONNREFUSED')
    expect(failure.message).toContain('looking at config')
  })
})

describe('reading', () => {
  test('goes on where it broke off', async () => {
    const { server, objects } = await world()
    await objects.put('repo/x', content)
    let cuts = 0
    server.fault = ({ method }) => (method === 'GET' && cuts++ < 3 ? { at: 'after', cutAfter: 20_000 } : undefined)

    const found = await objects.get('repo/x', { offset: 10, length: 99_000 })

    expect(Buffer.from(found?.bytes ?? []).equals(content.subarray(10, 99_010))).toBe(true)
    const starts = server.seen.filter(({ method }) => method === 'GET').map(({ headers }) => headers.range)
    expect(starts).toEqual(['bytes=10-99009', 'bytes=20010-99009', 'bytes=40010-99009', 'bytes=60010-99009'])
  })

  test('starts again when the object was replaced meanwhile', async () => {
    const { server, objects } = await world()
    await objects.put('repo/x', content)
    const second = content.map((byte) => byte ^ 0xff)
    server.fault = once({ at: 'after', cutAfter: 20_000 }, ({ method }) => {
      if (method !== 'GET') return false
      queueMicrotask(() => {
        server.world
          .objects()
          .set('repo/x', { body: Buffer.from(second), etag: '"other"', metadata: {}, storageClass: '' })
      })
      return true
    })

    const found = await objects.get('repo/x')

    expect(Buffer.from(found?.bytes ?? []).equals(second)).toBe(true)
  })

  test('gives up when every answer is empty', async () => {
    const { server, objects } = await world({}, { attemptsMax: 3 })
    await objects.put('repo/x', content)
    server.fault = ({ method }) => (method === 'GET' ? { at: 'after', cutAfter: 0 } : undefined)

    expect((await failureOf(() => objects.get('repo/x'))).message).toContain('reading x')
  })
})

describe('what the server tells is taken up once', () => {
  test.each([-3600, 3600])('its clock, %i s from ours', async (seconds) => {
    const { server, objects, pauses } = await world({ clockAheadSeconds: seconds })

    await objects.put('repo/a', content)
    await objects.put('repo/b', content)

    // Refused once, and known from then on.
    expect(server.seen.length).toBe(3)
    expect(pauses).toEqual([])
  })

  test('its region', async () => {
    const { server, objects } = await world({ region: 'eu-south-9' })

    await objects.put('repo/a', content)
    await objects.put('repo/b', content)

    expect(server.seen.length).toBe(3)
  })
})

describe('completing an upload', () => {
  test('is repeated when status 200 is followed by an error', async () => {
    const { server, objects } = await world()
    const upload = await objects.createUpload('repo/x', {})
    const part = await objects.putPart('repo/x', upload, 1, content)
    server.fault = once({ at: 'before', embedded: 'InternalError' })

    expect(await objects.completeUpload('repo/x', upload, [part])).toBe('done')
    expect(await objects.completeUpload('repo/x', upload, [part])).toBe('no such upload')
  })

  test('fails when the error stays', async () => {
    const { server, objects } = await world()
    const upload = await objects.createUpload('repo/x', {})
    server.fault = () => ({ at: 'before', embedded: 'AccessDenied' })

    const failure = await failureOf(() => objects.completeUpload('repo/x', upload, []))

    expect(failure.message).toContain('completing x: AccessDenied: told late')
  })
})

test('an answer that is not of S3 is no answer', async () => {
  const { server, objects } = await world()
  server.fault = () => ({ at: 'before', status: 200, code: 'Whatever' })

  const failure = await failureOf(async () => {
    for await (const _page of objects.list('repo/')) break
  })

  expect(failure.message).toContain("listing: the answer is not S3's ListBucketResult")
})

test('https with a certificate of our own: bodies may go unsigned, and strangers are refused', async (context) => {
  const folder = tempFolder()
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=s3.test'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ])
  if (made.status !== 0) {
    console.warn('SKIPPED: no certificate could be made, openssl is missing')
    context.skip()
  }
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  const { server, objects } = await world({ tls }, { ca: tls.cert, payload: 'unsigned' })

  await objects.put('repo/x', content)

  expect(server.seen[0]?.headers['x-amz-content-sha256']).toBe('UNSIGNED-PAYLOAD')
  const stranger = new S3Client(
    { endpoint: server.endpoint, bucket: 'bucket', prefix: '' },
    { credentials: server.credentials, host: hostOfNow() },
  )
  const refused = await failureOf(() => new S3Objects(stranger).head('x'))
  expect(refused.message).toMatch(/self-signed certificate/)
  stranger.close()
})

test.each([
  ['http://key:pa55word@host', /must not have credentials/],
  ['ftp://host', /only http\(s\)/],
  ['https://host/path', /only http\(s\)/],
  ['no url: pa55word@host', /invalid S3 endpoint$/],
])('the endpoint %s is refused', (endpoint, message) => {
  try {
    new S3Client({ endpoint, bucket: 'b', prefix: '' }, { credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
    expect.unreachable()
  } catch (error) {
    expect(isBorgError(error, 'CommandError')).toBe(true)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain('pa55word')
  }
})

test('Amazon is reached by the host of bucket and region, others by a path', () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const amazon = { endpoint: 'https://s3.amazonaws.com', bucket: 'my-bucket', prefix: 'a/b' }
  const of = (place: typeof amazon, options: Partial<S3ClientOptions> = {}): string => {
    const { host, target } = new S3Client(place, { credentials, ...options }).address.of('a/b/ö')
    return `${host}${target}`
  }

  expect(of(amazon)).toBe('my-bucket.s3.amazonaws.com/a/b/%C3%B6')
  expect(of(amazon, { region: 'eu-west-1' })).toBe('my-bucket.s3.eu-west-1.amazonaws.com/a/b/%C3%B6')
  expect(of(amazon, { addressing: 'path' })).toBe('s3.amazonaws.com/my-bucket/a/b/%C3%B6')
  // A dot would not match the certificate.
  expect(of({ ...amazon, bucket: 'my.bucket' })).toBe('s3.amazonaws.com/my.bucket/a/b/%C3%B6')
  expect(of(amazon, { endpoint: 'https://minio:9000' })).toBe('minio:9000/my-bucket/a/b/%C3%B6')
  expect(of({ ...amazon, endpoint: 'https://minio:9000' }, { endpoint: 'https://other' })).toBe(
    'minio:9000/my-bucket/a/b/%C3%B6',
  )
})
