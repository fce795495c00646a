/**
 * What every Repository promises, whatever is behind it: src/repository/repository.ts as test cases.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import { isBorgError } from '../../src/base/errors.ts'
import { manifestId, type ObjectId } from '../../src/base/ids.ts'
import { dataSizeMax } from '../../src/base/limits.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { bytesOf, idOf, textOf } from '../repository/world.ts'

/** One place for a repository; `open` may be called again and again, one after the other. */
export interface RepositoryPlace {
  open(access: 'read' | 'write'): Promise<Repository>
}

type Act =
  | { readonly do: 'put'; readonly name: string; readonly size: number; readonly fill: number }
  | { readonly do: 'delete'; readonly name: string }
  | { readonly do: 'commit'; readonly compact: boolean }
  | { readonly do: 'rollback' | 'reopen' | 'list' | 'scan' }

const names = ['MANIFEST', 'a', 'b', 'c', 'd', 'e', 'f', 'g']
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      name: fc.constantFrom(...names),
      size: fc.oneof(fc.nat(300), fc.constant(150_000)),
      fill: fc.nat(255),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), name: fc.constantFrom(...names) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('commit' as const), compact: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('rollback' as const, 'reopen', 'list', 'scan') }) },
)

/** How much is tried at random: less where opening is slow. */
export interface ContractEffort {
  readonly runs: number
  readonly acts: number
}

