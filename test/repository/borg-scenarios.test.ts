/**
 * Every step of borg's own scenarios: after it each file of the repository must have the bytes that borg 1.4 left.
 */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { toHex } from '../../src/base/bytes.ts'
import type { StoreRepository } from '../../src/repository/segment-repository.ts'
import type { MemoryStore } from '../../src/store/memory-store.ts'
import { fromB64, fromGzB64, type InputPart, inputBytes, loadFixture } from '../support/vectors.ts'
import { filesOf, idOf, newStore, open, textOf } from './world.ts'

type Operation =
  | readonly ['put', string, readonly InputPart[]]
  | readonly ['delete', string]
  | readonly ['commit', { readonly compact?: boolean }?]
  | readonly ['rollback' | 'remove_index' | 'len' | 'list' | 'scan']

interface Snapshot {
  readonly files: Readonly<Record<string, { b64?: string; gz_b64?: string; text?: string }>>
  readonly segments: Readonly<Record<string, { b64: string }>>
}

interface Scenario {
  readonly name: string
  readonly kwargs: { readonly append_only?: boolean; readonly storage_quota?: number }
  readonly steps: readonly { readonly ops: readonly Operation[]; readonly result?: unknown; readonly after: Snapshot }[]
}

const { scenarios, names } = loadFixture<{ scenarios: readonly Scenario[]; names: Readonly<Record<string, string>> }>(
  'vectors/repository.json',
)

describe.each(scenarios)('$name', ({ name, kwargs, steps }) => {
  test('leaves the same bytes as borg after every step', async () => {
    const isLimited = name.includes('limit')
    const store = await newStore({
      appendOnly: kwargs.append_only === true,
      quotaBytes: kwargs.storage_quota ?? 0,
      ...(isLimited ? { segmentSizeMax: 200, segmentsPerFolder: 4 } : {}),
    })
    for (const [at, step] of steps.entries()) {
      const result = await perform(store, step.ops)

      if (step.result !== undefined) expect(result, `result of step ${at}`).toEqual(step.result)
      expect(await stateOf(store, step.after), `state after step ${at}`).toEqual(expectedState(step.after))
    }
  })
})

async function perform(store: MemoryStore, operations: readonly Operation[]): Promise<unknown> {
  await using repository = await open(store)
  let result: unknown
  for (const operation of operations) result = (await performOne(store, repository, operation)) ?? result
  return result
}

async function performOne(store: MemoryStore, repository: StoreRepository, operation: Operation): Promise<unknown> {
  const named = (ids: readonly Uint8Array[]): unknown => ids.map((id) => names[toHex(id)])
  switch (operation[0]) {
    case 'put':
      return repository.put(idOf(operation[1]), inputBytes(operation[2]))
    case 'delete':
      return repository.delete(idOf(operation[1]))
    case 'commit':
      return repository.commit(operation[1]?.compact === true ? { compact: { threshold: 0.1 } } : {})
    case 'rollback':
      return repository.rollback()
    case 'len':
      return repository.count()
    case 'list':
      return named(await repository.list(100))
    case 'scan':
      return named(await repository.scan(100))
    case 'remove_index':
      for (const path of (await filesOf(store)).keys()) {
        if (/^(index|hints|integrity)\./.test(path)) await store.remove(path)
      }
      return undefined
  }
}

/** Paths and digests of contents. */
async function stateOf(store: MemoryStore, expected: Snapshot): Promise<Record<string, string>> {
  const committed = committedIn(expected)
  const state: Record<string, string> = {}
  for (const [path, bytes] of await filesOf(store)) {
    if (path === 'config') continue
    if (path === 'transactions') state[path] = transactionsText(textOf(bytes))
    else state[path] = isAfter(path, committed) ? 'not committed' : digest(bytes)
  }
  return state
}

function committedIn({ files }: Snapshot): number {
  return Math.max(...Object.keys(files).map((path) => Number(/^index\.(\d+)$/.exec(path)?.[1] ?? -1)))
}

/** How much of an abandoned segment has reached the disk is nobody's business. */
function isAfter(path: string, committed: number): boolean {
  const segment = /^data\/\d+\/(\d+)$/.exec(path)?.[1]
  return segment !== undefined && Number(segment) > committed
}

function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex')}`
}

/** The times in it are another day's; its form is checked here. */
function transactionsText(text: string): string {
  expect(text).toMatch(/^(transaction \d+, UTC time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\n)+$/)
  return 'well-formed'
}

function expectedState(snapshot: Snapshot): Record<string, string> {
  const committed = committedIn(snapshot)
  const state: Record<string, string> = {}
  for (const [path, { b64, gz_b64: gzB64, text }] of Object.entries(snapshot.files)) {
    if (path === 'transactions') state[path] = 'well-formed'
    else if (b64 !== undefined) state[path] = digest(fromB64(b64))
    else if (gzB64 !== undefined) state[path] = digest(fromGzB64(gzB64))
    else state[path] = digest(new TextEncoder().encode(text))
  }
  for (const [path, { b64 }] of Object.entries(snapshot.segments)) {
    state[path] = isAfter(path, committed) ? 'not committed' : digest(fromB64(b64))
  }
  return state
}
