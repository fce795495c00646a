/**
 * A command that goes on when its call has returned: we start ourselves once more, detached, and wait until that process
 * says that it serves, or ends.
 *
 * A secret goes through a pipe, never through arguments or environment. Between us: descriptor 3 is the secret's,
 * descriptor 4 takes the news, which is what to print; both are named in the environment.
 */
import { spawn } from 'node:child_process'
import { closeSync, writeFileSync, writeSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import type { CliIo } from './command.ts'
import { type Env, newsVariable } from './env.ts'
import { requireNativeWords } from './native-name.ts'

const secretDescriptor = 3
const newsDescriptor = 4

/**
 * From the background: we serve. What is to be printed is printed by whoever was called.
 * @throws the system's error, EPIPE say, when that process is gone: nobody knows of us then
 */
export function announce(text: string, io: CliIo): void {
  const { newsDescriptor: descriptor } = io.environment
  if (descriptor === undefined) {
    io.write(text)
    return
  }
  writeSync(descriptor, `${readyWord}${text}`)
  closeSync(descriptor)
  // A folder somebody works in cannot be unmounted.
  process.chdir('/')
}

const readyWord = 'ready\n'

/** Programs look for a process called borg to find a mount. Its arguments stay as they are: they tell what is mounted. */
export function callProcessBorg(): void {
  try {
    writeFileSync('/proc/self/comm', 'borg')
  } catch {
    process.title = 'borg'
  }
}

/** Resolves with 0 once the process serves, else with its exit code. What it says meanwhile is passed on. */
export async function runInBackground(secret: string | undefined, io: CliIo): Promise<number> {
  io.signal.throwIfAborted()
  const [script = '', ...words] = io.commandLine
  requireNativeWords('the background (use --foreground)', [...words, io.environment.repository ?? ''])
  const child = spawn(process.execPath, [...process.execArgv, script, ...words], {
    detached: true,
    env: { ...withSecret(io.env, secret), [newsVariable]: String(newsDescriptor) },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  const secretPipe = child.stdio[secretDescriptor] as Writable
  const news = child.stdio[newsDescriptor] as Readable
  secretPipe.on('error', () => {})
  secretPipe.end(secret ?? '')
  child.stderr?.on('data', (bytes: Uint8Array) => void process.stderr.write(bytes))
  const kill = (): void => void child.kill('SIGTERM')
  const stopped = AbortSignal.any([io.signal, io.interrupted])
  stopped.addEventListener('abort', kill)
  try {
    const exited = new Promise<number>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve(code ?? 2))
    })
    const message = await textOf(news)
    if (!message.startsWith(readyWord)) {
      const code = await exited
      stopped.throwIfAborted()
      return code
    }
    io.write(message.slice(readyWord.length))
    return 0
  } finally {
    stopped.removeEventListener('abort', kill)
    child.unref()
  }
}

function withSecret(env: Env, secret: string | undefined): Env {
  if (secret === undefined) return env
  const { BORG_PASSPHRASE: _, BORG_PASSCOMMAND: __, ...rest } = env
  return { ...rest, BORG_PASSPHRASE_FD: String(secretDescriptor) }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const bytes of stream) text += String(bytes)
  return text
}
