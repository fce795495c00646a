import { describe, expect, test } from 'vitest'
import {
  fileLinesMax,
  functionLinesMax,
  habitViolations,
  lengthViolations,
  moduleViolations,
  nameViolations,
  readHouse,
} from './house.ts'

const house = readHouse()

describe('the engine', () => {
  test('touches no terminal, environment, clock or chance', () => {
    expect(nameViolations(house)).toEqual([])
  })

  test('reaches disks, networks and processes only where it should', () => {
    expect(moduleViolations(house)).toEqual([])
  })

  test('has no file over 400 lines and no function over 70', () => {
    expect(lengthViolations(house)).toEqual([])
  })

  test('has no default exports, no barrels, no rooms for odds and ends', () => {
    expect(habitViolations(house)).toEqual([])
  })
})

describe('the checks themselves see', () => {
  test.each([
    ['terminal', "console.log('x')"],
    ['terminal', 'process.stderr.write(text)'],
    ['environment', "const home = process.env['HOME']"],
    ['clock', 'const now = Date.now()'],
    ['chance', 'const x = Math.random()'],
  ])('engine code that touches the %s', (what, code) => {
    expect(nameViolations([{ path: 'archive/item.ts', text: code }])).toEqual([expect.stringContaining(what)])
    expect(nameViolations([{ path: 'cli/main.ts', text: code }])).toEqual([])
  })

  test('a comment is not code', () => {
    expect(nameViolations([{ path: 'archive/item.ts', text: '// console.log(x)\n/** Date.now() */' }])).toEqual([])
  })

  test('a disk where none belongs', () => {
    const text = "import { readFileSync } from 'node:fs'"
    expect(moduleViolations([{ path: 'archive/item.ts', text }])).toHaveLength(1)
    expect(moduleViolations([{ path: 'store/local-store.ts', text }])).toEqual([])
  })

  test('a file that is too long', () => {
    expect(lengthViolations([{ path: 'base/x.ts', text: 'x\n'.repeat(fileLinesMax + 1) }])).toHaveLength(1)
    expect(lengthViolations([{ path: 'base/x.ts', text: 'x\n'.repeat(fileLinesMax) }])).toEqual([])
  })

  test.each(['export function f(): void {', 'export async function* f(): AsyncGenerator<number> {'])(
    'a function that is too long: %s',
    (head) => {
      const text = `${head}\n${'  x()\n'.repeat(functionLinesMax)}}\n`
      expect(lengthViolations([{ path: 'base/x.ts', text }])).toHaveLength(1)
    },
  )

  test('a method that is too long', () => {
    const text = `class A {\n  async #work(x: number): Promise<void> {\n${'    x()\n'.repeat(functionLinesMax)}  }\n}\n`
    expect(lengthViolations([{ path: 'base/x.ts', text }])).toHaveLength(1)
  })

  test('a default export, a barrel, a room for odds and ends', () => {
    expect(habitViolations([{ path: 'base/x.ts', text: 'export default 1' }])).toHaveLength(1)
    expect(habitViolations([{ path: 'base/x.ts', text: "export * from './y.ts'" }])).toHaveLength(1)
    expect(habitViolations([{ path: 'base/utils.ts', text: '' }])).toHaveLength(1)
  })
})
