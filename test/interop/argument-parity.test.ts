/**
 * Command lines by the thousand, read by borg's parser and by ours: the same are good, with the same values; the others
 * are refused with the same exit code in the same words.
 *
 * The oracle is borg 1.4.0; what 1.4.5, which we follow, has beyond it is left out. Source: CLI contract, commands §0.1.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commonArguments } from '../../src/cli/args/common-options.ts'
import { commandEntries } from '../../src/cli/commands.ts'
import { canonicalLocation, type Location, type Pattern } from '../../src/parsing.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { loadFixture } from '../support/vectors.ts'
import { byHand, commonOptions, files, optionLines, pairLines, placeLines, shapes } from './support/argument-lines.ts'
import { askBorgParser, type BorgAnswer, type BorgOutcome, hasBorgParser, type Line } from './support/borg-arguments.ts'
import { type OurOutcome, ourOutcome } from './support/our-arguments.ts'

interface Row {
  readonly options?: readonly string[]
  readonly positional?: string
  readonly dest: string
}
const fixture = loadFixture<{ common: readonly Row[]; commands: Record<string, { args: readonly Row[] }> }>(
  'cli/options.json',
)

/** What these hold is shaped differently, or tested by vectors of its own. */
const otherShapes = new Set([
  'help',
  'version',
  'timestamp',
  'compression',
  'chunker_params',
  'sort_by',
  'files_cache_mode',
  'paths_delimiter',
  'nobsdflags',
  // All of them are in 'patterns'.
  'exclude_from',
  'pattern',
  'patterns_from',
])

/** Of 1.4.5, or of ours as --webdav, not of the oracle; '--storage-quota' has learned to take 0. */
const newerOptions = new Set(
  '--webdav --quick-stats --import-related-secrets --exclude-dataless --files-changed --sort-by --dry-run --keep-13weekly --keep-3monthly --check-archives-tam --archives-tam --storage-quota'.split(
    ' ',
  ),
)

interface Comparable {
  readonly code?: number
  readonly says?: string
  readonly stdout?: boolean
  readonly values?: Readonly<Record<string, unknown>>
}

/** Values of a good line, by borg's names. */
function comparableBorg(outcome: BorgOutcome, { options }: BorgAnswer, ours: OurOutcome): Comparable {
  const says = withoutUsage(outcome.stderr)
  if (outcome.args === undefined)
    return ended(outcome.code ?? 0, outcome.crash === undefined ? says : undefined, outcome)
  const rows = rowsOf(ours.command ?? '', options)
  // Borg 1.4.0 keeps the old spelling apart.
  const args: Record<string, unknown> = {
    ...outcome.args,
    noflags: outcome.args['noflags'] || outcome.args['nobsdflags'],
  }
  // Dropped when the command starts.
  if (args['dry_run'] === true && args['stats'] === true) Object.assign(args, { stats: false })
  const values = rows.map(({ dest }) => [dest, plainValue(dest, { lock: true, ...args }[dest])])
  return { values: Object.fromEntries(values), says }
}

function comparableOurs(outcome: OurOutcome, { options }: BorgAnswer, theirs: BorgOutcome): Comparable {
  const says = withoutUsage(outcome.stderr)
  if (outcome.args === undefined) return ended(outcome.code, theirs.crash === undefined ? says : undefined, outcome)
  const args = { ...outcome.args, ...outcome.common }
  const keys = keysOf(outcome.command ?? '')
  const values = rowsOf(outcome.command ?? '', options).map((row) => {
    const key = keys.get(row.options?.[0] ?? row.dest) ?? row.dest
    return [row.dest, plainValue(row.dest, ourValue(row.dest, args[key]))]
  })
  return { values: Object.fromEntries(values), says }
}

function ourValue(dest: string, value: unknown): unknown {
  if (dest === 'lock') return !value
  // Hours there, seconds here.
  return dest === 'within' && typeof value === 'number' ? value / 3600 : value
}

function ended(code: number, says: string | undefined, { stdout }: { stdout: string }): Comparable {
  return { code, stdout: stdout !== '', ...(says === undefined ? {} : { says }) }
}

/** What is said: notices, and what comes behind the usage. */
function withoutUsage(stderr: string): string {
  const text = stderr.replace(/^usage: [\s\S]*?\n(?=(?:borg|tsborg)[a-z -]*: error: )/m, '').replace(/^tsborg/m, 'borg')
  return (
    text
      .replaceAll("'export', 'export-related-secrets', ", "'export', ")
      .replaceAll(/'(completion|cpu)', /g, '')
      .replace(/(?<=could match ).*/, (names) => olderNames(names.split(', ')).sort().join(', '))
      // Pythons up to 3.12 ask for arguments that may be missing.
      .replace(/(?<=are required: .*), (PATH|ARGS)$/m, '')
      // Said by main.ts after parsing.
      .replaceAll(/^(Ignoring --stats|terminating with|borgbackup version).*\n/gm, '')
      .replaceAll(/^Warning: "--sort" .*\n/gm, '')
      // Borg complains of old spellings before it reads, we while we read.
      .replaceAll(text.includes(': error: ') ? /^Warning: .*\n/gm : /(?!)/g, '')
  )
}

const olderNames = (names: readonly string[]): string[] => names.filter((name) => !newerOptions.has(name))

