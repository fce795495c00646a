import { expect, test } from 'vitest'
import { readArchive } from '../../src/archive/archive-reader.ts'
import { encodeItem } from '../../src/archive/item-codec.ts'
import { encodeArchiveMetadata } from '../../src/archive/metadata.ts'
import { itemPath, nanoseconds, objectId } from '../../src/base/ids.ts'
import { generateKey } from '../../src/crypto/key-blob.ts'
import { packSorted } from '../../src/format/msgpack-encode.ts'
import type { ObjectReader } from '../../src/objects/object-reader.ts'
import { FakeHost } from '../support/fake-host.ts'

const id = (byte: number) => objectId(new Uint8Array(32).fill(byte))

test('chunks of the item stream are counted as they arrive, chosen items or not', async () => {
  const host = new FakeHost()
  const key = { ...generateKey('repokey', id(1), (length) => host.randomBytes(length)), tamRequired: false }
  const packed = packSorted(
    encodeArchiveMetadata({
      name: 'a',
      comment: '',
      hostname: 'h',
      username: 'u',
      start: nanoseconds(0n),
      end: nanoseconds(0n),
      commandLine: [],
      itemChunks: [id(2), id(3)],
    }),
  )
  const item = (path: string): Uint8Array =>
    encodeItem({ path: itemPath(path), mode: 0o100644, modified: nanoseconds(0n) })
  const objects: ObjectReader = {
    read: async () => packed,
    async *readMany() {
      yield item('x')
      yield item('y')
    },
  }
  const archive = await readArchive({ name: 'a', id: id(1), time: nanoseconds(0n) }, objects, key)
  const seen: string[] = []

  const items = archive.items({ select: (path) => path !== 'x', onChunk: () => seen.push('chunk') })
  for await (const { path } of items) seen.push(path)

  expect(seen).toEqual(['chunk', 'chunk', 'y'])
})
