import { describe, expect, test } from 'vitest'
import type { Argument } from '../../../src/cli/args/argument.ts'
import { commonArguments, mainArguments } from '../../../src/cli/args/common-options.ts'
import { type CommandLine, parseCommandLine } from '../../../src/cli/args/parser.ts'
import { RuleError } from '../../../src/cli/args/rules.ts'
import { UsageError } from '../../../src/cli/args/usage-error.ts'
import type { ValueContext } from '../../../src/cli/args/value-type.ts'
import { commandEntries, commandSet } from '../../../src/cli/commands.ts'
import { readEnvironment } from '../../../src/cli/env.ts'
import { BorgError, isBorgError, type Pattern } from '../../../src/parsing.ts'
import { FakeHost } from '../../support/fake-host.ts'
import { loadFixture } from '../../support/vectors.ts'

interface World {
  env?: Record<string, string>
  files?: Record<string, string>
}

async function parse(line: readonly string[], world: World = {}): Promise<{ line: CommandLine; notices: string[] }> {
  const context: ValueContext = {
    host: new FakeHost(),
    environment: readEnvironment(world.env ?? {}),
    readFile(path) {
      const text = world.files?.[path]
      if (text === undefined) throw new BorgError('Error', [`[Errno 2] No such file or directory: '${path}'`])
      return text
    },
    fileTime: () => undefined,
  }
  const notices: string[] = []
  return { line: await parseCommandLine(line, commandSet, context, (notice) => notices.push(notice)), notices }
}

interface Parsed {
  args: Record<string, unknown>
  common: Record<string, unknown>
  notices: string[]
}

async function command(line: string, world: World = {}): Promise<Parsed> {
  const parsed = await parse(line.split(' '), world)
  if (parsed.line.kind !== 'command') throw new Error(`not a command: ${line}`)
  return { args: { ...parsed.line.args }, common: { ...parsed.line.common }, notices: parsed.notices }
}

/** 'tsborg create: TEXT' */
async function problem(line: readonly string[], world: World = {}): Promise<string> {
  try {
    await parse(line, world)
    return 'accepted'
  } catch (error) {
    if (error instanceof UsageError) return `${['borg', ...error.words].join(' ')}: error: ${error.message}`
    if (error instanceof RuleError || isBorgError(error)) return error.message
    throw error
  }
}

describe('every option of borg 1.4.5 is there, with its default', () => {
  interface Row {
    options?: string[]
    positional?: string
    metavar?: string
    kind: string
    nargs?: string
    default?: unknown
    choices?: string[]
    required?: boolean
  }
  const tables = loadFixture<{ common: Row[]; commands: Record<string, { args: Row[] }> }>('cli/options.json')
  const spellingsOf = (args: Readonly<Record<string, Argument<unknown>>>): Set<string> =>
    new Set(Object.values(args).flatMap((argument) => argument.spellings.flatMap((spelling) => spelling.options)))

  test('common options', () => {
    const wanted = tables.common.flatMap((row) => row.options ?? []).sort()

    expect([...spellingsOf(mainArguments)].sort()).toEqual(wanted)
  })

  /** What borg does not have. */
  const ours: Readonly<Record<string, readonly string[]>> = { mount: ['--webdav'] }

  const commands = Object.entries(tables.commands).filter(([name]) => !['benchmark', 'debug', 'key'].includes(name))
  test('no command is missing, none invented', () => {
    const own = ['benchmark cpu', 'completion']
    expect(commandEntries.map((entry) => entry.name).sort()).toEqual([...commands.map(([name]) => name), ...own].sort())
  })

  test.each(commands)('%s', async (name, { args: rows }) => {
    const table = await commandSet.loadTable(name)
    const all = Object.values(table.arguments)

    const wanted = [...rows.flatMap((row) => row.options ?? []), ...(ours[name] ?? [])]
    expect([...spellingsOf(table.arguments)].sort()).toEqual(wanted.sort())
    const positionals = all.filter((argument) => argument.positional)
    const arities = { '?': 'optional', '*': 'any', '+': 'some', '...': 'rest' } as Record<string, string>
    expect(positionals.map((argument) => [argument.metavar, argument.arity])).toEqual(
      rows
        .filter((row) => row.positional)
        .map((row) => [row.metavar, row.nargs === undefined ? 'one' : arities[row.nargs]]),
    )
    for (const row of rows) {
      const [option] = row.options ?? []
      if (option === undefined) continue
      const argument = all.find((candidate) => candidate.spellings.some(({ options }) => options.includes(option)))
      expect(argument?.once === true, `${option} once`).toBe(row.kind === 'value_once')
      expect(argument?.required === true, `${option} required`).toBe(row.required === true)
      if (row.choices) expect(argument?.choices, option).toEqual(row.choices)
      const plain = ['number', 'string', 'boolean'].includes(typeof row.default) && row.default !== '<CompressionSpec>'
      // 0 stands for "not given" where borg has no None.
      if (plain && row.default !== 0 && row.default !== 'timestamp') expect(argument?.initial, option).toBe(row.default)
    }
  })
})

