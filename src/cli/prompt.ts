/**
 * Passphrases and yes/no questions: answered by the environment where it can, by a person where not.
 * Source: CLI contract "Passphrases, prompts, security questions".
 */
import { spawn } from 'node:child_process'
import {
  BorgError,
  borgVersion,
  decodeText,
  encodeText,
  type Question,
  type QuestionEvent,
  systemErrorText,
  toHex,
} from '../parsing.ts'
import { childEnvironment, type Env } from './env.ts'
import { splitShellWords } from './shell-words.ts'
import { type Asker, readDescriptor } from './terminal.ts'

/** As the engine wants it: a string is configured, a function is asked with attempt 1, 2, 3 and where the key lies. */
export type PassphraseSource = string | ((attempt: number, where: string) => Promise<string | undefined>)

export interface Passphrases {
  /** For keys that exist. Nothing is run, read or asked before a key wants it. */
  readonly existing: PassphraseSource
  /** For a key that is made or changed. @throws BorgError 'PasswordRetriesExceeded' | 'NoPassphraseFailure' ... */
  fresh(): Promise<string>
  /** For the SSH client that is built in. */
  readonly ssh: SshAnswers
}

export interface SshAnswers {
  /** Of a private key. */
  passphrase(file: string): Promise<string | undefined>
  /** Passwords, and whatever else a server asks for. */
  answer(question: { readonly kind: 'password' | 'prompt'; readonly text: string }): Promise<string | undefined>
}

export interface PromptSettings {
  readonly env: Env
  readonly asker: Asker
  /** A line of the dialogue on stderr, without newline where it is a prompt. */
  readonly writeError: (text: string) => void
  /** Says something about a question, as text or as JSON. */
  readonly tell: (type: QuestionEvent | 'question_env_answer', msgid: string, message: string) => void
}

const attemptsMax = 10

export function makePassphrases(settings: PromptSettings): Passphrases {
  const { env, asker } = settings
  const configured = configuredPassphrase(env)
  return {
    ssh: {
      passphrase: (file) => asker.terminalSecret(`Enter passphrase for key '${file}': `),
      answer: ({ kind, text }) =>
        // A server's words must not steer the terminal.
        asker.terminalSecret(kind === 'password' ? `${text}'s password: ` : text.replace(/\p{Cc}/gu, ' ')),
    },
    existing: env['BORG_PASSPHRASE'] ?? (configured === undefined ? askForExisting(settings) : once(configured)),
    async fresh() {
      const given = env['BORG_NEW_PASSPHRASE'] ?? (await configured?.())
      if (given !== undefined) return given
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const passphrase = await asker.secret('Enter new passphrase: ')
        if (passphrase === undefined) throw noPassphrase(env)
        if (passphrase === (await asker.secret('Enter same passphrase again: '))) {
          await offerToShow(passphrase, settings)
          return passphrase
        }
        settings.writeError('Passphrases do not match\n')
      }
      throw new BorgError('PasswordRetriesExceeded', [])
    },
  }
}

/** A source that is tried once: it would not say anything else the second time. */
function once(read: () => Promise<string>): PassphraseSource {
  return async (attempt) => {
    if (attempt > 1) throw new BorgError('PassphraseWrong', [])
    return await read()
  }
}

function askForExisting({ env, asker }: PromptSettings): PassphraseSource {
  return async (_attempt, where) => {
    const passphrase = await asker.secret(`Enter passphrase for key ${where}: `)
    if (passphrase === undefined) throw noPassphrase(env)
    return passphrase
  }
}

/** Undefined when no variable provides one. A descriptor can be read only once, so what it said is kept. */
function configuredPassphrase(env: Env): (() => Promise<string>) | undefined {
  const passphrase = env['BORG_PASSPHRASE']
  if (passphrase !== undefined) return async () => passphrase
  const command = env['BORG_PASSCOMMAND']
  if (command !== undefined) return async () => await runPasscommand(command, env)
  const descriptor = env['BORG_PASSPHRASE_FD']
  if (descriptor === undefined || !/^\s*\d+\s*$/.test(descriptor)) return undefined
  let read: Promise<string> | undefined
  return async () => {
    read ??= readDescriptor(Number(descriptor)).then(withoutFinalNewlines)
    return await read
  }
}

