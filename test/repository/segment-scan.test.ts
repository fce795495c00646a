import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, toHex } from '../../src/base/bytes.ts'
import { type ObjectId, objectId } from '../../src/base/ids.ts'
import { encodeEntry, type SegmentEntry, segmentMagic } from '../../src/repository/segment-entry.ts'
import { type ScannedEntry, SegmentParser, salvageSegment } from '../../src/repository/segment-scan.ts'
import { fromB64, loadFixture } from '../support/vectors.ts'

interface SegmentCase {
  readonly name: string
  readonly b64: string
  readonly entries?: readonly [tag: string, id: string | null, offset: number, size: number][]
  readonly error?: string
  readonly error_offset?: number
  readonly is_committed: boolean
  readonly recovered_b64?: string
}

const { cases } = loadFixture<{ cases: readonly SegmentCase[] }>('vectors/segments.json')

/** borg's error classes in our words. */
const problems: Readonly<Record<string, string>> = {
  'bad-magic': 'magic',
  'entry-size-too-big': 'size-too-big',
  'entry-size-too-small': 'size-too-small',
  truncated: 'truncated',
  'crc-mismatch': 'checksum',
  'unknown-tag': 'unknown-tag',
}

describe.each([1, 7, 40, 1_000_000])('read in blocks of %i bytes', (blockSize) => {
  test.each(cases)('"$name" is read as borg reads it', (segment) => {
    const parser = new SegmentParser({ keepData: true })
    const found = parseAll(parser, fromB64(segment.b64), blockSize)

    if (segment.name === 'put entry smaller than 41') {
      // borg's generic reader lets it pass, with an id of 5 bytes; the sheet says that readers should reject it.
      expect(parser.problem).toEqual({ problem: 'size-too-small', offset: 8 })
      return
    }
    expect(parser.isCommitted).toBe(segment.is_committed)
    if (segment.error === undefined) {
      expect(parser.problem).toBeUndefined()
      expect(found.map(summary)).toEqual(segment.entries)
    } else {
      expect(parser.problem).toEqual({ problem: problems[segment.error], offset: segment.error_offset })
    }
  })

  test.each(cases.filter((segment) => segment.recovered_b64 !== undefined))(
    'of "$name" the same is saved as by borg',
    async (segment) => {
      const saved = await salvage(fromB64(segment.b64), blockSize)

      expect(toHex(saved)).toBe(toHex(fromB64(segment.recovered_b64 ?? '')))
    },
  )
})

const anyId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(objectId)
const anyEntry: fc.Arbitrary<SegmentEntry> = fc.oneof(
  fc.record({ tag: fc.constant('put' as const), id: anyId, data: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ tag: fc.constant('delete' as const), id: anyId }),
  fc.constant({ tag: 'commit' as const }),
)

test('entries come back as they were written, however the file is split', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 20 }), fc.integer({ min: 1, max: 700 }), (entries, blockSize) => {
      const parser = new SegmentParser({ keepData: true })
      const found = parseAll(parser, segmentOf(entries), blockSize)

      expect(parser.problem).toBeUndefined()
      expect(found.map(({ tag, id, data }) => [tag, toHex(id), toHex(data)])).toEqual(
        entries.map((entry) => [
          entry.tag,
          entry.tag === 'commit' ? '' : toHex(entry.id),
          entry.tag === 'put' ? toHex(entry.data) : '',
        ]),
      )
    }),
  )
})

test('a flipped bit is always noticed, and what comes before it is delivered', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { minLength: 1, maxLength: 8 }), fc.nat(), fc.nat(7), (entries, where, bit) => {
      const bytes = segmentOf(entries)
      const at = where % bytes.length
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      const parser = new SegmentParser({ keepData: false })
      const found = parseAll(parser, bytes, 64)

      expect(parser.problem).toBeDefined()
      for (const { offset, size } of found) expect(offset + size).toBeLessThanOrEqual(at)
    }),
  )
})

test('hostile bytes end in a problem or in entries that lie within the file, never in an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, withMagic) => {
      const file = withMagic ? concatBytes(segmentMagic, bytes) : bytes
      const parser = new SegmentParser({ keepData: true })
      for (const { offset, size } of parseAll(parser, file, 16)) {
        expect(offset + size).toBeLessThanOrEqual(file.length)
      }
    }),
  )
})

test('salvage finds every sound entry between stretches of garbage', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(fc.constantFrom(0xff, 0x80), { maxLength: 30 }), anyEntry), { maxLength: 8 }),
      fc.integer({ min: 1, max: 300 }),
      async (pieces, blockSize) => {
        const damaged = concatBytes(
          segmentMagic,
          ...pieces.flatMap(([garbage, entry]) => [Uint8Array.from(garbage), ...encodeEntry(entry)]),
        )

        const saved = await salvage(damaged, blockSize)

        expect(toHex(saved)).toBe(toHex(segmentOf(pieces.map(([, entry]) => entry))))
      },
    ),
  )
})

function segmentOf(entries: readonly SegmentEntry[]): Uint8Array {
  return concatBytes(segmentMagic, ...entries.flatMap((entry) => encodeEntry(entry)))
}

function parseAll(parser: SegmentParser, bytes: Uint8Array, blockSize: number): ScannedEntry[] {
  const found: ScannedEntry[] = []
  for (let at = 0; at < bytes.length; at += blockSize) found.push(...parser.feed(bytes.slice(at, at + blockSize)))
  parser.end()
  return found
}

async function salvage(bytes: Uint8Array, blockSize: number): Promise<Uint8Array> {
  async function* blocks(): AsyncGenerator<Uint8Array> {
    // As SegmentFiles.salvage: of less than a commit segment nothing can be saved.
    if (bytes.length < 17) return
    for (let at = 0; at < bytes.length; at += blockSize) yield bytes.slice(at, at + blockSize)
  }
  const parts: Uint8Array[] = []
  for await (const part of salvageSegment(blocks())) parts.push(part.slice())
  return concatBytes(...parts)
}

function summary({ tag, id, offset, size }: ScannedEntry): [string, string | null, number, number] {
  return [tag.toUpperCase(), tag === 'commit' ? null : toHex(id as ObjectId), offset, size]
}
