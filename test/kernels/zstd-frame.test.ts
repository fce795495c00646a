import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkedZstd, zstdContentSize } from '../../src/kernels/zstd-frame.ts'
import { loadZstdWasm } from '../../src/kernels/zstd-wasm.ts'
import { inputBytes } from '../support/vectors.ts'
import { borgBodies, compressible } from './codec-laws.ts'

describe('the outline of a zstd frame', () => {
  test('of every frame borg wrote is complete and names the plain size', () => {
    for (const { body, plain } of borgBodies('zstd')) expect(zstdContentSize(body, plain.length)).toBe(plain.length)
  })

  test('is refused when cut anywhere or followed by anything, without asking a decoder', async () => {
    const zstd = await loadZstdWasm()
    fc.assert(
      fc.property(compressible, fc.uint8Array({ minLength: 1, maxLength: 9 }), (plain, junk) => {
        const body = zstd.compress(plain, 3)
        expect(() => zstdContentSize(new Uint8Array(Buffer.concat([body, junk])), plain.length)).toThrow(
          'after the end',
        )
        for (let size = 0; size < Math.min(body.length, 40); size++) {
          expect(() => zstdContentSize(body.subarray(0, size), plain.length)).toThrow(/not a frame|truncated/)
        }
        expect(() => zstdContentSize(body.subarray(0, -1), plain.length)).toThrow(/not a frame|truncated/)
      }),
    )
  })

  test.each([
    ['a dictionary', '28b52ffd21' + '07' + '05' + '290000' + '68656c6c6f', 'dictionary'],
    ['a skippable frame', '502a4d18' + '00000000', 'not a frame'],
    ['a reserved bit', '28b52ffd28' + '05' + '290000' + '68656c6c6f', 'reserved'],
    ['a reserved block type', '28b52ffd20' + '05' + '2f0000' + '68656c6c6f', 'invalid block'],
  ])('with %s is refused', (_, hex, reason) => {
    expect(() => zstdContentSize(new Uint8Array(Buffer.from(hex, 'hex')), 100)).toThrow(reason)
  })
})

test('a libzstd that gives other sizes than asked for is not believed', () => {
  const plain = inputBytes([{ gen: 'zero', len: 5 }])
  const frame = new Uint8Array(Buffer.from('28b52ffd2005290000' + '0000000000', 'hex'))

  const short = checkedZstd({ compress: () => frame, decompress: () => plain.subarray(1) })

  expect(() => short.decompress(frame, 100)).toThrow('frame names 5 bytes, 4 came out')
  expect(() => short.compress(new Uint8Array(6), 3)).toThrow('zstd: frame of 6 bytes names 5')
  expect(short.compress(plain, 3)).toBe(frame)
})
