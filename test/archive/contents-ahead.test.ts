import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withContents } from '../../src/archive/contents-ahead.ts'
import { BorgError } from '../../src/base/errors.ts'
import { idKey, type ObjectId } from '../../src/base/ids.ts'
import { idOf } from '../repository/world.ts'

/** Pulls ids ahead as a far repository does, and ends with the first failure at its turn. */
class FarObjects {
  readonly missing = new Set<string>()
  readonly names = new Map<string, string>()
  asked = 0
  streams = 0
  readonly #ahead: number

  constructor(ahead: number) {
    this.#ahead = ahead
  }

  id(name: string): ObjectId {
    const id = idOf(name)
    this.names.set(idKey(id), name)
    return id
  }

  async *readMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncGenerator<Uint8Array> {
    this.streams++
    const window: string[] = []
    const deliver = (): Uint8Array => {
      const name = window.shift() ?? ''
      if (this.missing.has(name)) throw new BorgError('Repository.ObjectNotFound', [name, 'here'])
      return new TextEncoder().encode(name)
    }
    for await (const id of ids) {
      this.asked++
      window.push(this.names.get(idKey(id)) ?? '')
      if (window.length > this.#ahead) yield deliver()
    }
    while (window.length > 0) yield deliver()
  }
}

interface Entry {
  readonly name: string
  readonly chunks: readonly ObjectId[]
}

async function* each<T>(entries: readonly T[]): AsyncGenerator<T> {
  yield* entries
}

test('every item gets its own chunks, whatever is missing and whatever is left unread', async () => {
  const plan = fc.array(
    fc.record({ chunks: fc.nat(5), missing: fc.option(fc.nat(4)), read: fc.constantFrom('all', 'none', 'one') }),
    { maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(plan, fc.nat(8), async (items, ahead) => {
      const objects = new FarObjects(ahead)
      const entries = items.map(({ chunks, missing }, i): Entry => {
        if (missing !== null) objects.missing.add(`${i}.${missing}`)
        return { name: `${i}`, chunks: Array.from({ length: chunks }, (_, c) => objects.id(`${i}.${c}`)) }
      })
      let at = 0
      for await (const { item, content } of withContents(each(entries), objects, ({ chunks }) => chunks)) {
        const { chunks, missing, read } = items[at] ?? { chunks: 0, missing: null, read: 'all' }
        expect(item.name).toBe(`${at}`)
        const fails = missing !== null && missing < chunks
        const whole = Array.from({ length: fails ? missing : chunks }, (_, c) => `${at}.${c}`)
        const seen: string[] = []
        let failed = false
        if (read !== 'none') {
          try {
            for await (const plain of content()) {
              seen.push(new TextDecoder().decode(plain))
              if (read === 'one') break
            }
          } catch {
            failed = true
          }
        }
        const expected = read === 'all' ? whole : read === 'one' ? whole.slice(0, 1) : []
        expect(seen).toEqual(expected)
        expect(failed).toBe(fails && read !== 'none' && (read === 'all' || missing === 0))
        at++
      }
      expect(at).toBe(entries.length)
    }),
  )
})

test('reads ahead across items, and does not fetch the rest of what nobody wants', async () => {
  const objects = new FarObjects(10)
  const large = Array.from({ length: 10_000 }, (_, c) => objects.id(`large.${c}`))
  const small = Array.from({ length: 100 }, (_, i): Entry => ({ name: `${i}`, chunks: [objects.id(`${i}.0`)] }))
  const entries: Entry[] = [{ name: 'large', chunks: large }, ...small]
  let seen = 0
  for await (const { item, content } of withContents(each(entries), objects, ({ chunks }) => chunks)) {
    for await (const _plain of content()) {
      seen++
      if (item.name === 'large') break
    }
  }
  expect(seen).toBe(101)
  expect(objects.asked).toBeLessThan(130)
  expect(objects.streams).toBe(1)
})

test('many items without content do not all come before the first is delivered', async () => {
  const objects = new FarObjects(10)
  let made = 0
  async function* endless(): AsyncGenerator<Entry> {
    for (let i = 0; i < 20_000; i++) {
      made++
      yield { name: `${i}`, chunks: i % 9_000 === 1 ? [objects.id(`${i}.0`)] : [] }
    }
  }
  let delivered = 0
  const found: string[] = []
  for await (const { content } of withContents(endless(), objects, ({ chunks }) => chunks)) {
    delivered++
    for await (const plain of content()) found.push(new TextDecoder().decode(plain))
    expect(made - delivered).toBeLessThan(3_000)
  }
  expect(delivered).toBe(20_000)
  expect(found).toEqual(['1.0', '9001.0', '18001.0'])
})

test('a stream of items that fails does so after the items before it', async () => {
  const objects = new FarObjects(10)
  async function* items(): AsyncGenerator<Entry> {
    yield { name: 'a', chunks: [objects.id('a.0')] }
    yield { name: 'b', chunks: [objects.id('b.0')] }
    throw new BorgError('IntegrityError', ['the third'])
  }
  const seen: string[] = []
  const read = async (): Promise<void> => {
    for await (const { content } of withContents(items(), objects, ({ chunks }) => chunks)) {
      for await (const plain of content()) seen.push(new TextDecoder().decode(plain))
    }
  }
  await expect(read()).rejects.toThrow('the third')
  expect(seen).toEqual(['a.0', 'b.0'])
})
