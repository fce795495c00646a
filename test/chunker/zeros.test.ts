import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAllZero, isAllZeroReference } from '../../src/chunker/zeros.ts'

test('zeros are zeros at any offset and length', () => {
  const memory = new Uint8Array(300)
  for (let from = 0; from < 9; from++) {
    for (let to = from; to < 120; to++) expect(isAllZero(memory.subarray(from, to))).toBe(true)
  }
})

test('one bit anywhere is found, and bits outside are not seen', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(200), fc.nat(200), fc.nat(7), (at, a, b, bit) => {
      const memory = new Uint8Array(201)
      memory[at] = 1 << bit
      const view = memory.subarray(Math.min(a, b), Math.max(a, b))
      expect(isAllZero(view)).toBe(isAllZeroReference(view))
    }),
    { numRuns: 2000 },
  )
})
