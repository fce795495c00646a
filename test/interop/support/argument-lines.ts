/**
 * Command lines worth reading twice: by hand, and every option of every command used well and badly.
 */
import type { Argument } from '../../../src/cli/args/argument.ts'
import { commonArguments } from '../../../src/cli/args/common-options.ts'
import { commandEntries, commandSet } from '../../../src/cli/commands.ts'

/** Borg 1.4.5 has the first and we have the others, the oracle has none of them. */
const newerCommands = new Set(['key export-related-secrets', 'completion', 'benchmark cpu'])

/** Opens its files while it parses. */
const eagerCommands = new Set(['debug convert-profile'])

export interface Shape {
  readonly name: string
  readonly positionals: readonly string[]
  readonly options: readonly (readonly [string, Argument<unknown>])[]
}

const goodWords: Readonly<Record<string, string>> = {
  REPOSITORY: '/r',
  ARCHIVE: '/r::a',
  REPOSITORY_OR_ARCHIVE: '/r',
  'REPO::ARCHIVE1': '/r::a',
}

const goodValues: Readonly<Record<string, string>> = {
  int: '7',
  str: 'word',
  '<lambda>': '0640',
  positive_int_validator: '3',
  parse_storage_quota: '1.5G',
  interval: '2d',
  timestamp: '2020-02-02T02:02:02',
  ChunkerParams: '10,23,16,4095',
  CompressionSpec: 'zstd,3',
  SortBySpec: 'name,id',
  DiffSortSpec: 'path',
  PathSpec: '/some/path',
  replace_placeholders: 'w{{o}}rd-{borgmajor}',
  validator: 'name',
  eval_escapes: '\\0',
  FilesCacheMode: 'mtime,size',
}

const badValues = ['', 'zz', '-1', '-5x', '0', '1.5', ' 7 ', '{', '{nope}', 'a/b', 'ä', '9,9', 'xx:a', '--', '-', '1_0']

export const shapes: Shape[] = []
for (const { name } of commandEntries) {
  if (newerCommands.has(name) || eagerCommands.has(name)) continue
  const all = Object.entries((await commandSet.loadTable(name)).arguments)
  const positionals = all.flatMap(([, { positional, metavar }]) => (positional ? [goodWords[metavar] ?? 'word'] : []))
  const options = all.flatMap(([, argument]) =>
    argument.spellings.flatMap(({ options: names }) => names.map((option) => [option, argument] as const)),
  )
  shapes.push({ name, positionals, options })
}
export const commonOptions = Object.values(commonArguments).flatMap((argument) =>
  argument.spellings.flatMap(({ options }) => options.map((option) => [option, argument] as const)),
)

/** Every number of words, and one too many; in front of options and behind. */
export function placeLines({ name, positionals }: Shape): string[][] {
  const words = name.split(' ')
  const counts = [...positionals.keys(), positionals.length, positionals.length + 1, positionals.length + 2]
  return [
    ...counts.map((count) => [...words, ...[...positionals, 'more', 'words'].slice(0, count)]),
    [...words, '--help'],
    [...words, '-h', '--no-such'],
    [...words, '--no-such', '-h'],
    [...words, '--no-such', ...positionals],
    [...words, ...positionals, '-Z'],
    [...words, ...positionals, '--', '--no-such'],
    [...words, '--', ...positionals],
    [...words, '--bypass-lock', ...positionals],
    ['--bypass-lock', ...words, ...positionals],
    ['-v', '--lock-wait', '3', ...words, '--debug', '--lock-wait', '5', ...positionals],
    ['--debug-topic', 'a', ...words, '--debug-topic', 'b', ...positionals],
    [...words, '', ...positionals.slice(1)],
    [...words, '::', ...positionals.slice(1)],
    [...words, '::x', ...positionals.slice(1)],
    [...words, ...positionals.map(() => '-1')],
    [...words, ...positionals.map(() => '-x y')],
  ]
}

export function optionLines(
  { name, positionals }: Shape,
  [option, argument]: readonly [string, Argument<unknown>],
): string[][] {
  const head = name.split(' ')
  const line = (...words: string[]): string[] => [...head, ...words, ...positionals]
  const short = !option.startsWith('--')
  const shorter = short ? [] : [line(option.slice(0, -1)), line(option.slice(0, 4))]
  if (argument.arity === 'none') {
    return [
      line(option),
      [...head, ...positionals, option],
      line(option, option),
      short ? line(`${option}p`) : line(`${option}=x`),
      ...(short ? [line(`${option}Z`), line(`-v${option.slice(1)}`)] : []),
      ...shorter,
    ]
  }
  const good = goodValues[argument.type.name] ?? argument.choices?.[0] ?? 'word'
  const attach = (value: string): string => (short ? `${option}${value}` : `${option}=${value}`)
  return [
    line(option, argument.choices?.[0] ?? good),
    line(attach(argument.choices?.[0] ?? good)),
    [...head, ...positionals, option],
    [...head, ...positionals, option, argument.choices?.[0] ?? good],
    line(option, good, option, good),
    line(option, '--debug'),
    ...badValues.map((value) => line(option, value)),
    // Pythons up to 3.12 lose a glued '--'.
    ...badValues.filter((value) => value !== '--').map((value) => line(attach(value))),
    ...(short ? [line(`-v${option.slice(1)}${good}`), line(`-v${option.slice(1)}`, good)] : []),
    ...shorter.map((words) => [...words.slice(0, head.length + 1), good, ...positionals]),
  ]
}

