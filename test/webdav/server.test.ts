import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { Item } from '../../src/archive/item.ts'
import { archiveTree } from '../../src/archive/tree.ts'
import { nanoseconds } from '../../src/base/ids.ts'
import { type ServedTree, serveTree } from '../../src/webdav/server.ts'
import { folder, item, MemoryArchives, treeOptions } from '../archive/memory-archive.ts'

const servers: ServedTree[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.unmount()
})

async function serving(
  items: (archives: MemoryArchives) => readonly Item[],
  options: { allowDamagedFiles?: boolean } = {},
): Promise<{ server: ServedTree; archives: MemoryArchives; ask: Ask }> {
  const archives = new MemoryArchives()
  const tree = await archiveTree(archives, archives.archive('a', items(archives)), treeOptions())
  const server = await serveTree(tree, options, {})
  servers.push(server)
  return { server, archives, ask: (method, path, asked) => ask(server, method, path, asked) }
}

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}
type Ask = (method: string, path: string, asked?: Asked) => Promise<Got>
interface Asked {
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Sends the path as it is: fetch would tidy it. */
function ask(server: ServedTree, method: string, path: string, asked: Asked = {}): Promise<Got> {
  const { hostname, port } = new URL(server.address)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        method,
        path,
        headers: { ...asked.headers, 'content-length': (asked.body ?? '').length },
        agent: false,
      },
      (response) => {
        const parts: Uint8Array[] = []
        response.on('data', (part: Uint8Array) => parts.push(part))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString('latin1'),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(asked.body)
  })
}

const hello = (archives: MemoryArchives): Item =>
  item('d/hello.txt', { chunks: [archives.chunk('hello '), archives.chunk('world')], size: 11 })

describe('files', () => {
  test('come whole, as bytes no browser runs', async () => {
    const { ask } = await serving((archives) => [hello(archives)])

    const got = await ask('GET', '/d/hello.txt')

    expect([got.status, got.text]).toEqual([200, 'hello world'])
    expect(got.headers).toMatchObject({
      'content-length': '11',
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT',
    })
  })

  test.each([
    ['bytes=0-4', 206, 'hello', 'bytes 0-4/11'],
    ['bytes=4-6', 206, 'o w', 'bytes 4-6/11'],
    ['bytes=6-', 206, 'world', 'bytes 6-10/11'],
    ['bytes=-3', 206, 'rld', 'bytes 8-10/11'],
    ['bytes=-300', 206, 'hello world', 'bytes 0-10/11'],
    ['bytes=5-500', 206, ' world', 'bytes 5-10/11'],
    ['bytes=11-', 416, '', 'bytes */11'],
    ['bytes=-0', 416, '', 'bytes */11'],
    ['bytes=4-2', 200, 'hello world', undefined],
    ['bytes=0-1,3-4', 200, 'hello world', undefined],
    ['lines=1-2', 200, 'hello world', undefined],
  ])('the part %s', async (range, status, text, contentRange) => {
    const { ask } = await serving((archives) => [hello(archives)])

    const got = await ask('GET', '/d/hello.txt', { headers: { range } })

    expect([got.status, got.text, got.headers['content-range']]).toEqual([status, text, contentRange])
  })

  test('a part of another version is not given; what is known already is not sent again', async () => {
    const { ask } = await serving((archives) => [hello(archives)])
    const { etag } = (await ask('HEAD', '/d/hello.txt')).headers

    const stale = await ask('GET', '/d/hello.txt', { headers: { range: 'bytes=0-1', 'if-range': '"other"' } })
    expect([stale.status, stale.text]).toEqual([200, 'hello world'])
    const fresh = await ask('GET', '/d/hello.txt', { headers: { range: 'bytes=0-1', 'if-range': String(etag) } })
    expect([fresh.status, fresh.text]).toEqual([206, 'he'])
    expect((await ask('GET', '/d/hello.txt', { headers: { 'if-none-match': String(etag) } })).status).toBe(304)
  })

  test('HEAD tells the size and sends nothing', async () => {
    const { ask } = await serving((archives) => [hello(archives)])

    const got = await ask('HEAD', '/d/hello.txt')

    expect([got.status, got.text, got.headers['content-length']]).toEqual([200, '', '11'])
  })

  test('names that are no UTF-8, or mean something in a URL, are reached by their bytes', async () => {
    const names = ['n\udcff', 'a b', '100%', 'q?x#y', 'ü', '<&\'">']
    const { ask } = await serving((archives) =>
      names.map((name) => item(name, { chunks: [archives.chunk(name === 'ü' ? 'u' : 'x')], size: 1 })),
    )

    for (const path of ['/n%FF', '/a%20b', '/100%25', '/q%3Fx%23y', '/%C3%BC', "/%3C%26'%22%3E"]) {
      expect((await ask('GET', path)).status, path).toBe(200)
    }
    expect((await ask('GET', '/%C3%BC?query')).text).toBe('u')
    for (const path of ['/%', '/%zz', '/a%2Fb', '/%00', '/../a'])
      expect((await ask('GET', path)).status, path).toBe(400)
    expect((await ask('GET', '/nope')).status).toBe(404)
    expect((await ask('GET', '/%C3%BC/below')).status).toBe(404)
  })

  test('lost content breaks the connection off: half a file does not pass for a whole one', async () => {
    const { ask, archives } = await serving((made) => [
      item('f', { chunks: [made.chunk('x'.repeat(1024 * 1024)), made.chunk('lost')], size: 1024 * 1024 + 4 }),
    ])
    archives.lose(archives.chunk('lost'))

    await expect(ask('GET', '/f')).rejects.toThrow()
  })

  test('damaged files are refused unless allowed', async () => {
    const items = (made: MemoryArchives): Item[] => [
      item('f', { chunks: [made.chunk('0')], chunksHealthy: [made.chunk('0')], size: 1 }),
    ]
    const strict = await serving(items)
    const lenient = await serving(items, { allowDamagedFiles: true })

    expect((await strict.ask('GET', '/f')).status).toBe(500)
    expect((await lenient.ask('GET', '/f')).text).toBe('0')
  })
})

