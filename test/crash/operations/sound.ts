/**
 * What must hold of a repository whoever died while working on it: one of the states it may be in is there, whole, and
 * nothing else; checks find nothing; the next backup works; no block of the key stream was used twice; no lock is left.
 */
import { expect } from 'vitest'
import { storePath } from '../../../src/base/ids.ts'
import { isBorgError } from '../../../src/base/errors.ts'
import { checkArchives, checkRepository } from '../../../src/operations/check.ts'
import { deleteArchives } from '../../../src/operations/delete.ts'
import { extractArchive } from '../../../src/operations/extract.ts'
import { listArchives } from '../../../src/operations/list.ts'
import type { ReadSession } from '../../../src/session/session.ts'
import type { Aftermath } from './explore.ts'
import { Machine } from './machine.ts'
import { type Holding, repair, type Scenario, type State } from './scenarios.ts'
import { passphrase as firstPassphrase, Process, type Source } from './world.ts'

/** The numbers of the processes that look at a machine after a death, above those of scenarios. */
const firstLooker = 11

/** Fails unless all of it holds. Ends with one of the archives alone. */
export async function expectSound(aftermath: Aftermath, scenario: Scenario, source: Source): Promise<void> {
  const { machine, reached, first } = aftermath
  let number = firstLooker
  const next = (): Process => new Process(machine, number++)
  const states = scenario.states(source).slice(reached)
  if (first === 'look') {
    const found = await expectOneOf(next(), states)
    if (scenario.loses !== true) await expectClean(next(), scenario, passphraseOf(found))
  }
  // Until then caches take the lost chunk for present, as borg's do.
  if (scenario.loses === true) expect(await repair(next())).toBe(true)
  const backup = next()
  const passphrase = await findPassphrase(backup, states)
  const roots = ['tree', 'more', 'late'].map((name) => source.root(name))
  await backup.write((session) => backup.archive(session, 'after', roots), { passphrase })

  const after: Holding = { files: { ...source.tree, ...source.more, ...source.late } }
  const found = await expectOneOf(
    next(),
    states.map((state) => ({ ...state, archives: { ...state.archives, after } })),
  )
  const whole = scenario.loses === true ? await expectHealing(next, found) : found
  await expectRightCounts(next, whole)
  await expectClean(next(), scenario, passphraseOf(found))
  machine.envelopes.requireDisjoint()
  await expectUnlocked(machine)
}

/** After `init`: the repository can be used, or it is refused, and once it is removed another one is made in its place. */
export async function expectInitialised(
  { machine, reached }: Pick<Aftermath, 'machine' | 'reached'>,
  source: Source,
  mode: 'repokey' | 'keyfile-blake2',
): Promise<void> {
  let usable = machine
  try {
    await new Process(machine, firstLooker).read(async () => {})
  } catch (error) {
    if (reached > 0) throw error
    const codes = ['Repository.DoesNotExist', 'Repository.InvalidRepository', 'NoManifestError'] as const
    if (!codes.some((code) => isBorgError(error, code))) throw error
    await machine.store.removeAll()
    // Another key, so another key stream.
    usable = new Machine(machine.repository, machine.client)
    await new Process(usable, firstLooker + 1).init(mode)
  }
  const scenario = { prepare: async () => {}, run: async () => {}, states: () => [{ archives: {} }], name: 'init' }
  await expectSound({ machine: usable, reached: 0, first: 'look' }, scenario, source)
  usable.forget()
}

/** Fails unless exactly the archives of one of `states` are there, whole; tells which. */
export async function expectOneOf(process: Process, states: readonly State[]): Promise<State> {
  const passphrase = await findPassphrase(process, states)
  const found = await process.read(
    async (session) => {
      const names = listArchives(session, { considerCheckpoints: true })
        .map(({ name }) => name)
        .sort()
      const matching = states.filter(
        (state) => String(Object.keys(state.archives).sort()) === String(names) && passphraseOf(state) === passphrase,
      )
      let failure: unknown = new Error(`archives in none of the states there may be: ${names.join(', ')}`)
      for (const state of matching) {
        try {
          for (const [name, holding] of Object.entries(state.archives)) {
            await expectHolding(process, session, name, holding)
          }
          return state
        } catch (error) {
          failure = error
        }
      }
      throw failure
    },
    { passphrase },
  )
  return found
}

function passphraseOf(state: State): string {
  return state.passphrase ?? firstPassphrase
}

/** The passphrase of one of the states. */
async function findPassphrase(process: Process, states: readonly State[]): Promise<string> {
  for (const passphrase of new Set(states.map(passphraseOf))) {
    try {
      await process.read(async () => {}, { passphrase })
      return passphrase
    } catch (error) {
      if (!isBorgError(error, 'PassphraseWrong')) throw error
    }
  }
  throw new Error('none of the passphrases opens the repository')
}