function withoutFinalNewlines(text: string): string {
  return text.replace(/\n+$/, '')
}

async function runPasscommand(command: string, env: Env): Promise<string> {
  const [program = '', ...args] = splitShellWords(command)
  const failed = (reason: string, cause?: unknown): BorgError =>
    new BorgError('PasscommandFailure', [reason], { cause })
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: childEnvironment(env, borgVersion),
      stdio: ['inherit', 'pipe', 'inherit'],
    })
    const output: Uint8Array[] = []
    child.stdout.on('data', (bytes: Uint8Array) => output.push(bytes))
    child.on('error', (error) => reject(failed(systemErrorText(error, program), error)))
    child.on('close', (code) => {
      if (code === 0) resolve(withoutFinalNewlines(decodeText(Uint8Array.from(Buffer.concat(output)))))
      else reject(failed(`Command '${command}' returned non-zero exit status ${code}.`))
    })
  })
}

function noPassphrase(env: Env): BorgError {
  const states = ['BORG_PASSPHRASE', 'BORG_PASSCOMMAND'].map((name) => `${name} is ${name in env ? '' : 'not '}set.`)
  return new BorgError('NoPassphraseFailure', [`${states.join(' ')} Interactive password query failed.`])
}

async function offerToShow(passphrase: string, settings: PromptSettings): Promise<void> {
  const shown = await answerQuestion(settings, {
    msgid: 'BORG_DISPLAY_PASSPHRASE',
    text: 'Do you want your passphrase to be displayed for verification? [yN]: ',
    truish,
    invalid: 'Invalid answer, try again.',
    declined: undefined,
    retries: true,
  })
  if (!shown) return
  settings.writeError(`Your passphrase (between double-quotes): "${passphrase}"\n`)
  settings.writeError('Make sure the passphrase displayed above is exactly what you wanted.\n')
  const bytes = encodeText(passphrase)
  if (bytes.every((byte) => byte < 0x80)) return
  settings.writeError(`Your passphrase (UTF-8 encoding in hex): ${toHex(bytes)}\n`)
  settings.writeError('It has characters beyond ASCII: make sure that you can type them everywhere.\n')
}

const truish = ['Yes', 'YES', 'yes', 'Y', 'y', '1']
const falsish = ['No', 'NO', 'no', 'N', 'n', '0']
const defaultish = ['Default', 'DEFAULT', 'default', 'D', 'd', '']

/** Questions that only the word YES answers. */
const wantsYes: ReadonlySet<string> = new Set([
  'BORG_CHECK_I_KNOW_WHAT_I_AM_DOING',
  'BORG_DELETE_I_KNOW_WHAT_I_AM_DOING',
])

/** How the engine's questions are asked. */
export function makeAsk(settings: PromptSettings): (question: Question) => Promise<boolean> {
  return async (question) =>
    await answerQuestion(settings, {
      msgid: question.msgid,
      text: question.text,
      truish: wantsYes.has(question.msgid) ? ['YES'] : truish,
      invalid: 'Invalid answer, aborting.',
      declined: 'Aborting.',
      retries: false,
    })
}

interface YesOrNo {
  /** Also the variable that answers it. */
  readonly msgid: string
  readonly text: string
  readonly truish: readonly string[]
  readonly invalid: string
  readonly declined: string | undefined
  readonly retries: boolean
}

async function answerQuestion(settings: PromptSettings, question: YesOrNo): Promise<boolean> {
  const { msgid } = question
  settings.tell('question_prompt', msgid, question.text)
  let fromEnvironment = settings.env[msgid]
  for (;;) {
    if (fromEnvironment !== undefined) {
      settings.tell('question_env_answer', msgid, `${fromEnvironment} (from ${msgid})`)
    }
    const answer = fromEnvironment ?? (await settings.asker.line()) ?? 'No'
    if (question.truish.includes(answer)) return true
    if (defaultish.includes(answer)) return false
    if (falsish.includes(answer)) {
      if (question.declined !== undefined) settings.tell('question_accepted_false', msgid, question.declined)
      return false
    }
    settings.tell('question_invalid_answer', msgid, question.invalid)
    if (!question.retries) return false
    // A variable that gave a bad answer would give it again.
    fromEnvironment = undefined
  }
}