/** Refusals, word for word as borg 1.4.5 or 1.2.4 says them. */
const refusals: [string, string][] = [
  ['list --sho', 'borg: error: ambiguous option: --sho could match --show-version, --show-rc'],
  ['list --no-such /r', 'borg: error: unrecognized arguments: --no-such'],
  ['list /r --zz x --yy', 'borg: error: unrecognized arguments: --zz --yy'],
  ['serve x', 'borg: error: unrecognized arguments: x'],
  ['--umask zz list /r', "borg: error: argument --umask: invalid <lambda> value: 'zz'"],
  ['prune -d x /r', "borg prune: error: argument -d/--keep-daily: invalid int value: 'x'"],
  ['list --first 0 /r', 'borg list: error: argument --first: A positive integer is required: 0'],
  ['list --first x /r', "borg list: error: argument --first: invalid positive_int_validator value: 'x'"],
  [
    'recreate --recompress foo',
    "borg recreate: error: argument --recompress: invalid choice: 'foo' (choose from 'never', 'if-different', 'always')",
  ],
  ['init /r', 'borg init: error: the following arguments are required: -e/--encryption'],
  ['rename', 'borg rename: error: the following arguments are required: ARCHIVE, NEWNAME'],
  ['create --timestamp x /r::a', "borg create: error: argument --timestamp: invalid timestamp value: 'x'"],
  ['list --short=3 /r', "borg list: error: argument --short: ignored explicit argument '3'"],
  ['create -nz /r::a', "borg create: error: argument -n/--dry-run: ignored explicit argument 'z'"],
  ['create -C', 'borg create: error: argument -C/--compression: expected one argument'],
  ['create -C --list', 'borg create: error: argument -C/--compression: expected one argument'],
  ['key export', 'borg key export: error: argument REPOSITORY: Invalid location format: ""'],
  ['list -a a -P b /r', 'borg list: error: argument -P/--prefix: not allowed with argument -a/--glob-archives'],
  ['list -a a -a b /r', 'borg list: error: argument -a/--glob-archives: There can be only one.'],
  ['list --last=1 --first=1 /r', 'borg list: error: argument --first: not allowed with argument --last'],
  ['list -a { /r', "borg list: error: argument -a/--glob-archives: invalid replace_placeholders value: '{'"],
  ['list {', "borg list: error: argument REPOSITORY_OR_ARCHIVE: Single '{' encountered in format string"],
  ['create /r', 'borg create: error: argument ARCHIVE: "/r": No archive specified'],
  ['prune /r::a', 'borg prune: error: argument REPOSITORY: "/r::a": No archive can be specified'],
  ['create -e xx:a /r::a', "borg create: error: argument -e/--exclude: invalid parse_exclude_pattern value: 'xx:a'"],
  ['create --pattern xx /r::a', 'A pattern/command must start with any of: -, !, +, R, r, P, p'],
  ['create --patterns-from /no /r::a', "Error: [Errno 2] No such file or directory: '/no'"],
  ['list /r::{nosuch}', 'Invalid placeholder "nosuch" in string: /r::{nosuch}'],
  ['rename /r::a b/c', 'borg rename: error: argument NEWNAME: Invalid archive name: "b/c"'],
]