async function expectHolding(process: Process, session: ReadSession, name: string, holding: Holding): Promise<void> {
  const before = process.complaints.length
  const { whole, parts, failed } = await contentsOf(process, session, name)
  const { files, partial, lost } = holding
  const complaints = process.complaints.slice(before).filter((line) => lost === undefined || !line.includes(lost))
  expect(complaints, name).toEqual([])
  expect(failed, name).toBeLessThanOrEqual(lost === undefined ? 0 : 1)
  for (const [path, bytes] of whole) {
    const wanted = files[path]
    if (wanted === undefined) throw new Error(`${name} has ${path}, which was never backed up`)
    if (path !== lost) expect(same(bytes, wanted), `content of ${path} in ${name}`).toBe(true)
    else if (failed === 0) expect(isHoled(bytes, wanted), `content of ${path} in ${name}`).toBe(true)
  }
  for (const [path, bytes] of parts) {
    const wanted = files[path] ?? new Uint8Array(0)
    expect(same(bytes, wanted.subarray(0, bytes.length)), `parts of ${path} in ${name}`).toBe(true)
    if (partial !== true) expect(bytes.length, `parts of ${path} in ${name}`).toBe(wanted.length)
  }
  if (partial !== true) expect([...whole.keys()].sort(), name).toEqual(Object.keys(files).sort())
}

/** Regular files, and the parts of them that checkpoints left, joined. */
async function contentsOf(
  process: Process,
  session: ReadSession,
  name: string,
): Promise<{ whole: Map<string, Uint8Array>; parts: Map<string, Uint8Array>; failed: number }> {
  const pieces = { whole: new Map<string, Uint8Array[]>(), parts: new Map<string, Uint8Array[]>() }
  let current: Uint8Array[] = []
  const { failed } = await extractArchive(
    session,
    name,
    {
      considerPartFiles: true,
      onItem: (item) => {
        current = []
        if ((item.mode & 0o170000) !== 0o100000) return
        const [map, path] =
          item.part === undefined
            ? [pieces.whole, item.path]
            : [pieces.parts, item.path.replace(/\.borg_part_\d+$/, '')]
        current = map.get(path) ?? []
        map.set(path, current)
      },
      onContent: (plain) => void current.push(plain.slice()),
    },
    process.run,
  )
  const joined = (map: Map<string, Uint8Array[]>): Map<string, Uint8Array> =>
    new Map([...map].map(([path, parts]) => [path, new Uint8Array(Buffer.concat(parts))]))
  return { whole: joined(pieces.whole), parts: joined(pieces.parts), failed }
}

/** Both checks. */
export async function expectClean(
  process: Process,
  scenario: Pick<Scenario, 'compacts'>,
  passphrase = firstPassphrase,
): Promise<void> {
  const options = { ...process.options, passphrase }
  const found = await process.locked(async (repository) => ({
    repository: await checkRepository(repository, {}, process.run),
    archives: await checkArchives(repository, options, { verifyData: true }, process.run),
  }))
  const complaints = process.complaints.filter((line) => line.startsWith('error: '))
  const harmful = scenario.compacts === true ? complaints.filter((line) => !isAboutReturned(line)) : complaints
  if (harmful.length > 0) throw new Error(`check complains: ${complaints.join(' | ')}`)
  if (scenario.compacts !== true) expect(found).toEqual({ repository: true, archives: true })
}

/** Objects that were deleted, and are back in a log read without its index: borg finds them, too, and deletes them. */
function isAboutReturned(line: string): boolean {
  return /count mismatch|committed index: {1,2}\d|rebuilt index: {1,3}\d|errors found\.$|committed index: <not found>|orphaned objects/.test(
    line,
  )
}

/** A repair ends in a sound repository; once the lost chunk was backed up again, another one brings the file back. */
async function expectHealing(next: () => Process, found: State): Promise<State> {
  expect(await repair(next())).toBe(true)
  const healed = Object.entries(found.archives).map(([name, { files }]) => [name, { files }] as const)
  return await expectOneOf(next(), [{ ...found, archives: Object.fromEntries(healed) }])
}

/** Deleting all archives but one takes nothing away from that one: a chunk counted too low would go with the others. */
async function expectRightCounts(next: () => Process, found: State): Promise<void> {
  const [kept = '', ...others] = Object.keys(found.archives).sort(
    (a, b) => Number(a === 'after') - Number(b === 'after'),
  )
  const process = next()
  await process.write((session) => deleteArchives(session, others, {}, process.run), {
    passphrase: passphraseOf(found),
  })
  const holding = found.archives[kept]
  await expectOneOf(next(), [{ ...found, archives: holding === undefined ? {} : { [kept]: holding } }])
}

/** No claim and no name in a roster, on either side. */
export async function expectUnlocked(machine: Machine): Promise<void> {
  for (const side of ['repository', 'client'] as const) {
    const store = machine[side]
    const folders = [storePath('')]
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const claim = storePath(folder === '' ? 'lock.exclusive' : `${folder}/lock.exclusive`)
      expect(await store.owners(claim), `owners of ${side} ${claim}`).toEqual([])
      for await (const { kind, path } of store.list(folder)) {
        if (kind === 'folder') folders.push(path)
        if (path.endsWith('lock.roster')) throw new Error(`${side} ${path} was left behind`)
      }
    }
  }
}

/** Right, or zeros where a chunk was lost. */
function isHoled(bytes: Uint8Array, wanted: Uint8Array): boolean {
  return bytes.length === wanted.length && bytes.every((byte, i) => byte === 0 || byte === wanted[i])
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
