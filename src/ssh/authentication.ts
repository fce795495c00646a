/**
 * Which proofs of who we are a server is shown, and in which order: the agent's keys, key files, then people.
 *
 * Source: RFC 4252; ssh_config(5), IdentityFile and IdentitiesOnly.
 */
import { readFile } from 'node:fs/promises'
import type {
  AnyAuthMethod,
  AuthenticationType,
  AuthHandlerMiddleware,
  BaseAgent,
  NextAuthHandler,
  ParsedKey,
} from 'ssh2'
import { systemErrorCode } from '../base/errors.ts'
import type { SshOptions } from './ssh-options.ts'
import type { SshSettings } from './ssh-settings.ts'

type Ssh2 = typeof import('ssh2')

const passphraseAttempts = 3
const passwordAttempts = 3

/** Keeps what was tried, for the error when nothing helps. Never a secret. */
export class Authentication {
  readonly #ssh2: Ssh2
  readonly #settings: SshSettings
  readonly #options: SshOptions
  /** Around everything a person is asked: their time does not count. */
  readonly #whilePeopleThink: <T>(ask: () => Promise<T>) => Promise<T>
  readonly #tried: string[] = []
  #offered: readonly string[] = []
  #started = false

  constructor(
    ssh2: Ssh2,
    settings: SshSettings,
    options: SshOptions,
    whilePeopleThink: <T>(ask: () => Promise<T>) => Promise<T>,
  ) {
    this.#ssh2 = ssh2
    this.#settings = settings
    this.#options = options
    this.#whilePeopleThink = whilePeopleThink
  }

  /** Whether the server is who it should be, and it is our turn. */
  get started(): boolean {
    return this.#started
  }

  /** What was tried in vain, and what the server would have taken. */
  complaint(): string {
    const tried = this.#tried.length === 0 ? 'nothing to show was found' : `tried: ${this.#tried.join(', ')}`
    return `${this.#settings.user}@${this.#settings.alias} was not let in (the server takes ${this.#offered.join(', ') || 'nothing we know'}; ${tried}).`
  }

  note(what: string): void {
    this.#tried.push(what)
  }

  /** For ssh2's `authHandler`. `fail` gets what must not be lost, such as the error of a callback. */
  handler(fail: (error: unknown) => void): AuthHandlerMiddleware {
    const methods = this.#methods()
    return (methodsLeft: readonly AuthenticationType[] | null, _partial: boolean, next: NextAuthHandler): void => {
      this.#started = true
      if (methodsLeft !== null) this.#offered = methodsLeft
      methods.next().then(({ value }) => {
        // False is "no more", which the types of the package do not know.
        ;(next as (method: AnyAuthMethod | false) => void)(value ?? false)
      }, fail)
    }
  }

  async *#methods(): AsyncGenerator<AnyAuthMethod, undefined> {
    const username = this.#settings.user
    // The answer says what the server takes.
    yield { type: 'none', username }
    const files = await this.#keyFiles()
    const agent = this.#accepts('publickey') ? await this.#agent(files) : undefined
    if (agent !== undefined) yield { type: 'agent', username, agent }
    for (const { file, content } of files) {
      if (!this.#accepts('publickey')) break
      const key = await this.#unlock(file, content)
      if (key === undefined) continue
      this.note(file)
      yield { type: 'publickey', username, key }
    }
    for (let i = 0; i < passwordAttempts && this.#accepts('keyboard-interactive'); i++) {
      this.note('questions of the server')
      yield { type: 'keyboard-interactive', username, prompt: (...request) => this.#prompt(...request) }
    }
    for (let i = 0; i < passwordAttempts && this.#accepts('password'); i++) {
      const password = await this.#ask({ kind: 'password', text: `${username}@${this.#settings.alias}`, echo: false })
      if (password === undefined) break
      this.note('a password')
      yield { type: 'password', username, password }
    }
    return undefined
  }

  #accepts(method: string): boolean {
    return this.#offered.includes(method) && (method === 'publickey' || this.#options.answer !== undefined)
  }

