import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeAsk, makePassphrases, type Passphrases, type PromptSettings } from '../../src/cli/prompt.ts'

interface World {
  env?: Record<string, string>
  secrets?: string[]
  lines?: string[]
}

function settings(world: World): PromptSettings & { said: string[] } {
  const secrets = [...(world.secrets ?? [])]
  const lines = [...(world.lines ?? [])]
  const said: string[] = []
  return {
    env: world.env ?? {},
    said,
    asker: {
      terminalSecret: async () => undefined,
      async secret(prompt) {
        said.push(prompt)
        return secrets.shift()
      },
      line: async () => lines.shift(),
    },
    writeError: (text) => void said.push(text),
    tell: (type, _msgid, message) => void said.push(`${type}: ${message}`),
  }
}

async function existing(passphrases: Passphrases, attempt = 1): Promise<string | undefined> {
  const source = passphrases.existing
  return typeof source === 'string' ? source : await source(attempt, '/repo')
}

describe('the passphrase of a key that exists', () => {
  test('is what BORG_PASSPHRASE says, also when that is empty', async () => {
    expect(makePassphrases(settings({ env: { BORG_PASSPHRASE: '' } })).existing).toBe('')
  })
  test('comes from BORG_PASSCOMMAND, without a shell and without final newlines', async () => {
    const env = { PATH: process.env['PATH'] ?? '', BORG_PASSCOMMAND: "printf '%s\\n\\n' 'a b$HOME'" }

    expect(await existing(makePassphrases(settings({ env })))).toBe('a b$HOME')
  })
  test.each([
    ['false', /^Passcommand supplied in BORG_PASSCOMMAND failed: .*status 1\.$/],
    ['/no/such/program', /^Passcommand supplied in BORG_PASSCOMMAND failed: \[Errno 2\]/],
  ])('is not there when the passcommand %s fails', async (command, message) => {
    const env = { PATH: process.env['PATH'] ?? '', BORG_PASSCOMMAND: command }

    await expect(existing(makePassphrases(settings({ env })))).rejects.toThrow(message)
  })
  test('comes from an inherited descriptor, which can be asked twice and is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsborg-prompt-'))
    const writer = openSync(join(folder, 'secret'), 'w+')
    writeSync(writer, 'from fd\n')
    closeSync(writer)
    const descriptor = openSync(join(folder, 'secret'), 'r')

    const passphrases = makePassphrases(settings({ env: { BORG_PASSPHRASE_FD: String(descriptor) } }))

    expect(await existing(passphrases)).toBe('from fd')
    expect(await passphrases.fresh()).toBe('from fd')
    expect(() => readSync(descriptor, new Uint8Array(1))).toThrow()
    rmSync(folder, { recursive: true })
  })
  test('that was configured is not tried again when it is wrong', async () => {
    const env = { PATH: process.env['PATH'] ?? '', BORG_PASSCOMMAND: 'echo x' }

    await expect(existing(makePassphrases(settings({ env })), 2)).rejects.toMatchObject({ code: 'PassphraseWrong' })
  })
  test('is asked for on the terminal, with the place of the key', async () => {
    const world = settings({ secrets: ['typed'] })

    expect(await existing(makePassphrases(world))).toBe('typed')
    expect(world.said).toEqual(['Enter passphrase for key /repo: '])
  })
  test('cannot be had from a closed terminal', async () => {
    await expect(existing(makePassphrases(settings({})))).rejects.toThrow(
      'Cannot acquire a passphrase: BORG_PASSPHRASE is not set. BORG_PASSCOMMAND is not set. Interactive password query failed.',
    )
  })
})

describe('a new passphrase', () => {
  test('is what BORG_NEW_PASSPHRASE says, before anything else', async () => {
    const env = { BORG_NEW_PASSPHRASE: 'new', BORG_PASSPHRASE: 'old' }

    expect(await makePassphrases(settings({ env })).fresh()).toBe('new')
    expect(await makePassphrases(settings({ env: { BORG_PASSPHRASE: 'old' } })).fresh()).toBe('old')
  })
  test('is typed twice, until both are the same', async () => {
    const world = settings({ secrets: ['a', 'b', 'c', 'c'], lines: ['n'] })

    expect(await makePassphrases(world).fresh()).toBe('c')
    expect(world.said).toContain('Passphrases do not match\n')
  })
  test('is given up after ten attempts', async () => {
    const secrets = Array.from({ length: 20 }, (_, i) => String(i))

    await expect(makePassphrases(settings({ secrets })).fresh()).rejects.toMatchObject({
      code: 'PasswordRetriesExceeded',
    })
  })
  test('is shown when asked for, with its bytes if it is not ASCII', async () => {
    const world = settings({ secrets: ['é', 'é'], lines: ['maybe', 'y'] })

    await makePassphrases(world).fresh()

    expect(world.said).toContain('question_invalid_answer: Invalid answer, try again.')
    expect(world.said).toContain('Your passphrase (between double-quotes): "é"\n')
    expect(world.said).toContain('Your passphrase (UTF-8 encoding in hex): c3a9\n')
  })
})

describe('questions of the engine', () => {
  const relocated = { msgid: 'BORG_RELOCATED_REPO_ACCESS_IS_OK', text: 'moved [yN] ' } as const
  const deletion = { msgid: 'BORG_DELETE_I_KNOW_WHAT_I_AM_DOING', text: 'YES? ' } as const
  test.each([
    ['y', true, []],
    ['1', true, []],
    ['', false, []],
    ['no', false, ['question_accepted_false: Aborting.']],
    ['hm', false, ['question_invalid_answer: Invalid answer, aborting.']],
  ])('%j means %s', async (answer, agreed, said) => {
    const world = settings({ lines: [answer] })

    expect(await makeAsk(world)(relocated)).toBe(agreed)
    expect(world.said).toEqual(['question_prompt: moved [yN] ', ...said])
  })
  test('are declined at the end of input', async () => {
    const world = settings({})

    expect(await makeAsk(world)(relocated)).toBe(false)
    expect(world.said).toContain('question_accepted_false: Aborting.')
  })
  test('are answered by their variable, aloud', async () => {
    const world = settings({ env: { BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes' } })

    expect(await makeAsk(world)(relocated)).toBe(true)
    expect(world.said).toContain('question_env_answer: yes (from BORG_RELOCATED_REPO_ACCESS_IS_OK)')
  })
  test('that destroy take YES and nothing less', async () => {
    expect(await makeAsk(settings({ lines: ['YES'] }))(deletion)).toBe(true)
    expect(await makeAsk(settings({ lines: ['yes'] }))(deletion)).toBe(false)
    expect(await makeAsk(settings({ lines: ['y'] }))(deletion)).toBe(false)
  })
})
