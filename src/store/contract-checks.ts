/**
 * What the cases of the Store contract are written with. No test runner is needed: a broken promise throws.
 */
import { equalBytes } from '../base/bytes.ts'
import type { StorePath } from '../base/ids.ts'
import type { AppendFile, Store } from './store.ts'

/** `reopen` gives a second Store on the same files, or the same Store where nobody said how. */
export type ContractBody = (store: Store, reopen: () => Promise<Store>) => Promise<void>
export type ContractCases = readonly (readonly [promise: string, body: ContractBody])[]

export function expect(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Error(`Store contract broken: ${otherwise}`)
}

export function expectList(found: readonly string[], wanted: readonly string[]): void {
  const [a, b] = [[...found].sort().join(' | '), [...wanted].sort().join(' | ')]
  expect(a === b, `expected [${b}], found [${a}]`)
}

export async function expectContent(store: Store, path: StorePath, content: Uint8Array): Promise<void> {
  const found = await store.read(path)
  expect(
    equalBytes(found, content),
    `'${path}' has ${found.length} bytes and differs from the ${content.length} written`,
  )
  const size = (await store.stat(path))?.size
  expect(size === content.length, `stat says that '${path}' has ${size} bytes, not ${content.length}`)
}

/** At least `content` can be read; what comes after is not flushed and may be there or not. */
export async function expectPrefix(store: Store, path: StorePath, content: Uint8Array): Promise<void> {
  const found = await store.read(path, { offset: 0, length: content.length })
  expect(equalBytes(found, content), `the flushed part of '${path}' cannot be read`)
}

export async function expectClosed(appended: AppendFile): Promise<void> {
  expect(
    await rejects(
      () => appended.write(new Uint8Array(1)),
      () => true,
    ),
    'a closed file accepts bytes',
  )
  expect(
    await rejects(
      () => appended.seal(),
      () => true,
    ),
    'a closed file can be sealed again',
  )
}

export async function names(store: Store, folder: StorePath): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { path, kind, size } of store.list(folder)) found.push(`${path} ${kind} ${size}`)
  return found
}

export async function rejects(act: () => Promise<unknown>, as: (error: unknown) => boolean): Promise<boolean> {
  try {
    await act()
    return false
  } catch (error) {
    return as(error)
  }
}

const plannedMessage = 'planned failure of a stream'

export async function* failing(): AsyncGenerator<Uint8Array> {
  yield text('half of it')
  throw new Error(plannedMessage)
}

export function isPlanned(error: unknown): boolean {
  return error instanceof Error && error.message === plannedMessage
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff)
}
