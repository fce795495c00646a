import { describe, expect, test } from 'vitest'
import { decodeManifest, emptyManifest, encodeManifest, requireFeatures } from '../../src/archive/manifest.ts'
import { decodeArchiveMetadata, encodeArchiveMetadata } from '../../src/archive/metadata.ts'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { nanoseconds, objectId } from '../../src/base/ids.ts'
import { generateKey } from '../../src/crypto/key-blob.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import { metadataLimits, type UnpackedMap, unpack } from '../../src/format/msgpack-decode.ts'
import { packSorted } from '../../src/format/msgpack-encode.ts'
import { FakeHost } from '../support/fake-host.ts'
import { loadFixture } from '../support/vectors.ts'

interface RecordVectors {
  readonly archives: readonly { name: string; msgpack_hex: string }[]
  readonly manifests: readonly { name: string; msgpack_hex: string }[]
}
const vectors = loadFixture<RecordVectors>('vectors/items.json')
const host = new FakeHost()

function keyOf(mode: KeyMode): KeyMaterial {
  return generateKey(mode, objectId(new Uint8Array(32).fill(7)), (length) => host.randomBytes(length))
}

describe('archive records', () => {
  test.each(vectors.archives.map((vector) => [vector.name, vector] as const))(
    '%s: same bytes as borg after decoding',
    (_, vector) => {
      const map = unpack(fromHex(vector.msgpack_hex), metadataLimits) as UnpackedMap
      expect(toHex(packSorted(encodeArchiveMetadata(decodeArchiveMetadata(map))))).toBe(vector.msgpack_hex)
    },
  )

  test('a record of another version is refused', () => {
    const map = unpack(fromHex(vectors.archives[0]?.msgpack_hex ?? ''), metadataLimits) as UnpackedMap
    map.set('version', 2)
    expect(() => decodeArchiveMetadata(map)).toThrow(/version 2/)
  })
})

describe('manifests', () => {
  const [known, future] = vectors.manifests

  test('borg’s is read, and written back with the same archives and keys', () => {
    const key = { ...keyOf('repokey'), tamRequired: false }
    const manifest = decodeManifest(fromHex(known?.msgpack_hex ?? ''), key, { tamRequired: false })
    expect(manifest.archives.all().map((entry) => entry.name)).toEqual(['a', 'b', 'café'])
    expect(manifest.verified).toBe(false)
    const { packed } = encodeManifest(manifest, key, nanoseconds(0n), host.randomBytes(64))
    const written = unpack(packed, metadataLimits) as UnpackedMap
    const original = unpack(fromHex(known?.msgpack_hex ?? ''), metadataLimits) as UnpackedMap
    for (const field of ['archives', 'config', 'item_keys', 'version']) {
      expect(written.get(field)).toEqual(original.get(field))
    }
  })

  test('one of an incompatible future is refused by name', () => {
    expect(() => decodeManifest(fromHex(future?.msgpack_hex ?? ''), keyOf('repokey'), { tamRequired: true })).toThrow(
      expect.toSatisfy((error: unknown) => isBorgError(error, 'UnsupportedManifestError')),
    )
  })

  test('without authentication it is refused where that is required', () => {
    expect(() => decodeManifest(fromHex(known?.msgpack_hex ?? ''), keyOf('repokey'), { tamRequired: true })).toThrow(
      expect.toSatisfy((error: unknown) => isBorgError(error, 'TAMRequiredError')),
    )
  })

  test.each(['none', 'repokey', 'repokey-blake2', 'authenticated'] as const)(
    'ours verifies and survives (%s)',
    (mode) => {
      const key = keyOf(mode)
      const empty = emptyManifest(key.tamRequired)
      empty.archives.set({
        name: 'b\udcff',
        id: objectId(new Uint8Array(32).fill(1)),
        time: nanoseconds(1_000_000_000n),
      })
      const { packed, manifest } = encodeManifest(empty, key, nanoseconds(5_000_000_000n), host.randomBytes(64))
      const back = decodeManifest(packed, key, { tamRequired: key.tamRequired })
      expect(back.verified).toBe(true)
      expect(back.archives.all()).toEqual(empty.archives.all())
      expect(back.timestamp).toBe('1970-01-01T00:00:05.000000')
      expect(back.id).toEqual(manifest.id)
      const tampered = packed.slice()
      tampered[packed.length - 3] = (tampered[packed.length - 3] ?? 0) ^ 1
      expect(() => decodeManifest(tampered, key, { tamRequired: true })).toThrow()
    },
  )

  test('time never goes back, whatever the clock says', () => {
    const key = keyOf('none')
    const first = encodeManifest(emptyManifest(false), key, nanoseconds(5_000_000_000n), host.randomBytes(64))
    const second = encodeManifest(first.manifest, key, nanoseconds(1_000_000_000n), host.randomBytes(64))
    expect(second.manifest.timestamp).toBe('1970-01-01T00:00:05.000001')
  })

  test('features we do not have stop only the operations that need them', () => {
    const demanding = new Map([
      ['feature_flags', new Map([['write', new Map([['mandatory', [new TextEncoder().encode('x')]]])]])],
    ])
    const manifest = { ...emptyManifest(false), config: demanding }
    expect(() => requireFeatures(manifest, ['write'])).toThrow(/Unsupported repository feature\(s\) x/)
    expect(() => requireFeatures(manifest, ['read', 'delete'])).not.toThrow()
  })
})