describe('what borg refuses is refused in the same words', () => {
  test.each(refusals)('%s', async (line, text) => {
    expect(await problem(line.split(' '))).toBe(text)
  })
  test('an unknown command is answered with the known ones', async () => {
    expect(await problem(['foo'])).toMatch(
      /^borg: error: argument <command>: invalid choice: 'foo' \(choose from 'benchmark', /,
    )
    expect(await problem(['key', 'foo'])).toMatch(
      /^borg key: error: argument <command>: invalid choice: 'foo' \(choose from 'export', /,
    )
  })
})

describe('options', () => {
  test('may be shortened, glued, bundled and given with =', async () => {
    const { args } = await command('create --stat --dry -Czstd,3 --comment=x -sn --files-cache=size /r::a p')

    expect(args).toMatchObject({ stats: true, dryRun: true, compression: 'zstd,3', comment: 'x', filesCache: 'size' })
  })
  test('take negative numbers as values', async () => {
    expect((await command('prune --keep-daily -1 -w-2 -m -3 /r')).args).toMatchObject({
      daily: -1,
      weekly: -2,
      monthly: -3,
    })
  })
  test('take a value that begins with a dash when it holds a blank', async () => {
    const { line } = await parse(['create', '--pattern', '- fm:x y', '/r::a', 'p'])

    expect(line).toMatchObject({ args: { patterns: [{ style: 'fm', text: 'x y', verdict: 'exclude' }] } })
  })
  test('may stand before, behind and between positionals', async () => {
    expect((await command('create /r::a -n p -s q')).args).toMatchObject({
      dryRun: true,
      stats: true,
      paths: ['p', 'q'],
    })
  })
  test('are counted where that means something', async () => {
    expect((await command('delete --force --force /r::a')).args['forced']).toBe(2)
  })
  test('with an optional value take one only if it is there', async () => {
    expect((await command('recreate --recompress always /r')).args['recompress']).toBe('always')
    expect((await command('recreate /r --recompress')).args['recompress']).toBe('if-different')
    expect((await command('recreate --recompress -n /r')).args['recompress']).toBe('if-different')
    expect((await command('recreate /r')).args['recompress']).toBe('never')
  })
  test('end at the first --, which is not an argument', async () => {
    expect((await command('create /r::a -- cmd -x -- y')).args['paths']).toEqual(['cmd', '-x', '--', 'y'])
  })
  test('of a command under lock are its own', async () => {
    const { args } = await command('with-lock --lock-wait 3 /r rsync -av --sho --help -- x')

    expect(args).toMatchObject({ command: 'rsync', args: ['-av', '--sho', '--help', '--', 'x'] })
    expect((await command('with-lock /r -- rsync -n')).args).toMatchObject({ command: 'rsync', args: ['-n'] })
  })
})

describe('common options', () => {
  test('are taken everywhere, and the most specific place wins', async () => {
    const { common } = await command(
      '--debug --lock-wait 1 --umask 022 key --lock-wait 2 export --lock-wait 3 --info /r',
    )

    expect(common).toMatchObject({ logLevel: 'info', lockWaitSeconds: 3, umask: 0o22 })
  })
  test('of the last place win within it', async () => {
    expect((await command('list --debug --critical -v /r')).common['logLevel']).toBe('info')
  })
  test('add up where they name topics', async () => {
    expect(
      (await command('--debug-topic a key --debug-topic b export --debug-topic c /r')).common['debugTopics'],
    ).toEqual(['a', 'b', 'c'])
  })
  test('have defaults', async () => {
    const { common } = await command('list /r')

    expect(common).toEqual(
      Object.fromEntries(
        Object.entries(commonArguments)
          .filter(([key]) => key !== 'help')
          .map(([key, argument]) => [key, argument.initial]),
      ),
    )
  })
})

describe('help and version', () => {
  test.each([
    ['--version --nosuch', { kind: 'version' }],
    ['-V', { kind: 'version' }],
    ['--log-json --info -h', { kind: 'help', words: [] }],
    ['key', { kind: 'help', words: ['key'] }],
    ['debug -h', { kind: 'help', words: ['debug'] }],
    ['create --nosuch -h', { kind: 'help', words: ['create'] }],
    ['key export --help', { kind: 'help', words: ['key', 'export'] }],
  ])('%s', async (line, result) => {
    expect((await parse(line.split(' '))).line).toEqual(result)
  })
  test('nothing at all is a request for help', async () => {
    expect((await parse([])).line).toEqual({ kind: 'help', words: [] })
  })
})

describe('deprecated spellings', () => {
  test('work, and are answered with a notice', async () => {
    const line = 'create --noatime --nobsdflags --numeric-owner --remote-ratelimit 5 --remote-buffer=6 /r::a p'
    const { args, common, notices } = await command(line)

    expect(args).toMatchObject({ noFlags: true, numericIds: true })
    expect(common).toMatchObject({ uploadRatelimit: 5, uploadBuffer: 6 })
    expect(notices).toEqual([
      'Warning: "--noatime" has been deprecated because it is the default now.',
      'Warning: "--nobsdflags" has been deprecated. Use --noflags instead.',
      'Warning: "--numeric-owner" has been deprecated. Use --numeric-ids instead.',
      'Warning: "--remote-ratelimit" has been deprecated. Use --upload-ratelimit instead.',
      'Warning: "--remote-buffer" has been deprecated. Use --upload-buffer instead.',
    ])
  })
  test('of the prefix option only the long one warns', async () => {
    expect((await command('list -P x /r')).notices).toEqual([])
    expect((await command('list --prefix x /r')).notices).toEqual([
      `Warning: "--prefix" has been deprecated. Use "--glob-archives 'yourprefix*'" (-a) instead.`,
    ])
  })
})

describe('patterns and roots', () => {
  const world = { files: { '/rules': 'R /from-file\n- sh:**/x\n', '/excludes': '# no\n*.o\n' } }

  test('make one list in the order of the command line', async () => {
    const { args } = await command(
      'create --exclude-from /excludes --pattern=+a /r::a -e b --patterns-from /rules p',
      world,
    )

    const patterns = args['patterns'] as Pattern[]
    expect(patterns.map(({ style, text, verdict }) => `${verdict} ${style}:${text}`)).toEqual([
      'exclude-and-skip fm:*.o',
      'include sh:a',
      'exclude-and-skip fm:b',
      'exclude sh:**/x',
    ])
  })
  test('R lines and PATHs of create keep their order', async () => {
    const { args } = await command('create --pattern=R/one /r::a two --patterns-from /rules three', world)

    expect(args['paths']).toEqual(['/one', 'two', '/from-file', 'three'])
  })
  test('R lines stand in for PATHs elsewhere', async () => {
    expect((await command('extract --patterns-from /rules /r::a', world)).args['paths']).toEqual(['/from-file'])
    expect((await command('extract --patterns-from /rules /r::a p', world)).args['paths']).toEqual(['p'])
  })
})

describe('locations', () => {
  test('come from BORG_REPO where they are left out', async () => {
    const world = { env: { BORG_REPO: 'ssh://h/{hostname}', BORG_HOSTNAME: 'ada' } }
    const location = { scheme: 'ssh', host: 'h', path: '/ada' }

    expect((await command('list', world)).args['location']).toMatchObject({ location, archive: undefined })
    expect((await command('create ::x', world)).args['location']).toMatchObject({
      location,
      archive: 'x',
      typed: 'ssh://h/ada',
    })
    expect((await command('list /other', world)).args['location']).toMatchObject({ location: { path: '/other' } })
  })
  test('leave positionals to those who need them', async () => {
    expect((await command('delete /r::a b c')).args).toMatchObject({ location: { archive: 'a' }, archives: ['b', 'c'] })
    expect((await command('config /r name')).args).toMatchObject({ name: 'name', value: undefined })
  })
})

describe('mount', () => {
  test('--webdav takes a port if one follows, and the place of the mount point', async () => {
    const places = async (line: string): Promise<unknown[]> => {
      const { args } = await command(line)
      return [args['webdav'], (args['location'] as { typed: string }).typed, args['mountpoint'], args['paths']]
    }

    expect(await places('mount /r /mnt a')).toEqual([undefined, '/r', '/mnt', ['a']])
    expect(await places('mount --webdav /r a b')).toEqual([0, '/r', undefined, ['a', 'b']])
    expect(await places('mount --webdav 8080 /r')).toEqual([8080, '/r', undefined, []])
    expect(await places('mount --webdav=8080 /r')).toEqual([8080, '/r', undefined, []])
    expect(await places('mount /r --webdav')).toEqual([0, '/r', undefined, []])
  })

  test('without it the mount point is required', async () => {
    expect(await problem(['mount', '/r'])).toBe('borg mount: error: the following arguments are required: MOUNTPOINT')
    expect(await problem(['mount', '--webdav=70000', '/r'])).toBe(
      "borg mount: error: argument --webdav: invalid port value: '70000'",
    )
  })
})