/** `makePlace` gives a new, empty repository each time. */
export function repositoryContract(
  makePlace: () => Promise<RepositoryPlace>,
  effort: ContractEffort = { runs: 25, acts: 40 },
): void {
  test('what was put is got back, byte for byte', async () => {
    await using repository = await (await makePlace()).open('write')
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    await repository.put(idOf('empty'), new Uint8Array(0))
    await repository.put(idOf('all'), all)
    await repository.put(idOf('large'), new Uint8Array(3_000_000).fill(7))
    await repository.commit()

    expect(await repository.get(idOf('empty'))).toHaveLength(0)
    expect(toHex(await repository.get(idOf('all')))).toBe(toHex(all))
    const large = await repository.get(idOf('large'))
    expect(large).toHaveLength(3_000_000)
    expect(large.every((byte) => byte === 7)).toBe(true)
  })

  test('the caller may reuse its bytes once put has resolved', async () => {
    await using repository = await (await makePlace()).open('write')
    for (const size of [100, 300_000]) {
      const bytes = new Uint8Array(size).fill(1)
      await repository.put(idOf(`object ${size}`), bytes)
      bytes.fill(2)

      expect((await repository.get(idOf(`object ${size}`))).every((byte) => byte === 1)).toBe(true)
    }
  })

  test('a transaction sees its own changes, others see them after the commit', async () => {
    const place = await makePlace()
    {
      await using repository = await place.open('write')
      await repository.put(idOf('a'), bytesOf('1'))

      expect(textOf(await repository.get(idOf('a')))).toBe('1')
    }
    {
      await using repository = await place.open('read')
      await expectMissing(repository.get(idOf('a')), idOf('a'))
    }
  })

  test('an object that is not there is not found, to get, to delete and to list after', async () => {
    await using repository = await (await makePlace()).open('write')
    await repository.put(idOf('a'), bytesOf('1'))
    await repository.commit()

    await expectMissing(repository.get(idOf('b')), idOf('b'))
    await expectMissing(deleteAndCommit(repository, idOf('b')), idOf('b'))
    await expect(repository.list(10, idOf('b'))).rejects.toThrow()
  })

  test('more data than an entry may hold is refused with the words clients look for, and does no harm', async () => {
    await using repository = await (await makePlace()).open('write')
    await repository.put(idOf('a'), bytesOf('1'))

    const tooMuch = async (): Promise<void> => {
      await repository.put(idOf('a'), new Uint8Array(dataSizeMax + 1))
      await repository.commit()
    }
    await expect(tooMuch()).rejects.toThrow('More than allowed put data')
    expect(textOf(await repository.get(idOf('a')))).toBe('1')
  })

  test('list gives every id once, in pages of any size', async () => {
    await using repository = await (await makePlace()).open('write')
    const wanted = Array.from({ length: 57 }, (_, i) => idOf(`object ${i}`))
    for (const id of wanted) await repository.put(id, bytesOf('x'))
    await repository.commit()

    for (const limit of [1, 10, 57, 1000]) {
      const paged = await pages((after) => repository.list(limit, after))
      expect(paged).toEqual((await repository.list(1000)).map(toHex))
      expect([...paged].sort()).toEqual(wanted.map(toHex).sort())
    }
    expect(await repository.count()).toBe(57)
  })

  test('scan gives ids in the order they were written, in pages of any size', async () => {
    await using repository = await (await makePlace()).open('write')
    const wanted = Array.from({ length: 23 }, (_, i) => idOf(`object ${i}`))
    for (const id of wanted) await repository.put(id, bytesOf('x'))
    await repository.put(wanted[3] ?? manifestId, bytesOf('again'))
    await repository.commit()
    const expected = [...wanted.filter((_, i) => i !== 3), wanted[3] ?? manifestId].map(toHex)

    for (const limit of [1, 5, 100]) {
      expect(await pages((after) => repository.scan(limit, after))).toEqual(expected)
    }
  })

  test('getMany delivers in the order asked, twice what is asked twice', async () => {
    await using repository = await (await makePlace()).open('write')
    for (let i = 0; i < 50; i++) await repository.put(idOf(`${i}`), bytesOf(`text ${i}`.repeat(i)))
    await repository.commit()
    const wanted = [7, 3, 3, 49, 0, 1, 2, 3, 4, 5, 6, 20, 10, 49]

    const found: string[] = []
    for await (const bytes of repository.getMany(wanted.map((i) => idOf(`${i}`)))) found.push(textOf(bytes))

    expect(found).toEqual(wanted.map((i) => `text ${i}`.repeat(i)))
  })

  test('getMany fails at the turn of a missing object, not before', async () => {
    await using repository = await (await makePlace()).open('write')
    await repository.put(idOf('a'), bytesOf('1'))
    await repository.put(idOf('b'), bytesOf('2'))
    await repository.commit()

    const found: string[] = []
    const readAll = async (): Promise<void> => {
      const ids = [idOf('a'), idOf('b'), idOf('missing'), idOf('a')]
      for await (const bytes of repository.getMany(ids)) found.push(textOf(bytes))
    }

    await expectMissing(readAll(), idOf('missing'))
    expect(found).toEqual(['1', '2'])
  })

  test('getMany delivers what it has while the source of ids waits for it', async () => {
    await using repository = await (await makePlace()).open('write')
    await repository.put(idOf('first'), bytesOf('second'))
    await repository.put(idOf('second'), bytesOf('third'))
    await repository.put(idOf('third'), bytesOf('end'))
    await repository.commit()
    let tell: ((name: string) => void) | undefined
    async function* chain(): AsyncGenerator<ObjectId> {
      for (let name = 'first'; name !== 'end'; ) {
        const answer = new Promise<string>((resolve) => {
          tell = resolve
        })
        yield idOf(name)
        name = await answer
      }
    }

    const found: string[] = []
    for await (const bytes of repository.getMany(chain())) {
      found.push(textOf(bytes))
      tell?.(textOf(bytes))
    }

    expect(found).toEqual(['second', 'third', 'end'])
  })

  test('leaving getMany early is fine', async () => {
    await using repository = await (await makePlace()).open('write')
    for (let i = 0; i < 20; i++) await repository.put(idOf(`${i}`), bytesOf(`${i}`))
    await repository.commit()
    for await (const bytes of repository.getMany(Array.from({ length: 20 }, (_, i) => idOf(`${i}`)))) {
      expect(textOf(bytes)).toBe('0')
      break
    }

    expect(textOf(await repository.get(idOf('19')))).toBe('19')
  })

  test('calls that nobody waits for take effect in the order they were made', async () => {
    await using repository = await (await makePlace()).open('write')
    const calls: Promise<void>[] = []
    for (let round = 0; round < 40; round++) {
      calls.push(repository.put(idOf('a'), bytesOf(`${round}`.repeat(round % 3 === 0 ? 60_000 : 3))))
      calls.push(repository.put(idOf(`other ${round}`), bytesOf(`${round}`)))
      if (round % 5 === 0) calls.push(repository.delete(idOf('a')))
    }
    calls.push(repository.commit())
    await Promise.all(calls)

    expect(textOf(await repository.get(idOf('a')))).toBe('39'.repeat(60_000))
    expect(await repository.count()).toBe(41)
  })

  test('the key is kept as it was given, newlines included', async () => {
    const place = await makePlace()
    {
      await using repository = await place.open('write')
      expect(await repository.loadKey()).toHaveLength(0)
      await repository.saveKey(bytesOf('one\ntwo\nthree'))
    }
    await using repository = await place.open('read')

    expect(textOf(await repository.loadKey())).toBe('one\ntwo\nthree')
  })

  test('a nonce is reserved only by who knows the state before', async () => {
    const place = await makePlace()
    {
      await using repository = await place.open('write')
      expect(await repository.freeNonce()).toBeUndefined()
      await repository.reserveNonce(1000n, undefined)
      await expect(repository.reserveNonce(2000n, undefined)).rejects.toThrow()
      await expect(repository.reserveNonce(2000n, 999n)).rejects.toThrow()
      await repository.reserveNonce(2n ** 60n + 1n, 1000n)
    }
    await using repository = await place.open('write')

    expect(await repository.freeNonce()).toBe(2n ** 60n + 1n)
  })

  test('it behaves like a map with transactions, whatever is done in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { maxLength: effort.acts }), async (acts) => {
        await compareWithMap(await makePlace(), acts)
      }),
      { numRuns: effort.runs },
    )
  })
}

