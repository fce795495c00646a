import { describe, expect, test } from 'vitest'
import { createTable } from '../../src/cli/args/tables/create.ts'
import { UsageError } from '../../src/cli/args/usage-error.ts'
import type { CliIo } from '../../src/cli/command.ts'
import { commandSet } from '../../src/cli/commands.ts'
import { run } from '../../src/cli/main.ts'
import { SignalReason } from '../../src/cli/signals.ts'
import { BorgError } from '../../src/parsing.ts'
import { type FakeProcess, type FakeProcessOptions, fakeProcess } from './fake-process.ts'

interface Outcome {
  readonly code: number
  readonly process: FakeProcess
}

async function tsborg(line: string, options: FakeProcessOptions = {}): Promise<Outcome> {
  const process = fakeProcess(options)
  return {
    code: await run(
      line.split(' ').filter((word) => word !== ''),
      process,
    ),
    process,
  }
}

/** `create`, doing what the test wants. */
async function creating(
  line: string,
  body: (io: CliIo, args: Record<string, unknown>, process: FakeProcess) => Promise<number | undefined>,
  options: FakeProcessOptions = {},
): Promise<Outcome> {
  const process = fakeProcess(options)
  const command = {
    table: createTable,
    run: async (args: Record<string, unknown>, io: CliIo) => await body(io, args, process),
  }
  const commands = { set: commandSet, find: () => ({ load: async () => command }) }
  return {
    code: await run(
      `create ${line} /r::a p`.split(' ').filter((word) => word !== ''),
      process,
      commands,
    ),
    process,
  }
}

const nothing = async (): Promise<undefined> => undefined
const failing = (error: unknown) => async (): Promise<undefined> => {
  throw error
}
const modern = { env: { BORG_EXIT_CODES: 'modern' } }

