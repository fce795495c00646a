import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../src/base/bytes.ts'
import {
  FileDigest,
  formatIntegrity,
  hashIndexParts,
  integrityOf,
  verifyIntegrity,
} from '../../src/format/integrity.ts'
import { fromB64, fromGzB64, type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'

type Operation = ['write', InputPart[]] | ['hash_part', string]
interface FileCase {
  name: string
  basename: string
  ops: Operation[]
  integrity_data: string
}
const { file_integrity } = loadFixture<{ file_integrity: FileCase[] }>('vectors/checksums.json')

/** The file's bytes, and its parts as offsets. */
function fileOf({ basename, ops }: FileCase): {
  name: string
  bytes: Uint8Array
  parts: { name: string; end: number }[]
} {
  const pieces: Uint8Array[] = []
  const parts: { name: string; end: number }[] = []
  for (const operation of ops) {
    if (operation[0] === 'write') pieces.push(inputBytes(operation[1]))
    else parts.push({ name: operation[1], end: concatBytes(...pieces).length })
  }
  return { name: basename, bytes: concatBytes(...pieces), parts }
}

describe('digests are borg’s', () => {
  test.each(file_integrity)('$name: whole, streamed, verified', (vector) => {
    const file = fileOf(vector)
    const digest = new FileDigest(vector.basename)
    for (const operation of vector.ops) {
      if (operation[0] === 'write') for (const byte of inputBytes(operation[1])) digest.write(Uint8Array.of(byte))
      else digest.endPart(operation[1])
    }

    expect(integrityOf(file)).toBe(vector.integrity_data)
    expect(formatIntegrity(digest.finish())).toBe(vector.integrity_data)
    expect(verifyIntegrity(file, vector.integrity_data)).toBe(true)
  })

  test.each(['1.2.4', '1.4.5'])('the files of a real cache of borg %s carry their digests', (version) => {
    interface CacheFile {
      gz_b64?: string
      b64?: string
      text?: string
    }
    const { real_cache_dirs } = loadFixture<{
      real_cache_dirs: Record<string, { cache_files: Record<string, CacheFile> }>
    }>('vectors/cache.json')
    const files = real_cache_dirs[version]?.cache_files ?? {}
    const bytesOf = (file: CacheFile): Uint8Array =>
      file.gz_b64 !== undefined ? fromGzB64(file.gz_b64) : fromB64(file.b64 ?? '')
    const sidecars = Object.keys(files).filter((name) => name.endsWith('.integrity'))

    expect(sidecars.length).toBe(2)
    for (const sidecar of sidecars) {
      const path = sidecar.slice(0, -'.integrity'.length)
      const name = path.slice(path.lastIndexOf('/') + 1)
      const file = { name, bytes: bytesOf(files[path] ?? {}), parts: hashIndexParts }
      expect(verifyIntegrity(file, files[sidecar]?.text ?? '')).toBe(true)
      expect(integrityOf(file)).toBe(files[sidecar]?.text)
    }
    const config = files['config']?.text ?? ''
    const line = (key: string): string => new RegExp(`^${key} = (\\{.*)$`, 'm').exec(config)?.[1] ?? ''
    expect(
      verifyIntegrity({ name: 'chunks', bytes: bytesOf(files['chunks'] ?? {}), parts: hashIndexParts }, line('chunks')),
    ).toBe(true)
    expect(verifyIntegrity({ name: 'files', bytes: bytesOf(files['files'] ?? {}) }, line('files'))).toBe(true)
  })
})

describe('a difference is found', () => {
  const file = {
    name: 'index.5',
    bytes: inputBytes([{ gen: 'sha256ctr', seed: 'x', len: 100 }]),
    parts: hashIndexParts,
  }
  const integrity = integrityOf(file)
  const refused = expect.objectContaining({ code: 'FileIntegrityError', args: ['/repo/index.5'] })

  test('in any single byte, in the length and in the name', () => {
    for (let at = 0; at < file.bytes.length; at++) {
      const bytes = file.bytes.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(() => verifyIntegrity({ ...file, bytes }, integrity, '/repo/index.5')).toThrow(refused)
    }
    expect(() => verifyIntegrity({ ...file, bytes: file.bytes.subarray(1) }, integrity, '/repo/index.5')).toThrow(
      refused,
    )
    expect(() => verifyIntegrity({ ...file, name: 'index.6' }, integrity, '/repo/index.5')).toThrow(refused)
  })

  test('when a part has no digest', () => {
    const whole = integrityOf({ name: file.name, bytes: file.bytes })

    expect(() => verifyIntegrity(file, whole, '/repo/index.5')).toThrow(refused)
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"algorithm": "XXH64"}',
    '{"digests": {}}',
    '{"algorithm": "XXH64", "digests": null}',
  ])('when the digests are malformed: %s', (text) => {
    expect(() => verifyIntegrity(file, text, '/repo/index.5')).toThrow(refused)
  })

  test('but not claimed when the algorithm is unknown', () => {
    expect(verifyIntegrity(file, '{"algorithm": "SHA3", "digests": {"final": "00"}}')).toBe(false)
  })
})

test('the hashed bytes are labels, content and positions, as the vector spells them out', () => {
  const vector = file_integrity.find(({ name }) => name === 'index') as FileCase & {
    hashed_stream_HashHeader_hex: string
    hashed_stream_final_sha256: string
  }
  const { bytes } = fileOf(vector)
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)
  const header = concatBytes(text('         7index.5'), bytes.subarray(0, 18), text('        10HashHeader18'))
  const all = concatBytes(header, bytes.subarray(18), text(`         5final${bytes.length}`))

  expect(Buffer.from(header).toString('hex')).toBe(vector.hashed_stream_HashHeader_hex)
  expect(createHash('sha256').update(all).digest('hex')).toBe(vector.hashed_stream_final_sha256)
})