describe('PROPFIND', () => {
  const items = (archives: MemoryArchives): Item[] => [
    folder('d'),
    hello(archives),
    item('d/<&>\udcff\u0001', { chunks: [], size: 0 }),
    item('d/link', { mode: 0o120777, source: 'x' }),
    item('d/pipe', { mode: 0o10600 }),
    folder('d/sub', { modified: nanoseconds(0n) }),
  ]
  const hrefs = (text: string): string[] =>
    [...text.matchAll(/<D:href>(.*?)<\/D:href>/g)].map((match) => match[1] ?? '')

  test('a folder and what is in it: folders and files, nothing else', async () => {
    const { ask } = await serving(items)

    const got = await ask('PROPFIND', '/d', { headers: { depth: '1' } })

    expect(got.status).toBe(207)
    expect(hrefs(got.text)).toEqual(['/d/', '/d/hello.txt', '/d/%3C%26%3E%FF%01', '/d/sub/'])
    expect(got.text).toContain('<D:displayname>&lt;&amp;&gt;\u00ef\u00bf\u00bd\u00ef\u00bf\u00bd</D:displayname>')
    expect(got.text).toContain('<D:getcontentlength>11</D:getcontentlength>')
    expect(got.text).toContain(
      '<D:displayname>sub</D:displayname><D:getlastmodified>Thu, 01 Jan 1970 00:00:00 GMT</D:getlastmodified><D:resourcetype><D:collection/></D:resourcetype>',
    )
  })

  test('depth 0 is the thing itself', async () => {
    const { ask } = await serving(items)

    expect(hrefs((await ask('PROPFIND', '/d/', { headers: { depth: '0' } })).text)).toEqual(['/d/'])
    expect(hrefs((await ask('PROPFIND', '/d/hello.txt', { headers: { depth: '1' } })).text)).toEqual(['/d/hello.txt'])
    expect(hrefs((await ask('PROPFIND', '/', { headers: { depth: '0' } })).text)).toEqual(['/'])
  })

  test.each([{}, { depth: 'infinity' }])('all below a folder is refused by name: %j', async (headers) => {
    const { ask } = await serving(items)

    const got = await ask('PROPFIND', '/d', { headers })

    expect(got.status).toBe(403)
    expect(got.text).toContain('<D:propfind-finite-depth/>')
  })

  test('the properties asked for; those we do not have are told apart', async () => {
    const { ask } = await serving(items)
    const body =
      '<?xml version="1.0"?><propfind xmlns="DAV:" xmlns:x="urn:x"><prop><getcontentlength/><x:quota/><quota-used-bytes/></prop></propfind>'

    const got = await ask('PROPFIND', '/d/hello.txt', { headers: { depth: '0' }, body })

    expect(got.text).toContain(
      '<D:propstat><D:prop><D:getcontentlength>11</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>' +
        '<D:propstat><D:prop><quota xmlns="urn:x"/><D:quota-used-bytes/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>',
    )
  })

  test('names of properties only', async () => {
    const { ask } = await serving(items)
    const body = '<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>'

    const got = await ask('PROPFIND', '/d/hello.txt', { headers: { depth: '0' }, body })

    expect(got.text).toContain('<D:getetag/>')
    expect(got.text).not.toContain('11')
  })

  test('what is no PROPFIND is refused, and what is too large is not read', async () => {
    const { ask } = await serving(items)

    const bad = await ask('PROPFIND', '/d', { headers: { depth: '0' }, body: '<propfind' })
    expect(bad.status).toBe(400)
    const large = await ask('PROPFIND', '/d', { headers: { depth: '0' }, body: ' '.repeat(70_000) })
    expect(large.status).toBe(413)
  })

  test('thousands of entries arrive', async () => {
    const { ask } = await serving(() => Array.from({ length: 3000 }, (_, number) => item(`f${number}`)))

    expect(hrefs((await ask('PROPFIND', '/', { headers: { depth: '1' } })).text)).toHaveLength(3001)
  })
})

