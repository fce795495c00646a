import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { ObjectId } from '../../src/base/ids.ts'
import { segmentNumber } from '../../src/base/ids.ts'
import { planCompaction } from '../../src/repository/compact.ts'
import { decodeHints, encodeHints } from '../../src/repository/hints.ts'
import { Ledger } from '../../src/repository/ledger.ts'
import { NsIndex } from '../../src/repository/ns-index.ts'
import { idOf } from './world.ts'

interface Logged {
  readonly tag: 'put' | 'delete'
  readonly id: ObjectId
  readonly segment: number
  readonly offset: number
  readonly size: number
}

const anyHistory = fc.array(
  fc.record({
    name: fc.constantFrom(...'abcdef'),
    remove: fc.boolean(),
    size: fc.integer({ min: 41, max: 200 }),
    nextSegment: fc.boolean(),
  }),
  { maxLength: 60 },
)

test('a ledger kept while writing says the same as one that replays the log', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { ledger, log, segments } = write(history)
      const replayed = replay(log, segments)

      expect(indexOf(replayed)).toEqual(indexOf(ledger))
      for (const segment of segments) {
        expect(replayed.liveEntries(segmentNumber(segment))).toBe(ledger.liveEntries(segmentNumber(segment)))
      }
      expect(replayed.quotaUsed).toBe(ledger.quotaUsed)
      for (const name of 'abcdef') {
        for (const segment of segments) {
          // "Unknown" counts as shadowed; where both know the id they must agree.
          if (!log.some(({ id }) => toHex(id) === toHex(idOf(name)))) continue
          expect(replayed.isShadowed(idOf(name), segmentNumber(segment))).toBe(
            ledger.isShadowed(idOf(name), segmentNumber(segment)),
          )
        }
      }
    }),
  )
})

test('the bytes that compaction would free are those of superseded puts and of tombstones', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { ledger, log } = write(history)
      for (const [segment, offsets] of [...ledger.unsized()]) {
        ledger.sized(segment, sum(log.filter((entry) => entry.segment === segment && offsets.includes(entry.offset))))
      }
      const live = new Set([...ledger.index.entries()].map(([, { segment, offset }]) => `${segment}:${offset}`))
      const dead = log.filter(({ tag, segment, offset }) => tag === 'delete' || !live.has(`${segment}:${offset}`))

      for (const [segment, bytes] of ledger.reclaimable()) {
        expect(bytes).toBe(sum(dead.filter((entry) => entry.segment === segment)))
      }
    }),
  )
})

test('hints keep everything the index does not hold, through their file', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { ledger } = write(history)
      const packed = encodeHints(ledger.hints())
      const again = new Ledger(NsIndex.parse(ledger.index.serialize()), decodeHints(packed, segmentNumber(1_000_000)))

      expect(toHex(encodeHints(again.hints()))).toBe(toHex(packed))
    }),
  )
})

test('hostile hints are an IntegrityError, never anything else', () => {
  const sound = encodeHints(write([{ name: 'a', remove: false, size: 50, nextSegment: false }]).ledger.hints())
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), damagedCopies(sound)), (bytes) => {
      try {
        decodeHints(bytes, segmentNumber(3))
      } catch (error) {
        expect(error).toMatchObject({ code: 'IntegrityError' })
      }
    }),
    { numRuns: 500 },
  )
})

test('hints of borg 1.0 name sparse segments, whose free bytes must be found out', () => {
  // {version: 1, segments: {0: 3, 2: 0}, compact: [0, 2]}
  const packed = Uint8Array.from([
    ...[0x83, 0xa7, ...text('version'), 0x01],
    ...[0xa8, ...text('segments'), 0x82, 0x00, 0x03, 0x02, 0x00],
    ...[0xa7, ...text('compact'), 0x92, 0x00, 0x02],
  ])
  const hints = decodeHints(packed, segmentNumber(2))

  expect(hints.unmeasured).toEqual([0, 2])
  expect([...hints.segments]).toEqual([
    [0, 3],
    [2, 0],
  ])
  expect(hints.quotaUsed).toBe(0)
})

test('shadows of segments after the transaction are dropped', () => {
  const ledger = new Ledger()
  for (const segment of [1, 2, 3]) {
    ledger.put(idOf('a'), { segment: segmentNumber(segment), offset: 8 }, 50)
    ledger.supersede(idOf('a'), true)
  }
  const hints = decodeHints(encodeHints(ledger.hints()), segmentNumber(2))

  expect([...hints.shadows].map(([, segments]) => segments)).toEqual([[1, 2]])
})

