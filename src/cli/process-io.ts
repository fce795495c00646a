/**
 * The process, as far as the command line may touch it.
 */
import type { Readable, Writable } from 'node:stream'
import type { Host } from '../parsing.ts'
import type { Env } from './env.ts'
import type { Signals } from './signals.ts'
import type { Asker } from './terminal.ts'

/** One of stdout and stderr. Writing to one whose reader is gone does nothing. */
export interface Output {
  /** Resolves when more is welcome. */
  write(data: string | Uint8Array): Promise<void>
  readonly isTerminal: boolean
  readonly columns: number | undefined
}

export interface StandardStreams {
  readonly input: Readable
  /** Writing does not block, however slow its reader is. */
  readonly output: Writable
  readonly log: Writable
}

/** The process, as far as the command line may touch it. Tests pass a fake. */
export interface ProcessIo {
  /** Basename of the executable. */
  readonly program: string
  /** As received, program first. */
  readonly commandLine: readonly string[]
  readonly env: Env
  readonly host: Host
  readonly currentFolder: string
  readonly stdin: AsyncIterable<Uint8Array>
  readonly stdout: Output
  readonly stderr: Output
  /** For a protocol on stdin and stdout. */
  standardStreams(): StandardStreams
  readonly asker: Asker
  readonly signals: Signals
  setUmask(mask: number): void
  /** @throws the system's error */
  readFile(path: string): Uint8Array
  createFile(path: string): void
  /** Modification time in nanoseconds, or undefined when there is no such file. */
  fileTime(path: string): bigint | undefined
}
