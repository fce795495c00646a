/**
 * A process that exists only on paper: what was written, asked and changed can be read back.
 */
import { PassThrough, Readable } from 'node:stream'
import type { Asker } from '../../src/cli/terminal.ts'
import type { SignalQuestion } from '../../src/cli/signals.ts'
import type { ProcessIo } from '../../src/cli/process-io.ts'
import { FakeHost } from '../support/fake-host.ts'

export interface FakeProcess extends ProcessIo {
  out: string
  err: string
  umask: number | undefined
  /** Who answers signals that ask. */
  asked: (question: SignalQuestion) => void
  readonly abort: AbortController
  readonly interrupt: AbortController
}

export interface FakeProcessOptions {
  readonly env?: Record<string, string>
  readonly files?: Record<string, string>
  /** Lines of stdin, as prompts see them. */
  readonly answers?: readonly string[]
  /** What is typed on the terminal. */
  readonly secrets?: readonly string[]
}

export function fakeProcess(options: FakeProcessOptions = {}): FakeProcess {
  const answers = [...(options.answers ?? [])]
  const secrets = [...(options.secrets ?? [])]
  const abort = new AbortController()
  const interrupt = new AbortController()
  const text = (data: string | Uint8Array): string => (typeof data === 'string' ? data : Buffer.from(data).toString())
  const asker: Asker = {
    line: async () => answers.shift(),
    terminalSecret: async () => undefined,
    async secret(prompt) {
      fake.err += prompt
      return secrets.shift()
    },
  }
  const fake: FakeProcess = {
    out: '',
    err: '',
    umask: undefined,
    asked: () => {},
    abort,
    interrupt,
    program: 'tsborg',
    commandLine: ['/usr/bin/tsborg'],
    env: options.env ?? {},
    host: new FakeHost(),
    currentFolder: '/home/ada',
    stdin: (async function* () {})(),
    stdout: {
      isTerminal: false,
      columns: undefined,
      async write(data) {
        fake.out += text(data)
      },
    },
    stderr: {
      isTerminal: false,
      columns: undefined,
      async write(data) {
        fake.err += text(data)
      },
    },
    asker,
    signals: {
      signal: abort.signal,
      interrupted: interrupt.signal,
      whenInsisted: () => {},
      answer: (listener) => {
        fake.asked = listener
      },
    },
    setUmask: (mask) => {
      fake.umask = mask
    },
    readFile(path) {
      const content = options.files?.[path]
      if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return Buffer.from(content)
    },
    standardStreams: () => ({ input: Readable.from([]), output: new PassThrough(), log: new PassThrough() }),
    createFile: () => {},
    fileTime: () => undefined,
  }
  return fake
}