async function compareWithMap(place: RepositoryPlace, acts: readonly Act[]): Promise<void> {
  let committed = new Map<string, string>()
  let current = new Map(committed)
  let repository = await place.open('write')
  try {
    for (const act of acts) {
      switch (act.do) {
        case 'put': {
          const bytes = new Uint8Array(act.size).fill(act.fill)
          await repository.put(idOf(act.name), bytes)
          current.set(act.name, toHex(bytes))
          break
        }
        case 'delete':
          // Over the wire a refusal may come later; asking first keeps both alike.
          if (current.delete(act.name)) await repository.delete(idOf(act.name))
          break
        case 'commit':
          await repository.commit(act.compact ? { compact: { threshold: 0.1 } } : {})
          committed = new Map(current)
          break
        case 'rollback':
          await repository.rollback()
          current = new Map(committed)
          break
        case 'reopen':
          await repository[Symbol.asyncDispose]()
          repository = await place.open('write')
          current = new Map(committed)
          break
        case 'list':
        case 'scan':
          expect(new Set((await repository[act.do](100)).map(toHex))).toEqual(
            new Set([...current.keys()].map((name) => toHex(idOf(name)))),
          )
      }
      for (const name of names) {
        const expected = current.get(name)
        if (expected === undefined) await expectMissing(repository.get(idOf(name)), idOf(name))
        else expect(toHex(await repository.get(idOf(name))) === expected, `${name} after ${act.do}`).toBe(true)
      }
    }
    await repository.rollback()
    if (committed.size > 0) expect(await repository.check({ repair: false, maxSeconds: 0 })).toBe(true)
  } finally {
    await repository[Symbol.asyncDispose]()
  }
}

async function deleteAndCommit(repository: Repository, id: ObjectId): Promise<void> {
  await repository.delete(id)
  await repository.commit()
}

async function expectMissing(call: Promise<unknown>, id: ObjectId): Promise<void> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isBorgError(error, 'Repository.ObjectNotFound')) throw new Error(`expected ObjectNotFound, got ${String(error)}`)
  expect(error.args[0]).toBe(toHex(id))
}

async function pages(page: (after: ObjectId | undefined) => Promise<readonly ObjectId[]>): Promise<string[]> {
  const all: string[] = []
  for (let after: ObjectId | undefined; ; ) {
    const ids = await page(after)
    if (ids.length === 0) return all
    all.push(...ids.map(toHex))
    after = ids.at(-1)
  }
}