describe('before a command runs', () => {
  test('the version is a word that clients understand', async () => {
    const { code, process } = await tsborg('--version --log-json --info')

    expect([code, process.out, process.err]).toEqual([0, 'tsborg 1.4.5\n', ''])
  })
  test.each(['', '--help', 'help'])('%j is answered with the main help on stdout', async (line) => {
    const { code, process } = await tsborg(line)

    expect(code).toBe(0)
    expect(process.out).toMatch(/^usage: tsborg .*Borg/s)
    expect(process.err).toBe('')
  })
  test('usage errors are plain text on stderr, with code 2 in both modes', async () => {
    const { code, process } = await tsborg('--log-json list --first 0 /r', modern)

    expect(code).toBe(2)
    expect(process.out).toBe('')
    expect(process.err).toMatch(
      /^usage: tsborg list \[-h\].*\ntsborg list: error: argument --first: A positive integer is required: 0\n$/s,
    )
  })
  test.each([
    ['create --pattern=xx /r::a', 'A pattern/command must start with any of: -, !, +, R, r, P, p\n', 4],
    ['list /r::{x}', 'Invalid placeholder "x" in string: /r::{x}\n', 6],
    [
      'list /{now:{x}}',
      expect.stringMatching(/^Formatting Error: "\/\{now:\{x\}\}"\.format\(.*\): KeyError\('x'\)\n$/),
      5,
    ],
    ['create --exclude-from nofile /r::a', "Error: [Errno 2] No such file or directory: 'nofile'\n", 2],
    ['create --bypass-lock /r::a', 'Error: Not allowed to bypass locking mechanism for chosen command\n', 2],
  ])('%s is refused with its text alone', async (line, text, code) => {
    const legacy = await tsborg(line)
    expect([legacy.code, legacy.process.err]).toEqual([2, text])

    expect((await tsborg(line, modern)).code).toBe(code)
  })
  test('statistics are either whole or quick', async () => {
    const { code, process } = await tsborg('create -s --quick-stats /r::a p')

    expect(code).toBe(2)
    expect(process.err).toMatch(/tsborg: error: --stats and --quick-stats are mutually exclusive\.\n$/)
  })
  test('deprecation notices come first, as plain text', async () => {
    const { process } = await creating('--noatime --log-json --show-version', nothing)

    expect(process.err).toMatch(/^Warning: "--noatime" has been deprecated because it is the default now\.\n\{/)
  })
})

describe('around a command', () => {
  test('the umask is set, 0077 unless told otherwise', async () => {
    expect((await creating('', nothing)).process.umask).toBe(0o77)
    expect((await creating('--umask 022', nothing)).process.umask).toBe(0o22)
  })
  test('{now} in the archive name is the time of --timestamp', async () => {
    let name: unknown
    const process = fakeProcess()
    const command = {
      table: createTable,
      run: async (args: Record<string, unknown>) => {
        name = (args['location'] as { archive: string }).archive
        return undefined
      },
    }
    const line = ['create', '--timestamp', '2001-02-03T04:05:06', '/r::{utcnow}', 'p']
    await run(line, process, { set: commandSet, find: () => ({ load: async () => command }) })

    expect(name).toBe('2001-02-03T04:05:06')
  })
  test('a dry run drops statistics and says so, which is no warning', async () => {
    const { code, process } = await creating('-n --stats', async (_, args) => {
      expect(args['stats']).toBe(false)
      return undefined
    })

    expect([code, process.err]).toEqual([0, 'Ignoring --stats. It is not supported when using --dry-run.\n'])
  })
  test('version and code are logged on request, whatever the level', async () => {
    const { process } = await creating('--critical --show-version --show-rc', nothing)

    expect(process.err).toBe('borgbackup version 1.4.5\nterminating with success status, rc 0\n')
  })
  test('the code is logged as a record with --log-json', async () => {
    const { process } = await creating('--log-json --show-rc', async (io) => {
      io.warn('FileChangedWarning', 'x')
      return undefined
    })

    const [, last] = process.err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(last).toMatchObject({
      type: 'log_message',
      message: 'terminating with warning status, rc 1',
      levelname: 'WARNING',
      name: 'borg.output.show-rc',
    })
  })
  test.each([
    [0, 'terminating with success status, rc 0'],
    [42, 'terminating with error status, rc 42'],
    [200, 'terminating with signal status, rc 200'],
    [300, 'terminating with abnormal status, rc 300'],
  ])('a code %i of its own is handed through', async (wanted, text) => {
    const { code, process } = await creating('--show-rc', async () => wanted)

    expect([code, process.err]).toEqual([wanted, `${text}\n`])
  })
  test('what is written is text, bytes are bytes', async () => {
    const { process } = await creating('', async (io) => {
      io.write('a\udcff\n')
      await io.writeBytes(Uint8Array.of(0x62, 0x0a))
      return undefined
    })

    expect(process.out).toBe('a?\nb\n')
  })
})

describe('warnings', () => {
  const twoKinds = async (io: CliIo): Promise<undefined> => {
    io.onEvent({ type: 'warning', code: 'BackupFileNotFoundError', args: ['x', 'stat', 'gone'] })
    io.onEvent({ type: 'warning', code: 'BackupPermissionError', args: ['y', 'open', 'denied'] })
    return undefined
  }
  test('are printed and make the code', async () => {
    const { code, process } = await creating('', twoKinds, modern)

    expect([code, process.err]).toEqual([1, 'x: stat: gone\ny: open: denied\n'])
  })
  test('make the code also when nobody hears them', async () => {
    const { code, process } = await creating('--error', async (io) => twoKinds(io).then(() => undefined))

    expect([code, process.err]).toEqual([1, ''])
  })
  test('of one kind have its code in modern mode', async () => {
    const { code } = await creating(
      '',
      async (io) => {
        io.warn('BackupPermissionError', 'y', 'open', 'denied')
        return undefined
      },
      modern,
    )

    expect(code).toBe(105)
  })
})

describe('errors', () => {
  const exists = new BorgError('Archive.AlreadyExists', ['a'])
  test('of the catalog are one line, and the code of their class', async () => {
    const { code, process } = await creating('', failing(exists), modern)

    expect([code, process.err]).toEqual([30, 'Archive a already exists\n'])
    expect((await creating('', failing(exists))).code).toBe(2)
  })
  test('win over warnings', async () => {
    const { code } = await creating('', async (io) => {
      io.warn('FileChangedWarning', 'x')
      throw exists
    })

    expect(code).toBe(2)
  })
  test('are records with their msgid in JSON', async () => {
    const { process } = await creating('--log-json', failing(exists))

    expect(JSON.parse(process.err)).toMatchObject({
      levelname: 'ERROR',
      msgid: 'Archive.AlreadyExists',
      name: 'borg.archiver',
    })
  })
  test('that borg traces, and all with --debug, come with a trace', async () => {
    const damaged = new BorgError('IntegrityError', ['chunk'])

    expect((await creating('', failing(damaged))).process.err).toMatch(
      /^Data integrity error: chunk\n.*main\.test\.ts.*Platform: /s,
    )
    expect((await creating('--debug', failing(exists))).process.err).toMatch(/^Archive a already exists\n.*Platform: /s)
  })
  test('nobody expected are a Local Exception with code 2 in both modes', async () => {
    const { code, process } = await creating('', failing(new TypeError('oops')), modern)

    expect(code).toBe(2)
    expect(process.err).toMatch(/^Local Exception\nTypeError: oops\n.*Platform: /s)
  })
  test('come without the system where that is not wanted', async () => {
    const { process } = await creating('', failing(new TypeError('oops')), { env: { BORG_SHOW_SYSINFO: 'no' } })

    expect(process.err).not.toContain('Platform:')
  })
  test('in the use of a command show its usage', async () => {
    const { code, process } = await creating('--show-rc', failing(new UsageError('Need at least one PATH argument.')))

    expect(code).toBe(2)
    expect(process.err).toMatch(/^usage: tsborg .*\ntsborg: error: Need at least one PATH argument\.\n$/s)
  })
  test('that follow a signal are the signal', async () => {
    const { code, process } = await creating('', async (_io, _args, fake) => {
      fake.abort.abort(new SignalReason('SIGTERM'))
      throw new Error('connection lost')
    })

    expect([code, process.err]).toEqual([143, 'Received SIGTERM\n'])
  })
})

test('the engine gets a signal, a listener and somebody to ask', async () => {
  const { process } = await creating(
    '',
    async (io) => {
      expect(io.run.signal).toBe(io.signal)
      const agreed = await io.run.ask?.({ msgid: 'BORG_RELOCATED_REPO_ACCESS_IS_OK', text: 'ok? ' })
      io.run.onEvent?.({ type: 'log', level: 'error', logger: 'borg.archiver', message: String(agreed) })
      return undefined
    },
    { answers: ['y'] },
  )

  expect(process.err).toBe('ok? true\n')
})

describe('help', () => {
  test.each([
    ['help init', 'Initialize', undefined],
    ['help init --epilog-only', 'Initialize', 'positional arguments'],
    ['help init --usage-only', 'positional arguments', 'Initialize'],
    ['help patterns', 'patterns', undefined],
    ['key', 'change-passphrase', undefined],
    ['key export --help', 'usage: tsborg key export', undefined],
  ])('%s', async (line, wanted, unwanted) => {
    const { code, process } = await tsborg(line)

    expect(code).toBe(0)
    expect(process.out).toContain(wanted)
    if (unwanted !== undefined) expect(process.out).not.toContain(unwanted)
  })
  test('on nothing known names what there is', async () => {
    const { code, process } = await tsborg('help nosuch')

    expect(code).toBe(2)
    expect(process.err).toMatch(
      /No help available on nosuch\.\nTry one of the following:\n {4}Commands: .*\n {4}Topics: compression, .*, patterns, placeholders\n$/,
    )
  })
  test.each([...commandSet.names, 'patterns', 'placeholders', 'compression'])('%s fits 80 columns', async (topic) => {
    const { process } = await tsborg(`help ${topic}`)

    expect(process.out.split('\n').filter((line) => line.length > 80)).toEqual([])
  })
})

describe('the name borgfs', () => {
  test('is the mount command', async () => {
    const process = Object.assign(fakeProcess(), { program: 'borgfs' })

    expect(await run(['/r'], process)).toBe(2)
    expect(process.err).toMatch(
      /^usage: borgfs \[-h\][\s\S]*borgfs: error: the following arguments are required: MOUNTPOINT\n$/,
    )
  })
})
