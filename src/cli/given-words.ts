/**
 * Arguments and variables as they were given: bytes.
 *
 * Node decodes both as UTF-8 and puts U+FFFD for what is not, so that a pattern matches nothing and a path is another one.
 * Linux keeps the bytes; they become text the way names on disk do (surrogate escapes, base/text.ts).
 * Source: proc_pid_cmdline(5), proc_pid_environ(5).
 */
import { readFileSync } from 'node:fs'
import { decodeText } from '../parsing.ts'
import type { Env } from './env.ts'

const replacement = '\ufffd'
const argumentsFile = '/proc/self/cmdline'
const variablesFile = '/proc/self/environ'

/** Variables that hold names of files; what others hold is not for us. */
const pathVariable = /^(BORG_.*|HOME|XDG_C(ONFIG|ACHE)_HOME)$/

/** Bytes of a file, or undefined where there is none. */
export type ReadBytes = (path: string) => Uint8Array | undefined

/** A word or variable whose bytes cannot be had. */
export class LostBytes extends Error {}

/** `words` with their own bytes. @throws LostBytes */
export function givenArguments(words: readonly string[], read: ReadBytes = readIfThere): readonly string[] {
  if (!words.some((word) => word.includes(replacement))) return words
  // Node's own options come before ours; ours are the last.
  const given = stringsIn(read(argumentsFile)).slice(-words.length)
  return words.map((word, i) => {
    const bytes = given[i]
    if (bytes !== undefined && asNodeReads(bytes) === word) return decodeText(bytes)
    throw new LostBytes(`argument '${word}' is not valid UTF-8, which this system cannot hand on`)
  })
}

/** `env` with the bytes of those variables that hold names. @throws LostBytes */
export function givenVariables(env: Env, read: ReadBytes = readIfThere): Env {
  const names = Object.keys(env).filter((name) => pathVariable.test(name) && env[name]?.includes(replacement))
  if (names.length === 0) return env
  const given = stringsIn(read(variablesFile))
  const exact = names.map((name) => {
    const whole = given.find((bytes) => asNodeReads(bytes) === `${name}=${env[name]}`)
    if (whole !== undefined) return [name, decodeText(whole.subarray(name.length + 1))] as const
    throw new LostBytes(`variable ${name} is not valid UTF-8, which this system cannot hand on`)
  })
  return { ...env, ...Object.fromEntries(exact) }
}

function asNodeReads(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

/** Each ends with a zero byte. */
function stringsIn(bytes: Uint8Array | undefined): readonly Uint8Array[] {
  const strings: Uint8Array[] = []
  for (let start = 0; bytes !== undefined && start < bytes.length; ) {
    const end = bytes.indexOf(0, start)
    strings.push(bytes.subarray(start, end < 0 ? bytes.length : end))
    start = end < 0 ? bytes.length : end + 1
  }
  return strings
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