/** What the oracle knows of a command: one row for each value. */
function rowsOf(command: string, options: BorgAnswer['options']): readonly Row[] {
  const known = new Set(options[command])
  const rows = [...(fixture.commands[command]?.args ?? []), ...fixture.common]
  const byDest = new Map(
    rows.filter((row) => row.positional || known.has(row.options?.[0] ?? '')).map((row) => [row.dest, row]),
  )
  return [...byDest.values()].filter(({ dest }) => !otherShapes.has(dest))
}

const keysByCommand = new Map<string, ReadonlyMap<string, string>>()
for (const entry of commandEntries) {
  const all = Object.entries({ ...commonArguments, ...(await entry.table()).arguments })
  const spelled = all.flatMap(([key, argument]) =>
    argument.spellings.flatMap(({ options }) => options.map((option) => [option, key] as const)),
  )
  keysByCommand.set(entry.name, new Map(spelled))
}
const keysOf = (command: string): ReadonlyMap<string, string> => keysByCommand.get(command) ?? new Map()

function plainValue(dest: string, value: unknown): unknown {
  if (isArgument(value))
    return canonicalLocation(value.location) + (value.archive === undefined ? '' : `::${value.archive}`)
  if (Array.isArray(value) && dest === 'patterns')
    return value.map(({ style, text, verdict }: Pattern) => ({ style, text, verdict }))
  // Borg adds what an R line names twice where there is no PATH; roots are stored once anyhow.
  if (Array.isArray(value) && dest === 'paths') return [...new Set(value)]
  // Lists and numbers nobody gave.
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0) || value === 0) return null
  return value
}

function isArgument(value: unknown): value is { location: Location; archive: string | undefined } {
  return typeof value === 'object' && value !== null && 'location' in value
}

/** Of a word that may mean an option that came after the oracle, it knows too little. */
function isNewer({ argv }: Line): boolean {
  return argv.some((word) => {
    const name = word.split('=')[0] ?? word
    if (/^-[a-zA-Z]+$/.test(name)) return argv[0] === 'compact' && name.includes('n')
    return name.length > 2 && [...newerOptions].some((option) => option.startsWith(name))
  })
}

/** Where we differ on purpose. */
const forgiven: readonly RegExp[] = [
  // There is nothing '--' could divide.
  /^(serve|debug info) .*--( |$)/,
  // Pythons up to 3.12 drop more of '--' than the first.
  / -- .*--( |$)/,
  // What follows the command is its own.
  /^with-lock .*sh (--sho$|-- )/,
  // A negative mode means nothing.
  /--(umask|stdin-mode)[ =]-1 /,
]

/** One line, if any. */
function difference({ argv, environment }: Line, theirs: Comparable, ours: Comparable): readonly string[] {
  const flat = ({ values, ...rest }: Comparable): Map<string, string> =>
    new Map(Object.entries({ ...rest, ...values }).map(([key, value]) => [key, JSON.stringify(value)]))
  const [borg, our] = [flat(theirs), flat(ours)]
  const keys = [...new Set([...borg.keys(), ...our.keys()])].filter((key) => borg.get(key) !== our.get(key))
  if (keys.length === 0) return []
  const told = keys.map((key) => `${key}: borg ${borg.get(key)}, we ${our.get(key)}`)
  return [`${JSON.stringify({ ...environment, argv })} ${told.join('; ')}`]
}

function folderWithFiles(): string {
  const folder = tempFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

describe.skipIf(!hasBorgParser)('borg and we read the same', () => {
  const lines = new Map<string, Line[]>()
  const add = (family: string, argvs: readonly (readonly string[])[], environment = {}): void => {
    lines.set(family, [...(lines.get(family) ?? []), ...argvs.map((argv) => ({ argv, environment }))])
  }
  add('by hand', byHand)
  for (const BORG_REPO of ['/from/env', 'host:{borgmajor}/r']) {
    add(
      'BORG_REPO',
      shapes.flatMap((shape) => placeLines(shape)),
      { BORG_REPO },
    )
  }
  for (const shape of shapes) {
    add(shape.name, placeLines(shape))
    add(shape.name, pairLines(shape))
    add(
      shape.name,
      shape.options.flatMap((option) => optionLines(shape, option)),
    )
  }
  const list = shapes.find(({ name }) => name === 'list')!
  add(
    'common options',
    commonOptions.flatMap((option) => optionLines(list, option)),
  )

  const families = [...lines.keys()]
  const all = [...lines.entries()].flatMap(([family, of]) => of.map((line) => ({ family, line })))
  let answer: BorgAnswer
  const borgs = (): BorgAnswer => {
    answer ??= askBorgParser(
      all.map(({ line }) => line),
      folderWithFiles(),
    )
    return answer
  }

  test.each(families)('%s', async (family) => {
    const { outcomes } = borgs()
    const differences: string[] = []
    for (const [at, { family: of, line }] of all.entries()) {
      if (of !== family || isNewer(line) || forgiven.some((form) => form.test(line.argv.join(' ')))) continue
      const their = outcomes[at]!
      const our = await ourOutcome(line.argv, { env: { ...line.environment }, files })
      // Help is given while others only begin.
      if (their.args !== undefined && our.args === undefined && line.argv.includes('help')) continue
      const theirs = comparableBorg(their, borgs(), our)
      const ours = comparableOurs(our, borgs(), their)
      differences.push(...difference(line, theirs, ours))
    }

    expect(differences).toEqual([])
  })
})
