import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { firstFreeAfter, NonceAllocator, type NonceLedger } from '../../src/crypto/nonces.ts'
import { loadFixture } from '../support/vectors.ts'

/** A ledger as the repository and the security directory keep one, with the failures they can have. */
class MemoryLedger implements NonceLedger {
  value: bigint | undefined
  /** Called before a write; may throw. */
  beforeWrite: (() => void) | undefined
  reads = 0

  constructor(value?: bigint) {
    this.value = value
  }
  async free(): Promise<bigint | undefined> {
    this.reads++
    await Promise.resolve()
    return this.value
  }
  async reserve(next: bigint, expected: bigint | undefined): Promise<void> {
    await Promise.resolve()
    this.beforeWrite?.()
    if (this.value !== expected) throw new Error('nonce space reservation with mismatched previous state')
    this.value = next
  }
}

interface Sequence {
  readonly name: string
  readonly manifest_nonce: number
  readonly repo_nonce: number | null
  readonly local_nonce: number | null
  readonly steps: readonly {
    readonly current_iv: number
    readonly blocks_needed: number
    readonly returned_iv: number
    readonly repo_nonce: number
    readonly local_nonce: number
  }[]
  readonly local_file: string
}

describe('reservations are those of borg', () => {
  const { sequences } = loadFixture<{ readonly sequences: readonly Sequence[] }>('vectors/nonces.json')
  test.each(sequences)('$name', async ({ manifest_nonce, repo_nonce, local_nonce, steps, local_file }) => {
    const repository = new MemoryLedger(repo_nonce === null ? undefined : BigInt(repo_nonce))
    const local = new MemoryLedger(local_nonce === null ? undefined : BigInt(local_nonce))
    const allocator = new NonceAllocator([repository, local], BigInt(manifest_nonce))
    for (const step of steps) {
      expect(await allocator.take(step.blocks_needed)).toBe(BigInt(step.returned_iv))
      expect(repository.value).toBe(BigInt(step.repo_nonce))
      expect(local.value).toBe(BigInt(step.local_nonce))
    }
    expect(local.value?.toString(16).padStart(16, '0')).toBe(local_file)
  })
})

/** The ranges handed out so far; refuses any overlap. */
class UsedBlocks {
  readonly #ranges: { first: bigint; end: bigint }[] = []
  use(first: bigint, blocks: number): void {
    const end = first + BigInt(blocks)
    const clash = this.#ranges.find((range) => first < range.end && range.first < end)
    if (clash !== undefined) throw new Error(`${first}..${end} overlaps ${clash.first}..${clash.end}`)
    if (blocks > 0) this.#ranges.push({ first, end })
  }
}

type Step =
  | { readonly do: 'take'; readonly client: number; readonly blocks: number }
  /** Two or more objects in flight at once. */
  | { readonly do: 'takeMany'; readonly client: number; readonly blocks: readonly number[] }
  | { readonly do: 'reopen'; readonly client: number }
  /** The next reservation of this client dies after `writes` ledger writes (0, 1); then it starts anew. */
  | { readonly do: 'crash'; readonly client: number; readonly writes: number; readonly blocks: number }
  | { readonly do: 'loseLocal'; readonly client: number }
  /** A repository rolled back to an older copy of itself (its nonce file is not part of transactions). */
  | { readonly do: 'loseRepository'; readonly client: number }

const blocks = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 2 ** 26, max: 2 ** 30 }))
const client = fc.integer({ min: 0, max: 1 })
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), client, blocks }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('takeMany' as const), client, blocks: fc.array(blocks, { maxLength: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reopen' as const), client }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      client,
      writes: fc.integer({ min: 0, max: 2 }),
      blocks,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('loseLocal' as const), client }) },
)

