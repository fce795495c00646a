/**
 * How one word of the command line becomes a value.
 */
import type { Host } from '../../parsing.ts'
import type { Environment } from '../env.ts'

/** What parsing may look at besides the word. */
export interface ValueContext {
  readonly host: Host
  readonly environment: Environment
  /** A pattern file. @throws BorgError 'Error' with the system's words when it cannot be read. */
  readFile(path: string): string
  /** When the file was last changed, or undefined if there is none: --timestamp FILE. */
  fileTime(path: string): bigint | undefined
}

export interface ValueType<T> {
  /** borg's name for it, as in "invalid NAME value: 'x'". */
  readonly name: string
  /**
   * @throws BadValue for "invalid NAME value", BorgError 'CommandError' for a text of its own, and other BorgErrors, which
   * end the program with just their message.
   */
  parse(text: string, context: ValueContext): T
}

/** The word is no such value; what is said is "invalid NAME value: 'x'". */
export class BadValue extends Error {
  constructor() {
    super('bad value')
    this.name = 'BadValue'
  }
}
