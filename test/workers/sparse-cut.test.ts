import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FileLayout } from '../../src/platform/file-system.ts'
import { inputRanges, sparseCut } from '../../src/workers/sparse-cut.ts'
import { MemoryFile } from './memory-file.ts'

const kilobyte = 1024

describe('ranges of a file with holes', () => {
  test('are the header, then data and holes in turn, none of them empty', () => {
    const layout = {
      size: 100,
      data: [
        { start: 20, end: 30 },
        { start: 50, end: 60 },
      ],
    }
    expect(inputRanges(layout, 0)).toEqual([
      { kind: 'hole', size: 20 },
      { kind: 'data', size: 10 },
      { kind: 'hole', size: 20 },
      { kind: 'data', size: 10 },
      { kind: 'hole', size: 40 },
    ])
    expect(inputRanges(layout, 25)).toEqual([
      { kind: 'data', size: 25 },
      { kind: 'data', size: 5 },
      { kind: 'hole', size: 20 },
      { kind: 'data', size: 10 },
      { kind: 'hole', size: 40 },
    ])
  })

  test('cover a file that is shorter than its header, and one that is nothing but a hole', () => {
    expect(inputRanges({ size: 10, data: [{ start: 0, end: 10 }] }, 100)).toEqual([{ kind: 'data', size: 10 }])
    expect(inputRanges({ size: 10, data: [] }, 0)).toEqual([{ kind: 'hole', size: 10 }])
    expect(inputRanges({ size: 0, data: [] }, 0)).toEqual([])
  })

  test('always add up to the file', () => {
    const layouts = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 }).map((steps): FileLayout => {
      const edges = steps.map((_, i) => steps.slice(0, i + 1).reduce((total, step) => total + step, 0))
      const data = []
      for (let i = 0; i + 1 < edges.length; i += 2) data.push({ start: edges[i] ?? 0, end: edges[i + 1] ?? 0 })
      return { size: (edges.at(-1) ?? 0) + 7, data }
    })
    fc.assert(
      fc.property(layouts, fc.integer({ min: 0, max: 80 }), (layout, headerSize) => {
        const total = inputRanges(layout, headerSize).reduce((sum, range) => sum + range.size, 0)
        return total === layout.size
      }),
    )
  })
})

describe('cutting it', () => {
  const params = { algorithm: 'fixed', blockSize: 4 * kilobyte, headerSize: 0 } as const
  const content = new Uint8Array(40 * kilobyte)
  content.fill(1, 8 * kilobyte, 13 * kilobyte)
  const layout = { size: content.length, data: [{ start: 8 * kilobyte, end: 13 * kilobyte }] }

  test('reads the data only, and gives the file back whole', () => {
    const file = new MemoryFile(content, { layout })
    const whole: Uint8Array[] = []
    const sizes: number[] = []
    for (const chunks of sparseCut({ kind: 'file', file, skipHoles: true }, params) ?? []) {
      for (const chunk of chunks) {
        whole.push(chunk.kind === 'zeros' ? new Uint8Array(chunk.size) : chunk.bytes.slice())
        sizes.push(whole.at(-1)?.length ?? 0)
      }
    }
    expect(Buffer.concat(whole).equals(content)).toBe(true)
    // The last block of a range may be short: the hole begins a new one.
    expect(sizes.slice(0, 5)).toEqual([4096, 4096, 4096, 1024, 4096])
    expect(file.reads).toBe(1)
  })

  test('is for the fixed chunker, for files, and where the file system can tell', () => {
    const file = new MemoryFile(content, { layout })
    const buzhash = { algorithm: 'buzhash', minExponent: 10, maxExponent: 16, maskBits: 12, windowSize: 4095 } as const
    expect(sparseCut({ kind: 'file', file, skipHoles: true }, buzhash)).toBeUndefined()
    expect(sparseCut({ kind: 'file', file }, params)).toBeUndefined()
    expect(sparseCut({ kind: 'file', file: new MemoryFile(content), skipHoles: true }, params)).toBeUndefined()
  })
})
