import { describe, expect, test } from 'vitest'
import { cycles, floorViolations, readHouse, type SourceFile } from './house.ts'

const house = readHouse()

function planted(path: string, text: string): SourceFile[] {
  return [{ path, text }]
}

describe('the house keeps its floors', () => {
  test('nothing imports upward or sideways', () => {
    expect(floorViolations(house)).toEqual([])
  })

  test('no two files import each other in a circle', () => {
    expect(cycles(house)).toEqual([])
  })

  test('the plan is of this house: every room of it that matters was read', () => {
    expect(house.length).toBeGreaterThan(100)
  })
})

describe('the check itself sees', () => {
  test('an upward import', () => {
    const found = floorViolations(planted('base/bytes.ts', "import { x } from '../kernels/crc32.ts'"))
    expect(found).toHaveLength(1)
  })

  test('a sideways import, of a type only', () => {
    const found = floorViolations(
      planted('store/local-store.ts', "import type { Stat } from '../platform/file-system.ts'"),
    )
    expect(found).toHaveLength(1)
  })

  test('a lazy upward import', () => {
    const found = floorViolations(planted('archive/item.ts', "const x = await import('../session/open.ts')"))
    expect(found).toHaveLength(1)
  })

  test('a face that reaches past the public face', () => {
    expect(floorViolations(planted('cli/main.ts', "import { x } from '../session/open.ts'"))).toHaveLength(1)
    expect(floorViolations(planted('cli/main.ts', "import { x } from '../index.ts'"))).toEqual([])
  })

  test('a room that is not on the plan', () => {
    expect(floorViolations(planted('utils/x.ts', ''))).toHaveLength(1)
  })

  test('a circle of three files', () => {
    const found = cycles([
      { path: 'base/a.ts', text: "import './b.ts'" },
      { path: 'base/b.ts', text: "import { c } from './c.ts'" },
      { path: 'base/c.ts', text: "import type { A } from './a.ts'" },
    ])
    expect(found).toEqual(['base/a.ts -> base/b.ts -> base/c.ts -> base/a.ts'])
  })
})