/** Pairs that exclude each other, and do not. */
export function pairLines(shape: Shape): string[][] {
  const single = shape.options.filter(([, { sum }]) => sum !== 'rules').slice(0, 40)
  const words = ([option, argument]: readonly [string, Argument<unknown>]): string[] =>
    argument.arity === 'none' ? [option] : [option, goodValues[argument.type.name] ?? 'word']
  return single.flatMap((one, at) =>
    single
      .slice(at + 1, at + 4)
      .map((other) => [...shape.name.split(' '), ...words(one), ...words(other), ...shape.positionals]),
  )
}

export const byHand: readonly (readonly string[])[] = [
  [],
  ['-h'],
  ['--help'],
  ['--version'],
  ['-V'],
  ['-Vx'],
  ['--versio'],
  ['-v', '--version', 'nonsense'],
  ['nonsense'],
  ['cre', '/r::a', 'x'],
  ['-v'],
  ['--lock-wait'],
  ['--lock-wait', '3'],
  ['--lock-wait', 'x', 'list', '/r'],
  ['--umask', '8', 'list', '/r'],
  ['--umask', '0o22', 'list', '/r'],
  ['--debug-topic', 'a', 'key', '--debug-topic', 'b', 'export', '--debug-topic', 'c', '/r'],
  ['-v', 'key', '--debug', 'export', '/r'],
  ['--debug', 'key', 'export', '-v', '/r'],
  ['key', '--lock-wait', '9', 'export', '/r'],
  ['key'],
  ['key', '-h'],
  ['key', 'nonsense'],
  ['key', '--no-such'],
  ['key', '-V'],
  ['debug'],
  ['benchmark'],
  ['benchmark', 'nonsense'],
  ['list', '-V'],
  ['list', '--sho', '/r'],
  ['list', '--shor', '/r'],
  ['list', '--s', '/r'],
  ['list', '--', '/r'],
  ['list', '/r', '--', '-x'],
  ['list', '/r', '--', '--', '-x'],
  ['list', '/r::a', 'p', '-e', 'x', '--short'],
  ['list', '--short', '/r::a', 'p', '-e', 'x'],
  ['list', '-1', '/r'],
  ['list', '/r::a', '-1'],
  ['list', '/r::a', '-.5', '-1.5', '-1e3'],
  ['list', '/r::a', '-'],
  ['-p', 'list', '-p', '/r', '-p'],
  ['list', '-pv', '/r'],
  ['list', '-pvh', '/r'],
  ['list', '-vaday', '/r'],
  ['list', '-va=day', '/r'],
  ['list', '--first=3', '--last', '4', '/r'],
  ['prune', '-d', '-1', '/r'],
  ['prune', '-d-1', '/r'],
  ['prune', '--keep-daily=-1', '/r'],
  ['prune', '-vd7', '-w', '4', '/r'],
  ['prune', '-nd7', '/r', '-m=3'],
  ['prune', '--keep-m', '3', '/r'],
  ['prune', '--keep-d', '3', '/r'],
  ['prune', '--keep', '3', '/r'],
  ['prune', '-Pa', '-ab', '/r'],
  ['prune', '-ab', '--prefix', 'c', '/r'],
  ['prune', '--pref', 'c', '/r'],
  ['prune', '--prefix=c', '/r'],
  ['create', '-sn', '/r::a', 'x'],
  ['create', '-snx', '/r::a', 'x'],
  ['create', '-Clz4', '/r::a', 'x'],
  ['create', '-C=lz4', '/r::a', 'x'],
  ['create', '-sClz4', '/r::a', 'x'],
  ['create', '--compression=zlib,3', '/r::a', 'x'],
  ['create', '--comp', 'zlib,3', '/r::a', 'x'],
  ['create', '--com', 'zlib,3', '/r::a', 'x'],
  ['create', '--noa', '/r::a', 'x'],
  ['create', '--noatime', '--nobsdflags', '--numeric-owner', '/r::a', 'x'],
  ['--remote-ratelimit', '5', 'create', '--remote-buffer', '6', '/r::a', 'x'],
  ['create', '--pattern', 'R /b', '/r::a', '/a', '--pattern', 'r /c'],
  ['create', '--pattern', 'R /b', '/r::a'],
  ['create', '/r::a'],
  ['create', '/r::a', '--pattern', '+ x'],
  ['create', '--content-from-command', '/r::a'],
  ['create', '--paths-from-command', '/r::a'],
  ['create', '--paths-from-stdin', '/r::a'],
  ['create', '--paths-from-stdin', '/r::a', 'x'],
  ['create', '--content-from-command', '/r::a', '--', 'sh', '-c', 'true'],
  ['create', '--content-from-command', '/r::a', '--', 'sh', '--', '-c'],
  ['create', '-e', 'a', '--pattern', '- b', '--exclude', 'c', '--pattern=+ d', '-ee', '/r::a', 'x'],
  ['create', '--patterns-from', 'rules', '-e', 'a', '--exclude-from', 'excludes', '--pattern', '! z', '/r::a'],
  ['create', '-e', 'a', '--exclude-from', 'excludes', '--patterns-from', 'rules', '/r::a', 'x'],
  ['create', '--patterns-from', 'nofile', '/r::a', 'x'],
  ['create', '--exclude-from', 'nofile', '/r::a', 'x'],
  ['create', '--exclude-from', '-', '/r::a', 'x'],
  ['create', '--patterns-from', 'bad', '/r::a', 'x'],
  ['create', '--pattern', '', '/r::a', 'x'],
  ['create', '--pattern', '-', '/r::a', 'x'],
  ['create', '--pattern=+', '/r::a', 'x'],
  ['create', '--pattern', '- xx:a', '/r::a', 'x'],
  ['create', '--pattern', 'P fm', '/r::a', 'x'],
  ['create', '--pattern', 'P xx', '/r::a', 'x'],
  ['create', '--pattern', 'pp:x', '/r::a', 'x'],
  ['create', '--pattern', 're:x', '/r::a', 'x'],
  ['create', '--timestamp', '2020-1-2', '/r::{now}', 'x'],
  ['create', '--timestamp', '2020-02-30', '/r::a', 'x'],
  ['create', '/r::{now:%Y', 'x'],
  ['create', '/r::a/b', 'x'],
  ['create', '/r::', 'x'],
  ['create', '', 'x'],
  ['create', '::', 'x'],
  ['create', '::a', 'x'],
  ['create', 'ssh://h:x/p::a', 'x'],
  ['create', '/r::a', 'x', ''],
  ['extract', '/r'],
  ['extract', '/r::a', '--pattern', 'R b'],
  ['extract', '/r::a', 'c', '--pattern', 'R b'],
  ['extract', '--strip', '2', '/r::a'],
  ['diff', '/r::a', '/r::b'],
  ['diff', '/r::a', ''],
  ['diff', '/r', 'b'],
  ['rename', '/r::a', 'b::c'],
  ['rename', '/r::a', ''],
  ['delete', '/r::a', 'b', 'c', '--force', '--force'],
  ['delete', '/r', '--first', '1', '--last', '1'],
  ['config', '--list', '--delete', '/r'],
  ['config', '-d', '-l', '/r'],
  ['config', '/r', 'n', 'v', 'w'],
  ['recreate', '--recompress', '/r'],
  ['recreate', '--recompress', '--list', '/r'],
  ['recreate', '--recompress=always', '/r'],
  ['recreate', '--recompress=', '/r'],
  ['recreate', '/r', '--recompress'],
  ['recreate', '--chunker-params=default', '/r'],
  ['with-lock', '/r', 'sh', '-c', 'true'],
  ['with-lock', '/r', 'sh', '--help'],
  ['with-lock', '/r', '--', 'sh', '-c'],
  ['with-lock', '-v', '/r', 'sh', '-v'],
  ['with-lock', '/r', '-v', 'sh', '-v'],
  ['with-lock', '/r'],
  ['with-lock', '/r', 'sh', '--', 'x'],
  ['with-lock', '--lock-wait', '3', '/r', 'sh', '--sho'],
  ['serve', '--restrict-to-path', '/a', '--restrict-to-path=/b', '--restrict-to-r', '/c'],
  ['serve', '--append-only', 'x'],
  ['init', '/r'],
  ['init', '-e', '/r'],
  ['init', '-erepokey', '/r'],
  ['init', '--encryption=none', '/r', '/s'],
  ['init', '-e', 'none', '--storage-quota', '5M', '/r'],
  ['mount', '/r'],
  ['mount', '/r', '/m', '-o', 'a,b', '-f'],
  ['umount'],
  ['import-tar', '/r::a'],
  ['export-tar', '/r::a'],
  ['debug', 'delete-obj', '/r'],
  ['debug', 'refcount-obj', '/r', 'a', 'b'],
  ['key', 'export', '/r', 'p', 'q'],
  ['help', 'nonsense'],
  ['help', 'a', 'b'],
  ['help', '--epilog-only', '--usage-only'],
]

export const files = {
  rules: '# a comment\nR /from-file\n+ kept\nP fm\n- *.o\n! re:x$\n',
  excludes: '\n# no\n*.tmp\nsh:**/cache\n- literally\n',
  bad: '+ good\nnonsense\n',
}
