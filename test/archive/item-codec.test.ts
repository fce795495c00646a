import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classify, type Item } from '../../src/archive/item.ts'
import { decodeItem, encodeItem, itemKeys } from '../../src/archive/item-codec.ts'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { isIntegrityError } from '../../src/base/errors.ts'
import { itemPath, nanoseconds, objectId } from '../../src/base/ids.ts'
import { metadataLimits, type UnpackedMap, unpack } from '../../src/format/msgpack-decode.ts'
import { loadFixture } from '../support/vectors.ts'

interface ItemVectors {
  readonly item_keys: readonly string[]
  readonly items: readonly { name: string; msgpack_hex: string }[]
  readonly reader_acceptance: readonly {
    name: string
    msgpack_hex: string
    ok: boolean
    path: { b: string }
    cache_sync: string
  }[]
}
const vectors = loadFixture<ItemVectors>('vectors/items.json')

function decodeHex(hex: string): Item {
  return decodeItem(unpack(fromHex(hex), metadataLimits) as UnpackedMap)
}

describe('items', () => {
  test('the keys we list are the keys borg lists', () => {
    expect(itemKeys).toEqual(vectors.item_keys)
  })

  test.each(vectors.items.map((vector) => [vector.name, vector] as const))(
    '%s: same bytes as borg after decoding',
    (_, vector) => {
      expect(toHex(encodeItem(decodeHex(vector.msgpack_hex)))).toBe(vector.msgpack_hex)
    },
  )

  // What borg's reader takes but its own cache synchronisation refuses or cannot count is damage to us,
  // and so are xattrs that are no map.
  const refused = new Set([
    'float mtime',
    'chunk entry with 4 elements',
    'chunk id 31 bytes',
    'nesting 14',
    'nesting 20',
  ])

  test.each(vectors.reader_acceptance.map((vector) => [vector.name, vector] as const))(
    'reader accepts: %s',
    (name, vector) => {
      if (refused.has(name)) {
        expect(() => decodeHex(vector.msgpack_hex)).toThrow(expect.toSatisfy(isIntegrityError))
        return
      }
      // Keys of type bin or int are not text: such maps have no path for us.
      if (name === 'bin keys') {
        expect(decodeHex(vector.msgpack_hex).path).toBe('x')
        return
      }
      const path = decodeHex(vector.msgpack_hex).path
      expect(Buffer.from(vector.path.b, 'hex').toString('latin1').length).toBe([...path].length)
    },
  )

  test('keys of the future survive, keys of the past are dropped', () => {
    const item = decodeHex('84a36163 6ca178a56d74696d6501a470617468a178a37a7a7a920102'.replaceAll(' ', ''))
    expect(toHex(encodeItem(item))).toContain(toHex(new TextEncoder().encode('zzz')))
    expect(toHex(encodeItem(item))).not.toContain(`a3${toHex(new TextEncoder().encode('acl'))}`)
  })

  test('times outside what borg can show are moved inside when written', () => {
    const item: Item = {
      path: itemPath('x'),
      mode: 0o100644,
      modified: nanoseconds(-5n),
      changed: nanoseconds(10n ** 19n),
    }
    const back = decodeItem(unpack(encodeItem(item), metadataLimits) as UnpackedMap)
    expect(back.modified).toBe(0n)
    expect(back.changed).toBe(2147310847000000000n)
  })

  test('a name that is not known is nil, and an empty xattr too', () => {
    const item: Item = {
      path: itemPath('x'),
      mode: 0o100644,
      modified: nanoseconds(1n),
      user: null,
      group: 'g',
      xattrs: new Map([['user.empty', new Uint8Array(0)]]),
    }
    const map = unpack(encodeItem(item), metadataLimits) as UnpackedMap
    expect(map.get('user')).toBeNull()
    expect([...(map.get('xattrs') as UnpackedMap).values()]).toEqual([null])
  })

  test('any bytes decode to an item or are called damaged, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        try {
          const value = unpack(bytes, metadataLimits)
          if (value instanceof Map) decodeItem(value)
        } catch (error) {
          if (!isIntegrityError(error)) throw error
        }
      }),
    )
  })
})

describe('classify', () => {
  const base = { path: itemPath('x'), modified: nanoseconds(0n) }

  test('a source means target for symlinks and first name for everything else', () => {
    expect(classify({ ...base, mode: 0o120777, source: 'to' })).toEqual({ kind: 'symlink', target: 'to' })
    expect(classify({ ...base, mode: 0o100644, source: 'to' })).toEqual({ kind: 'hardlink', to: 'to' })
    expect(classify({ ...base, mode: 0o010644, source: 'to' })).toEqual({ kind: 'hardlink', to: 'to' })
  })

  test('a file without a word about hard links may have some, and its size comes from its chunks', () => {
    const chunk = { id: objectId(new Uint8Array(32)), size: 7, storedSize: 1 }
    expect(classify({ ...base, mode: 0o100644, chunks: [chunk] })).toEqual({
      kind: 'file',
      chunks: [chunk],
      size: 7,
      linked: true,
    })
    expect(classify({ ...base, mode: 0o100644, hardlinkMaster: false })).toMatchObject({ linked: false })
  })
})
