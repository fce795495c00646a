import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { loadZlib } from '../../src/kernels/zlib.ts'
import { borgBodies, decompressedByBorg, borgInputs, describeCodec, sameBytes } from './codec-laws.ts'

describeCodec('zlib', loadZlib, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])

describe('zlib', () => {
  test('reads every zlib body borg wrote', async () => {
    const codec = await loadZlib()
    const bodies = borgBodies('zlib')

    expect(bodies.length).toBeGreaterThan(0)
    for (const { name, body, plain } of bodies) {
      expect(sameBytes(codec.decompress(body, plain.length), plain), name).toBe(true)
    }
  })

  test('reads a stream with a smaller window', async () => {
    const codec = await loadZlib()
    const body = new Uint8Array(Buffer.from('5885cb48cdc9c90700062c0215', 'hex'))

    expect(Buffer.from(codec.decompress(body, 5)).toString()).toBe('hello')
  })

  test('refuses a wrong checksum', async () => {
    const codec = await loadZlib()
    const body = codec.compress(new Uint8Array(100), 6)
    body[body.length - 1] = body.at(-1)! ^ 1

    expect(() => codec.decompress(body, 100)).toThrow(/^zlib: /)
  })

  test.each([-1, 10, 1.5, Number.NaN])('has no level %d', async (level) => {
    const codec = await loadZlib()

    expect(() => codec.compress(new Uint8Array(1), level)).toThrow(RangeError)
  })

  test('borg reads what every level writes', async () => {
    const codec = await loadZlib()
    const cases = borgInputs().flatMap(({ plain }) => [0, 1, 6, 9].map((level) => ({ plain, level })))

    const read = decompressedByBorg(cases.map(({ plain, level }) => codec.compress(plain, level)))

    if (read === undefined) return
    expect(read.map(toHex)).toEqual(cases.map(({ plain }) => toHex(plain)))
  })
})
