import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import xz from 'xz-decompress'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { loadLzma } from '../../src/kernels/lzma.ts'
import { inputBytes } from '../support/vectors.ts'
import {
  borgBodies,
  decompressedByBorg,
  borgInputs,
  compressible,
  describeCodec,
  sameBytes,
  splitBySize,
} from './codec-laws.ts'

const levels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

describeCodec('lzma', loadLzma, levels)

describe('lzma', () => {
  test('reads every xz body borg wrote', async () => {
    const codec = await loadLzma()
    const bodies = borgBodies('lzma')

    expect(bodies.length).toBeGreaterThan(0)
    for (const { name, body, plain } of bodies) {
      expect(sameBytes(codec.decompress(body, plain.length), plain), name).toBe(true)
    }
  })

  test('writes xz without a check, as borg does', async () => {
    const codec = await loadLzma()

    expect(toHex(codec.compress(new Uint8Array(1000), 6).subarray(0, 12))).toBe('fd377a585a0000' + '00ff12d941')
  })

  test.each(levels)('level %i really compresses', async (level) => {
    const codec = await loadLzma()
    const { plain } = borgInputs().find(({ name }) => name === 'text 1000')!
    const much = inputBytes([{ gen: 'repeat', hex: toHex(plain), len: 200_000 }])

    expect(codec.compress(much, level).length).toBeLessThan(1500)
  })

  test('an independent decoder reads it, any level', async () => {
    const codec = await loadLzma()
    await fc.assert(
      fc.asyncProperty(compressible, fc.integer({ min: 0, max: 9 }), async (plain, level) => {
        expect(sameBytes(await unxz(codec.compress(plain, level)), plain)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('chunk borders: noise, text and zeros past the limits of one LZMA2 chunk, read by an independent decoder', async () => {
    const codec = await loadLzma()
    const plain = inputBytes([
      { gen: 'sha256ctr', seed: 'n1', len: 200_000 },
      { gen: 'repeat', hex: toHex(inputBytes([{ gen: 'sha256ctr', seed: 'unit', len: 5000 }])), len: 300_000 },
      { gen: 'zero', len: 5_000_000 },
      { gen: 'sha256ctr', seed: 'n2', len: 65_537 },
      { gen: 'sha256ctr', seed: 'n1', len: 70_000 },
    ])
    // Letters, so that literals cost less than eight bits and chunks fill by coded size.
    const text = inputBytes([{ gen: 'sha256ctr', seed: 'text', len: 400_000 }]).map((byte) => 97 + (byte % 20))
    for (const level of [0, 5, 9]) {
      for (const bytes of [plain, text]) {
        expect(sameBytes(await unxz(codec.compress(bytes, level)), bytes)).toBe(true)
      }
    }
  })

  test.each([-1, 10, 0.5, Number.NaN])('has no level %d', async (level) => {
    const codec = await loadLzma()

    expect(() => codec.compress(new Uint8Array(1), level)).toThrow(RangeError)
  })

  test('refuses every single damaged byte of a stream with a check of its own, and of headers and index', async () => {
    const codec = await loadLzma()
    const body = madeByLiblzma("lzma.compress(b'hello hello hello hello', check=lzma.CHECK_CRC64)")
    if (body === undefined) return

    expect(Buffer.from(codec.decompress(body, 100)).toString()).toBe('hello hello hello hello')
    for (let at = 0; at < body.length; at++) {
      const damaged = body.slice()
      damaged[at] = damaged[at]! ^ 0x10
      expect(() => codec.decompress(damaged, 100), `byte ${at}`).toThrow(/^lzma: /)
    }
  })

  test.each([
    ['every preset', '[lzma.compress(d, preset=p, check=0) for p in range(10)]'],
    ['extreme presets', '[lzma.compress(d, preset=p | lzma.PRESET_EXTREME, check=0) for p in (0, 3, 6)]'],
    ['every check', '[lzma.compress(d, check=c) for c in (0, 1, 4, 10)]'],
    [
      'the alone form, with an end marker',
      '[lzma.compress(d, format=lzma.FORMAT_ALONE, preset=p) for p in (0, 3, 6, 9)]',
    ],
    [
      'the alone form of known size',
      '[(lambda a: a[:5] + len(d).to_bytes(8, "little") + a[13:])(lzma.compress(d, format=lzma.FORMAT_ALONE))]',
    ],
    [
      'other literal and position bits',
      '[lzma.compress(d, format=f, check=c, filters=[{"id": i, "preset": 6, "lc": a, "lp": b, "pb": p}]) ' +
        'for f, c, i in ((lzma.FORMAT_XZ, 0, lzma.FILTER_LZMA2), (lzma.FORMAT_ALONE, -1, lzma.FILTER_LZMA1)) ' +
        'for a, b, p in ((0, 0, 0), (4, 0, 4), (0, 4, 2), (1, 3, 1), (2, 2, 3))]',
    ],
  ])('reads liblzma: %s', async (_, expression) => {
    const codec = await loadLzma()
    const plain = inputBytes([
      { gen: 'repeat', hex: toHex(new TextEncoder().encode('the quick brown fox ')), len: 5000 },
      { gen: 'sha256ctr', seed: 'lib', len: 90_000 },
      { gen: 'zero', len: 30_000 },
      { gen: 'sha256ctr', seed: 'lib', len: 20_000 },
    ])
    const joined = madeByLiblzma(`b''.join(len(x).to_bytes(4, "big") + x for x in ${expression})`, plain)
    if (joined === undefined) return

    const bodies = splitBySize(joined)
    expect(bodies.length).toBeGreaterThan(0)
    for (const body of bodies) {
      expect(sameBytes(codec.decompress(body, plain.length), plain)).toBe(true)
      expect(() => codec.decompress(body, plain.length - 1)).toThrow(/^lzma: /)
      expect(() => codec.decompress(body.subarray(0, -1), plain.length)).toThrow(/^lzma: /)
    }
  })

  test('refuses a container that lies about sizes', async () => {
    const codec = await loadLzma()
    const body = codec.compress(new Uint8Array(100), 6)
    for (const filter of ['0303', '2102']) {
      // A filter id or property size it does not know, with a correct checksum, is refused by name.
      const changed = body.slice()
      changed.set(Buffer.from(filter, 'hex'), 14)
      expect(() => codec.decompress(changed, 100)).toThrow(/^lzma: /)
    }
    expect(() => codec.decompress(body, 99)).toThrow('lzma: holds 100 bytes, more than the expected 99')
  })

  test('borg reads what every level writes', async () => {
    const codec = await loadLzma()
    const mixed = inputBytes([
      { gen: 'repeat', hex: toHex(new TextEncoder().encode('pack my box with five dozen ')), len: 50_000 },
      { gen: 'sha256ctr', seed: 'lzma', len: 150_000 },
      { gen: 'zero', len: 100_000 },
      { gen: 'sha256ctr', seed: 'lzma', len: 100_000 },
    ])
    const plains = [mixed, ...borgInputs().map(({ plain }) => plain)]
    const cases = plains.flatMap((plain) => levels.map((level) => ({ plain, level })))

    const read = decompressedByBorg(
      cases.map(({ plain, level }) => Buffer.concat([Uint8Array.of(2, 0), codec.compress(plain, level)])),
    )

    if (read === undefined) return
    expect(read.map((bytes, i) => sameBytes(bytes, cases[i]!.plain))).toEqual(cases.map(() => true))
  })
})

async function unxz(body: Uint8Array): Promise<Uint8Array> {
  const packed = new Blob([Uint8Array.from(body)]).stream()
  // The package's own type of stream is an older reading of the same thing.
  const plain = new xz.XzReadableStream(packed) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>
  return new Uint8Array(await new Response(plain).arrayBuffer())
}

/** What the system's Python, and so liblzma, makes of `expression`, where `d` is `input`; undefined, said aloud, without it. */
function madeByLiblzma(expression: string, input: Uint8Array = new Uint8Array(0)): Uint8Array | undefined {
  const code = `import sys, lzma; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(${expression})`
  try {
    const made = execFileSync('/usr/bin/python3', ['-c', code], { input, maxBuffer: 64 << 20, stdio: 'pipe' })
    return new Uint8Array(made)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    console.warn('kernels: no Python here, so streams made by liblzma were not read')
    return undefined
  }
}
