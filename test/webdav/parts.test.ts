import { endianness } from 'node:os'
import { describe, expect, test } from 'vitest'
import { nanoseconds } from '../../src/base/ids.ts'
import { escapeXml, httpDate } from '../../src/webdav/multistatus.ts'
import { decodePath, encodeName } from '../../src/webdav/paths.ts'
import { userInTable } from '../../src/webdav/peers.ts'
import { parsePropfind } from '../../src/webdav/propfind.ts'

describe('bodies of PROPFIND', () => {
  test.each([
    ['', { kind: 'all' }],
    [' \n', { kind: 'all' }],
    ['<a:propfind xmlns:a="DAV:"><a:allprop/><a:include><a:x/></a:include></a:propfind>', { kind: 'all' }],
    ['<propfind xmlns="DAV:"><propname/></propfind>', { kind: 'names' }],
    [
      '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- > --><D:propfind xmlns:D=\'DAV:\'>\n <D:prop>\n<D:getetag/><b xmlns="urn:b"><c/></b><n xmlns=""/></D:prop></D:propfind>\n',
      {
        kind: 'some',
        properties: [
          { namespace: 'DAV:', name: 'getetag' },
          { namespace: 'urn:b', name: 'b' },
          { namespace: '', name: 'n' },
        ],
      },
    ],
  ])('%s', (body, wanted) => {
    expect(parsePropfind(body)).toEqual(wanted)
  })

  test.each([
    '<',
    'text',
    '<propfind xmlns="DAV:">',
    '<propfind xmlns="DAV:"></prop>',
    '<propfind xmlns="DAV:"/>',
    '<propfind><prop/></propfind>',
    '<x:propfind><x:allprop/></x:propfind>',
    '<propfind xmlns="DAV:"><allprop/></propfind><again/>',
    '<!DOCTYPE p [<!ENTITY e "x">]><propfind xmlns="DAV:"><allprop/></propfind>',
    '<lockinfo xmlns="DAV:"><allprop/></lockinfo>',
  ])('%s is none', (body) => {
    expect(parsePropfind(body)).toBeUndefined()
  })

  test('a long malformed body is refused in no time', () => {
    for (const piece of ['<a ', '<a b="', '<!--', '<a x=\'"', '<a>', '<a xmlns:b="">'])
      expect(parsePropfind(piece.repeat(20_000))).toBeUndefined()
    const million = 1_000_000
    expect(parsePropfind(`<${'a'.repeat(million)}`)).toBeUndefined()
    expect(parsePropfind(`<a ${'xmlns:'.repeat(million)}/>`)).toBeUndefined()
  })

  test('elements that go deeper than any use are refused', () => {
    const nested = (depth: number): string => {
      const inside = `${'<D:x>'.repeat(depth - 2)}${'</D:x>'.repeat(depth - 2)}`
      return `<D:propfind xmlns:D="DAV:"><D:prop>${inside}</D:prop></D:propfind>`
    }
    expect(parsePropfind(nested(64))).toMatchObject({ kind: 'some' })
    expect(parsePropfind(nested(65))).toBeUndefined()
  })
})

describe('names in URLs', () => {
  test('every byte comes back', () => {
    const name = Uint8Array.from({ length: 254 }, (_, byte) => byte + 1).filter((byte) => byte !== 0x2f)

    expect(decodePath(`/x/${encodeName(name)}`)?.[1]).toEqual(name)
  })

  test('the absolute form is understood', () => {
    expect(decodePath('http://127.0.0.1:80/a//b/')?.map((name) => new TextDecoder().decode(name))).toEqual(['a', 'b'])
  })
})

test('dates no calendar has are the last it has', () => {
  expect(httpDate(nanoseconds(9n * 10n ** 24n))).toBe('Sat, 13 Sep 275760 00:00:00 GMT')
})

test('what XML cannot hold is replaced', () => {
  expect(escapeXml('a\u0000\u001f\ud800b\udcff\ufffe\t😀')).toBe('a\ufffd\ufffd\ufffdb\ufffd\ufffd\t😀')
})

describe('the owner of a connection', () => {
  const little = (address: string): string => (endianness() === 'LE' ? address : swapped(address))
  const swapped = (address: string): string =>
    (address.match(/.{8}/g) ?? []).map((word) => word.match(/../g)?.reverse().join('')).join('')
  const line = (from: string, to: string, state: string, uid: number): string => {
    const [fromAddress = '', fromPort] = from.split(':')
    const [toAddress = '', toPort] = to.split(':')
    const ends = `${little(fromAddress)}:${fromPort} ${little(toAddress)}:${toPort}`
    return `   7: ${ends} ${state} 00000000:00000000 00:00000000 00000000 ${uid}        0 2 1`
  }
  const table = (...lines: readonly string[]): string =>
    [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      ...lines,
      '',
    ].join('\n')
  const client = { address: '127.0.0.1', port: 0xd431 }
  const server = { address: '127.0.0.1', port: 8080 }
  const ours = line('0100007F:D431', '0100007F:1F90', '01', 1000)

  test('is that of the client, not of the server, the listener or a neighbour', () => {
    const others = [
      line('0100007F:1F90', '00000000:0000', '0A', 0),
      line('0100007F:1F90', '0100007F:D431', '01', 0),
      line('0100007F:D431', '0100007F:1F91', '01', 1),
      line('0100007F:D432', '0100007F:1F90', '01', 2),
    ]
    expect(userInTable(table(...others, ours), client, server)).toBe(1000)
    expect(userInTable(table(ours, ...others), client, server)).toBe(1000)
    expect(userInTable(table(...others), client, server)).toBeUndefined()
  })
  test('is not that of other addresses with the same ports', () => {
    const others = [
      line('0200007F:D431', '0100007F:1F90', '01', 0),
      line('0100007F:D431', '0200007F:1F90', '01', 0),
      line('0A00000A:D431', '0B00000A:1F90', '01', 0),
    ]
    expect(userInTable(table(...others), client, server)).toBeUndefined()
    expect(userInTable(table(...others, ours), client, server)).toBe(1000)
  })
  test.each(['02', '04', '05', '06', '07', '08', '09', '0B'])(
    'is not that of a socket in state %s, owned by 0',
    (state) => {
      const dead = line('0100007F:D431', '0100007F:1F90', state, 0)
      expect(userInTable(table(dead), client, server)).toBeUndefined()
      expect(userInTable(table(dead, ours), client, server)).toBe(1000)
    },
  )
  test('is found for a client that speaks IPv6 with an IPv4 address in it', () => {
    const mapped = '0000000000000000FFFF00000100007F'
    expect(userInTable(table(line(`${mapped}:D431`, `${mapped}:1F90`, '01', 1000)), client, server)).toBe(1000)
  })
})
