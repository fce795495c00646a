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
    for (const piece of ['<a ', '<a b="', '<!--', '<a x=\'"'])
      expect(parsePropfind(piece.repeat(20_000))).toBeUndefined()
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

test('the owner of a connection is found by both its ends', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1',
    '   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 2 1',
    '   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 3 1',
  ].join('\n')

  expect(userInTable(table, 0xd431, 8080)).toBe(1000)
  expect(userInTable(table, 0xd431, 8081)).toBeUndefined()
})