describe('no block is handed out twice', () => {
  async function play(steps: readonly Step[]): Promise<void> {
    const repository = new MemoryLedger()
    const locals = [new MemoryLedger(), new MemoryLedger()]
    const open = (at: number): NonceAllocator => new NonceAllocator([repository, locals[at] ?? repository], 0n)
    const allocators = [open(0), open(1)]
    const used = new UsedBlocks()
    for (const step of steps) {
      const allocator = allocators[step.client] ?? open(step.client)
      switch (step.do) {
        case 'take':
          used.use(await allocator.take(step.blocks), step.blocks)
          break
        case 'takeMany': {
          const firsts = await Promise.all(step.blocks.map((count) => allocator.take(count)))
          for (const [i, first] of firsts.entries()) used.use(first, step.blocks[i] ?? 0)
          break
        }
        case 'reopen':
          allocators[step.client] = open(step.client)
          break
        case 'crash': {
          let left = step.writes
          const die = (): void => {
            if (left-- === 0) throw new Error('power cut')
          }
          const both = [repository, locals[step.client] ?? repository]
          for (const ledger of both) ledger.beforeWrite = die
          await allocator.take(step.blocks).then(
            (first) => used.use(first, step.blocks),
            () => undefined,
          )
          for (const ledger of both) ledger.beforeWrite = undefined
          allocators[step.client] = open(step.client)
          break
        }
        case 'loseLocal':
          locals[step.client] = new MemoryLedger()
          allocators[step.client] = open(step.client)
          break
        case 'loseRepository':
          repository.value = undefined
          break
      }
    }
  }

  test('across two clients that take turns, reopen, crash between ledgers and lose their local ledger', async () => {
    await fc.assert(fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 40 }), play), { numRuns: 500 })
  })

  test('by one client whose repository forgets its ledger, as long as the local one stands', async () => {
    const own = fc.constant(0)
    const step = fc.oneof(
      fc.record({ do: fc.constant('take' as const), client: own, blocks }),
      fc.record({ do: fc.constant('reopen' as const), client: own }),
      fc.record({ do: fc.constant('loseRepository' as const), client: own }),
    )
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), play), { numRuns: 200 })
  })

  test('by a client without any ledger left, when the manifest is the newest object', async () => {
    const repository = new MemoryLedger()
    const allocator = new NonceAllocator([repository], 0n)
    const used = new UsedBlocks()
    for (let i = 0; i < 20; i++) used.use(await allocator.take(10), 10)
    const manifest = await allocator.take(3)
    used.use(manifest, 3)

    const reopened = new NonceAllocator([new MemoryLedger()], firstFreeAfter(manifest, 41 + 3 * 16))

    used.use(await reopened.take(100), 100)
  })
})

describe('a reservation that cannot be written down', () => {
  test('is never used, not even by those that were waiting with it', async () => {
    const local = new MemoryLedger()
    const allocator = new NonceAllocator([new MemoryLedger(), local], 0n)
    local.beforeWrite = () => {
      throw new Error('disk full')
    }

    const results = await Promise.allSettled([allocator.take(1), allocator.take(5), allocator.take(0)])

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    local.beforeWrite = undefined
    await expect(allocator.take(1)).rejects.toThrow('disk full')
    await expect(allocator.take(0)).rejects.toThrow('disk full')
  })

  test('is not used before it is: whoever asks meanwhile waits until both ledgers have it', async () => {
    const [repository, local] = [new MemoryLedger(), new MemoryLedger()]
    const allocator = new NonceAllocator([repository, local], 0n)
    const meanwhile: Promise<boolean>[] = []
    const ask = (): void => {
      const written = (first: bigint): boolean =>
        [repository, local].every(({ value }) => value !== undefined && value > first)
      meanwhile.push(allocator.take(1).then(written))
    }
    repository.beforeWrite = ask
    local.beforeWrite = ask

    await allocator.take(1)

    expect(await Promise.all(meanwhile)).toEqual([true, true])
  })

  test('because somebody else reserved in between stops the run', async () => {
    const repository = new MemoryLedger()
    const allocator = new NonceAllocator([repository, new MemoryLedger()], 0n)
    repository.beforeWrite = () => {
      repository.value = 12345n
    }
    await expect(allocator.take(1)).rejects.toThrow('mismatched previous state')
    repository.beforeWrite = undefined
    await expect(allocator.take(1)).rejects.toThrow('mismatched previous state')
    expect(repository.value).toBe(12345n)
  })

  test('is refused where the counter would leave 64 bits, without writing anything', async () => {
    const repository = new MemoryLedger(2n ** 64n - 2n ** 28n - 2n)
    const allocator = new NonceAllocator([repository], 0n)
    await expect(allocator.take(1)).rejects.toMatchObject({ code: 'Error' })
    expect(repository.value).toBe(2n ** 64n - 2n ** 28n - 2n)
  })
})

describe('asking', () => {
  test('for nothing touches no ledger', async () => {
    const ledger = new MemoryLedger()
    const allocator = new NonceAllocator([ledger], 0n)
    await allocator.take(0)
    expect(ledger.reads).toBe(0)
    expect(ledger.value).toBeUndefined()
  })

  test('within a reservation asks no ledger again', async () => {
    const ledger = new MemoryLedger()
    const allocator = new NonceAllocator([ledger], 0n)
    for (let i = 0; i < 1000; i++) expect(await allocator.take(2)).toBe(BigInt(2 * i))
    expect(ledger.reads).toBe(1)
  })

  test('for many at once makes one reservation and gives them in order', async () => {
    const ledger = new MemoryLedger(1000n)
    const allocator = new NonceAllocator([ledger], 0n)
    const firsts = await Promise.all(Array.from({ length: 50 }, () => allocator.take(3)))
    expect(firsts).toEqual(Array.from({ length: 50 }, (_, i) => 1000n + 3n * BigInt(i)))
    expect(ledger.reads).toBe(1)
  })

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('for %d blocks is a mistake', async (count) => {
    await expect(new NonceAllocator([], 0n).take(count)).rejects.toThrow(RangeError)
  })
})
