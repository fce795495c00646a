import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BorgError, isBorgError } from '../../src/base/errors.ts'
import { idKey, type ObjectId } from '../../src/base/ids.ts'
import { storedEach } from '../../src/objects/stored-each.ts'
import { idOf } from '../repository/world.ts'

function farRepository(lost: ReadonlySet<string>): {
  gets: number
  get(id: ObjectId): Promise<Uint8Array>
  getMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncGenerator<Uint8Array>
} {
  return {
    gets: 0,
    async get(id) {
      this.gets++
      if (lost.has(idKey(id))) throw new BorgError('Repository.ObjectNotFound', [idKey(id), 'here'])
      return id
    },
    /** As a far one: so many are asked for before the first is delivered. */
    async *getMany(ids) {
      const window: Promise<Uint8Array>[] = []
      const ask = (id: ObjectId): void => {
        const answer = this.get(id)
        answer.catch(() => {})
        window.push(answer)
      }
      for await (const id of ids) {
        ask(id)
        if (window.length > 50) yield await (window.shift() as Promise<Uint8Array>)
      }
      while (window.length > 0) yield await (window.shift() as Promise<Uint8Array>)
    },
  }
}

test('every id has its outcome, in order, whatever is lost', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 200 }), async (isLost) => {
      const ids = isLost.map((_, i) => idOf(`${i}`))
      const lost = new Set(ids.filter((_, i) => isLost[i]).map(idKey))
      const seen: boolean[] = []
      for await (const outcome of storedEach(farRepository(lost), ids)) {
        expect(idKey(outcome.id)).toBe(idKey(ids[seen.length] as ObjectId))
        if ('stored' in outcome) expect(outcome.stored).toBe(ids[seen.length])
        else expect(isBorgError(outcome.error, 'Repository.ObjectNotFound')).toBe(true)
        seen.push('error' in outcome)
      }
      expect(seen).toEqual(isLost)
    }),
  )
})

test('where everything is lost, nothing is asked for again and again', async () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => idOf(`${i}`))
  const repository = farRepository(new Set(ids.map(idKey)))
  let outcomes = 0
  for await (const _outcome of storedEach(repository, ids)) outcomes++
  expect(outcomes).toBe(1_000)
  expect(repository.gets).toBeLessThan(1_100)
})

test('a lost connection is nobody’s lost object', async () => {
  const repository = farRepository(new Set())
  repository.get = () => Promise.reject(new BorgError('ConnectionClosed', []))
  const all = async (): Promise<void> => {
    for await (const _outcome of storedEach(repository, [idOf('a'), idOf('b')]));
  }
  await expect(all()).rejects.toThrow('Connection closed')
})