  async #keyFiles(): Promise<readonly { file: string; content: Buffer; publicKey: Buffer | undefined }[]> {
    const found: { file: string; content: Buffer; publicKey: Buffer | undefined }[] = []
    for (const file of this.#settings.identityFiles) {
      const content = await readIfThere(file)
      if (content === undefined) continue
      const beside = await readIfThere(`${file}.pub`)
      const parsed = beside === undefined ? this.#parse(content) : this.#parse(beside)
      found.push({ file, content, publicKey: parsed instanceof Error ? undefined : parsed.getPublicSSH() })
    }
    return found
  }

  #parse(content: Buffer, passphrase?: string): ParsedKey | Error {
    const parsed: ParsedKey | Error | ParsedKey[] = this.#ssh2.utils.parseKey(content, passphrase)
    // OpenSSH's format could hold several keys, and never does.
    return Array.isArray(parsed) ? (parsed[0] ?? new Error('no key in it')) : parsed
  }

  /** The agent with the keys that may be shown, those of key files first: servers count attempts. */
  async #agent(files: readonly { publicKey: Buffer | undefined }[]): Promise<BaseAgent | undefined> {
    const socket = this.#settings.agentSocket
    if (socket === undefined) return undefined
    const agent = this.#ssh2.createAgent(socket)
    const wanted = files.flatMap(({ publicKey }) => (publicKey === undefined ? [] : [publicKey.toString('base64')]))
    const rank = (key: ParsedKey): number => (wanted.includes(key.getPublicSSH().toString('base64')) ? 0 : 1)
    let keys: ParsedKey[]
    try {
      keys = await identitiesOf(agent, this.#ssh2)
    } catch (error) {
      this.note(`agent (${systemErrorCode(error) ?? 'does not answer'})`)
      return undefined
    }
    const shown = keys
      .filter((key) => !this.#settings.identitiesOnly || rank(key) === 0)
      .sort((a, b) => rank(a) - rank(b))
    this.note(`agent (${shown.length === 1 ? '1 key' : `${shown.length} keys`})`)
    // ssh2 asks for them again; it must get the same.
    agent.getIdentities = (answer) => answer(null, shown)
    return shown.length === 0 ? undefined : agent
  }

  async #unlock(file: string, content: Buffer): Promise<ParsedKey | undefined> {
    const plain = this.#parse(content)
    if (!(plain instanceof Error)) {
      if (plain.isPrivateKey()) return plain
      this.note(`${file} (no private key)`)
      return undefined
    }
    if (!/passphrase|encrypted/i.test(plain.message)) {
      this.note(`${file} (cannot be read as a key)`)
      return undefined
    }
    for (let attempt = 0; attempt < passphraseAttempts; attempt++) {
      const passphrase = await this.#whilePeopleThink(async () => this.#options.passphrase?.(file))
      if (passphrase === undefined) {
        this.note(`${file} (locked)`)
        return undefined
      }
      const key = this.#parse(content, passphrase)
      if (!(key instanceof Error)) return key
    }
    this.note(`${file} (wrong passphrase)`)
    return undefined
  }

  #prompt(
    _name: string,
    instructions: string,
    _language: string,
    prompts: readonly { prompt: string; echo?: boolean }[],
    finish: (answers: string[]) => void,
  ): void {
    const answers = async (): Promise<string[]> => {
      const given: string[] = []
      for (const { prompt, echo } of prompts) {
        const text = instructions === '' ? prompt : `${instructions}\n${prompt}`
        given.push((await this.#ask({ kind: 'prompt', text, echo: echo === true })) ?? '')
      }
      return given
    }
    // Nobody to answer is a wrong answer: the server says what it thinks of it.
    answers().then(finish, () => finish(prompts.map(() => '')))
  }

  #ask(question: Parameters<NonNullable<SshOptions['answer']>>[0]): Promise<string | undefined> {
    return this.#whilePeopleThink(async () => this.#options.answer?.(question))
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch {
    // A key we may not read is no key of ours; that it was not tried shows in the complaint.
    return undefined
  }
}

function identitiesOf(agent: BaseAgent, ssh2: Ssh2): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys = []) => {
      if (error) {
        reject(error)
        return
      }
      const parsed = keys.flatMap((key): ParsedKey[] => {
        const one = key instanceof Buffer || typeof key === 'string' ? ssh2.utils.parseKey(key) : key
        return one instanceof Error || !('getPublicSSH' in one) ? [] : [one]
      })
      resolve(parsed)
    })
  })
}
