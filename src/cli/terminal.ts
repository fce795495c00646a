/**
 * Asking a person: a secret on the controlling terminal with echo off, or a line from stdin.
 */
import { closeSync, openSync, read as readCallback, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { decodeText } from '../parsing.ts'
import { SignalReason } from './signals.ts'

export interface Asker {
  /**
   * Prompts on the terminal; without one, on stderr, reading from stdin. Undefined at the end of input.
   * @throws SignalReason when ^C is pressed.
   */
  secret(prompt: string): Promise<string | undefined>
  /** Only on the terminal: what stdin has may be somebody's backup. Undefined without one. */
  terminalSecret(prompt: string): Promise<string | undefined>
  /** The next line of stdin, without its newline. Undefined at the end of input. Takes not a byte more. */
  line(): Promise<string | undefined>
}

export interface AskerSettings {
  readonly writeError: (text: string) => void
  readonly interrupted: AbortSignal
  readonly signal: AbortSignal
}

export function makeAsker(settings: AskerSettings): Asker {
  const line = (): Promise<string | undefined> => unlessAborted(readLine(0), settings)
  return {
    line,
    async terminalSecret(prompt) {
      const terminal = openTerminal()
      return terminal === undefined ? undefined : await readSecret(terminal, prompt)
    },
    async secret(prompt) {
      const terminal = openTerminal()
      if (terminal !== undefined) return await readSecret(terminal, prompt)
      settings.writeError('Warning: Password input may be echoed.\n')
      settings.writeError(prompt)
      return await line()
    },
  }
}

/** A question nobody answers must not outlive ^C. */
async function unlessAborted<T>(answer: Promise<T>, { interrupted, signal }: AskerSettings): Promise<T> {
  const either = AbortSignal.any([interrupted, signal])
  if (either.aborted) throw either.reason
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(either.reason)
    either.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    if (onAbort !== undefined) either.removeEventListener('abort', onAbort)
  }
}

function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    return undefined
  }
}

/** Raw mode: what is typed is neither shown nor interpreted, so the editing keys are ours to understand. */
async function readSecret(descriptor: number, prompt: string): Promise<string | undefined> {
  writeSync(descriptor, prompt)
  const stream = new ReadStream(descriptor)
  stream.setRawMode(true)
  try {
    return await typedSecret(stream)
  } finally {
    stream.setRawMode(false)
    writeSync(descriptor, '\n')
    stream.destroy()
  }
}

const key = { interrupt: 3, endOfInput: 4, backspace: 8, newline: 10, enter: 13, killLine: 21, delete: 127 } as const

function typedSecret(stream: ReadStream): Promise<string | undefined> {
  const typed: number[] = []
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.on('end', () => resolve(undefined))
    stream.on('data', (bytes: Uint8Array) => {
      for (const byte of bytes) {
        if (byte === key.enter || byte === key.newline) return resolve(decodeText(Uint8Array.from(typed)))
        if (byte === key.interrupt) return reject(new SignalReason('SIGINT'))
        if (byte === key.endOfInput && typed.length === 0) return resolve(undefined)
        if (byte === key.killLine) typed.length = 0
        else if (byte === key.backspace || byte === key.delete) removeCharacter(typed)
        else typed.push(byte)
      }
    })
  })
}

/** The last character, which may be several bytes of UTF-8. */
function removeCharacter(bytes: number[]): void {
  while (((bytes.at(-1) ?? 0) & 0xc0) === 0x80) bytes.pop()
  bytes.pop()
}

/** Byte by byte, so that whoever reads stdin next finds the rest. */
async function readLine(descriptor: number): Promise<string | undefined> {
  const bytes: number[] = []
  const one = new Uint8Array(1)
  for (;;) {
    const count = await readSome(descriptor, one)
    const byte = one[0] ?? 0
    if (count === 0) return bytes.length === 0 ? undefined : decodeText(Uint8Array.from(bytes))
    if (byte === key.newline) return decodeText(Uint8Array.from(bytes))
    bytes.push(byte)
  }
}

function readSome(descriptor: number, into: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    readCallback(descriptor, into, 0, into.length, null, (error, count) => {
      if (error === null) resolve(count)
      else if (error.code === 'EOF') resolve(0)
      else if (error.code === 'EAGAIN') setTimeout(() => readSome(descriptor, into).then(resolve, reject), 20)
      else reject(error)
    })
  })
}

/** Everything behind an inherited descriptor, which is closed afterwards. @throws the system's error */
export async function readDescriptor(descriptor: number): Promise<string> {
  const parts: Uint8Array[] = []
  for (;;) {
    const buffer = new Uint8Array(4096)
    const count = await readSome(descriptor, buffer)
    if (count === 0) break
    parts.push(buffer.subarray(0, count))
  }
  closeSync(descriptor)
  return decodeText(Uint8Array.from(Buffer.concat(parts)))
}