describe('the server', () => {
  test('says what it can', async () => {
    const { ask } = await serving(() => [])

    const got = await ask('OPTIONS', '*')

    expect(got.headers).toMatchObject({ dav: '1', allow: 'OPTIONS, GET, HEAD, PROPFIND' })
  })

  test.each(['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'PROPPATCH', 'LOCK', 'UNLOCK', 'POST', 'PATCH'])(
    '%s changes nothing',
    async (method) => {
      const { ask } = await serving((archives) => [hello(archives)])

      const got = await ask(method, '/d/hello.txt', { body: 'x' })

      expect([got.status, got.headers['allow']]).toEqual([405, 'OPTIONS, GET, HEAD, PROPFIND'])
    },
  )

  test('answers under the names of this machine only: others may have been made to point here', async () => {
    const { ask, server } = await serving(() => [])
    const { port } = new URL(server.address)
    const status = async (host: string): Promise<number> => (await ask('GET', '/', { headers: { host } })).status

    expect(await status(`127.0.0.1:${port}`)).toBe(200)
    expect(await status(`LOCALHOST:${port}`)).toBe(200)
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', '127.0.0.1:1']) {
      expect(await status(host), host).toBe(403)
    }
  })

  test('answers a program of ours that speaks IPv6 with the address in it', async () => {
    const { server } = await serving(() => [])
    const { port } = new URL(server.address)
    const socket = connect({ host: '::ffff:127.0.0.1', port: Number(port) })
    socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
    let text = ''
    for await (const bytes of socket) text += String(bytes)

    expect(text).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('listens on 127.0.0.1 only', async () => {
    const { server } = await serving(() => [])

    expect(server.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/)
  })

  test('shows folders to browsers, as links that escape what they must', async () => {
    const { ask } = await serving(() => [item('<b>/x')])

    expect((await ask('GET', '/')).text).toContain('<a href="/%3Cb%3E/">&lt;b&gt;/</a>')
    expect((await ask('GET', '/%3Cb%3E')).headers['location']).toBe('/%3Cb%3E/')
  })

  test('ends when told, also while somebody is connected', async () => {
    const { server } = await serving(() => [])

    await server.unmount()
    await server.done
    await expect(ask(server, 'GET', '/')).rejects.toThrow()
  })

  test('a port that is taken is an error', async () => {
    const { server } = await serving(() => [])
    const archives = new MemoryArchives()
    const tree = await archiveTree(archives, archives.archive('a', []), treeOptions())

    await expect(serveTree(tree, { port: Number(new URL(server.address).port) }, {})).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })
})
