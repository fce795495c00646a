/**
 * Where tarballs are written to and read from: a file, stdout or stdin, through a filter or not.
 * Source: CLI contract, commands §16.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { CommandInput, CommandOutput } from '../index.ts'
import { BorgError, borgVersion, isBorgError, systemErrorCode, systemErrorText, nativePath } from '../parsing.ts'
import type { CliIo } from './command.ts'
import type { Engine } from './engine.ts'
import { childEnvironment } from './env.ts'
import { splitShellWords } from './shell-words.ts'

export interface TarArguments {
  /** '-': stdin or stdout. */
  readonly tarfile: string
  /** A command line; 'auto': by the name of the file; empty: none. */
  readonly tarFilter: string
}

/** Disposal gives up: only `finish` says that all went well. */
export interface TarOutput extends AsyncDisposable {
  write(bytes: Uint8Array): Promise<void>
  finish(): Promise<void>
}

export interface TarInput extends AsyncDisposable {
  readonly bytes: AsyncIterable<Uint8Array>
  /** @throws BorgError 'Error' when the filter failed */
  finish(): Promise<void>
}

const stdin = 0
const stdout = 1
const readSize = 256 * 1024

/** @throws BorgError 'Error' */
export async function openTarOutput(args: TarArguments, engine: Engine, io: CliIo): Promise<TarOutput> {
  const { tarfile } = args
  const filter = filterOf(args, 'compress')
  const file = tarfile === '-' ? undefined : await openFile(tarfile, 'w')
  if (filter === '') return file === undefined ? standardOutput(io) : fileOutput(file, tarfile)
  const environment = childEnvironment(io.env, borgVersion)
  const command = await startFilter(filter, io, async (words) => {
    await using _ = file
    return await engine.startCommandInto(file?.fd ?? stdout, words, { environment })
  })
  return filteredOutput(command, filter)
}

/** @throws BorgError 'Error' */
export async function openTarInput(args: TarArguments, engine: Engine, io: CliIo): Promise<TarInput> {
  const { tarfile } = args
  const filter = filterOf(args, 'decompress')
  const file = tarfile === '-' ? undefined : await openFile(tarfile, 'r')
  if (filter === '') return file === undefined ? standardInput(io) : fileInput(file, tarfile)
  const environment = childEnvironment(io.env, borgVersion)
  const command = await startFilter(filter, io, async (words) => {
    await using _ = file
    return await engine.startCommand(words, { environment, input: file?.fd ?? stdin })
  })
  return filteredInput(command, filter)
}

const filters: readonly (readonly [endings: readonly string[], program: string])[] = [
  [['.tar.gz', '.tgz'], 'gzip'],
  [['.tar.bz2', '.tbz'], 'bzip2'],
  [['.tar.xz', '.txz'], 'xz'],
  [['.tar.zst', '.tar.zstd'], 'zstd'],
  [['.tar.lz4'], 'lz4'],
]

/** The command line of the filter; empty: none. */
export function filterOf({ tarfile, tarFilter }: TarArguments, direction: 'compress' | 'decompress'): string {
  if (tarFilter !== 'auto') return tarFilter
  const program = filters.find(([endings]) => endings.some((ending) => tarfile.endsWith(ending)))?.[1]
  if (program === undefined) return ''
  return direction === 'compress' ? program : `${program} -d`
}

/** Borg says why in a line of its own. @throws BorgError 'Error' */
async function startFilter<T>(filter: string, io: CliIo, start: (words: readonly string[]) => Promise<T>): Promise<T> {
  try {
    const words = splitShellWords(filter)
    if (words.length === 0) throw new RangeError('an empty command line is not permitted')
    return await start(words)
  } catch (error) {
    const reason = startProblem(filter, error)
    if (reason === undefined) throw error
    io.log('error', `filter-process: ${reason}`)
    throw new BorgError('Error', [`filter ${filter}: process creation failed`], { cause: error })
  }
}

function startProblem(filter: string, error: unknown): string | undefined {
  if (error instanceof RangeError) return error.message
  if (!isBorgError(error, 'CommandError')) return undefined
  const [program] = splitShellWords(filter)
  const code = systemErrorCode(error.cause)
  if (code === 'ENOENT') return `executable not found: ${program}`
  if (code === 'EACCES') return `permission denied: ${program}`
  return systemErrorText(error.cause, program)
}

async function requireSuccess(filter: string, status: Promise<number>): Promise<void> {
  const code = await status
  if (code !== 0) throw new BorgError('Error', [`filter ${filter} failed, rc=${code}`])
}

function filteredOutput(command: CommandInput, filter: string): TarOutput {
  return {
    async write(bytes) {
      try {
        await command.write(bytes)
      } catch (error) {
        // Its exit status says more than a broken pipe.
        await requireSuccess(filter, command.status())
        throw new BorgError('Error', [`filter ${filter}: ended before it had read everything`], { cause: error })
      }
    },
    finish: () => requireSuccess(filter, command.status()),
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  }
}

function filteredInput(command: CommandOutput, filter: string): TarInput {
  return {
    bytes: command.output,
    finish: () => requireSuccess(filter, command.status()),
    [Symbol.asyncDispose]: () => command[Symbol.asyncDispose](),
  }
}

function standardOutput(io: CliIo): TarOutput {
  return { write: (bytes) => io.writeBytes(bytes), finish: async () => {}, [Symbol.asyncDispose]: async () => {} }
}

function standardInput(io: CliIo): TarInput {
  return { bytes: io.stdin, finish: async () => {}, [Symbol.asyncDispose]: async () => {} }
}

function fileOutput(file: FileHandle, path: string): TarOutput {
  return {
    write: (bytes) => saying(path, () => writeAll(file, bytes)),
    finish: () => saying(path, () => file.close()),
    [Symbol.asyncDispose]: () => file.close().catch(() => {}),
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}

function fileInput(file: FileHandle, path: string): TarInput {
  return { bytes: readAll(file, path), finish: async () => {}, [Symbol.asyncDispose]: () => file.close() }
}

async function* readAll(file: FileHandle, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const buffer = new Uint8Array(readSize)
    const { bytesRead } = await saying(path, () => file.read(buffer, 0, readSize))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

async function openFile(path: string, flags: 'r' | 'w'): Promise<FileHandle> {
  return await saying(path, () => open(nativePath(path), flags))
}

/** The system's errors, with the name of the file. */
async function saying<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    throw new BorgError('Error', [systemErrorText(error, path)], { cause: error })
  }
}