test('a segment is worth rewriting when more than the threshold of its file would be freed', () => {
  const numbers = (pairs: readonly [number, number][]): Map<ReturnType<typeof segmentNumber>, number> =>
    new Map(pairs.map(([segment, value]) => [segmentNumber(segment), value]))
  const reclaimable = numbers([
    [7, 9],
    [3, 50],
    [1, 10],
    [2, 11],
    [5, 4],
    [4, 9],
  ])
  const sizes = numbers([
    [1, 100],
    [2, 100],
    [3, 100],
    [4, 0],
    [7, 17],
  ])

  expect(planCompaction(reclaimable, sizes, 0.1)).toEqual({ rewrite: [2, 3, 7], forget: [4, 5] })
  expect(planCompaction(reclaimable, sizes, 0.5)).toEqual({ rewrite: [7], forget: [4, 5] })
  expect(planCompaction(reclaimable, sizes, 1)).toEqual({ rewrite: [], forget: [4, 5] })
})

test('scan order is the order of places, in pages, across any number of segments', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.nat(6), fc.nat(1000)), { selector: ([s, o]) => `${s}:${o}`, maxLength: 80 }),
      fc.integer({ min: 1, max: 30 }),
      (places, limit) => {
        const index = NsIndex.create()
        for (const [segment, offset] of places) index.set(idOf(`${segment}:${offset}`), segmentNumber(segment), offset)
        const expected = [...places].sort(([s1, o1], [s2, o2]) => s1 - s2 || o1 - o2).map(([s, o]) => `${s}:${o}`)

        const found: string[] = []
        for (let page = index.scan(limit, undefined); page.length > 0; ) {
          const ordered = page.map((id) => index.find(id))
          found.push(...ordered.map((place) => `${place?.segment}:${place?.offset}`))
          page = index.scan(limit, ordered.at(-1))
        }
        expect(found).toEqual(expected)
      },
    ),
  )
})

/** What SegmentRepository does with a ledger, without any bytes. */
function write(history: readonly { name: string; remove: boolean; size: number; nextSegment: boolean }[]): {
  ledger: Ledger
  log: Logged[]
  segments: number[]
} {
  const ledger = new Ledger()
  const log: Logged[] = []
  let segment = 0
  let offset = 8
  const append = (tag: 'put' | 'delete', id: ObjectId, size: number): Logged => {
    const entry = { tag, id, segment, offset, size }
    log.push(entry)
    offset += size
    return entry
  }
  for (const { name, remove, size, nextSegment } of history) {
    if (nextSegment) {
      segment += 1
      offset = 8
    }
    const id = idOf(name)
    const known = ledger.find(id) !== undefined
    if (known) {
      const tombstone = append('delete', id, 41)
      ledger.supersede(id, remove)
      ledger.tombstone(segmentNumber(tombstone.segment))
    }
    if (remove) continue
    const place = append('put', id, size)
    ledger.put(id, { segment: segmentNumber(place.segment), offset: place.offset }, size)
  }
  return { ledger, log, segments: Array.from({ length: segment + 1 }, (_, i) => i) }
}

function replay(log: readonly Logged[], segments: readonly number[]): Ledger {
  const ledger = new Ledger()
  for (const segment of segments) {
    ledger.replayBegin(segmentNumber(segment))
    for (const entry of log.filter((logged) => logged.segment === segment)) {
      const place = { segment: segmentNumber(segment), offset: entry.offset }
      if (entry.tag === 'put') ledger.replayPut(entry.id, place, entry.size)
      else ledger.replayDelete(entry.id, () => true)
    }
    ledger.replayEnd(segmentNumber(segment), 1000)
  }
  return ledger
}

function indexOf(ledger: Ledger): Map<string, string> {
  return new Map([...ledger.index.entries()].map(([id, { segment, offset }]) => [toHex(id), `${segment}:${offset}`]))
}

function sum(entries: readonly Logged[]): number {
  return entries.reduce((total, { size }) => total + size, 0)
}

function damagedCopies(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length)).map(([at, value, length]) => {
    const copy = bytes.slice(0, length)
    if (at < copy.length) copy[at] = value
    return copy
  })
}

function text(ascii: string): number[] {
  return [...new TextEncoder().encode(ascii)]
}
