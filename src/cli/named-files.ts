/**
 * Files that a command line names: what is there is read, or replaced, as borg does. Failures name the file.
 */
import { open, readFile, writeFile } from 'node:fs/promises'
import { BorgError, decodeText, systemErrorCode, systemErrorText, nativePath } from '../parsing.ts'
import type { CliIo } from './command.ts'

/** @throws BorgError 'Error' */
export async function readNamedFile(path: string): Promise<Uint8Array> {
  return await naming(path, readFile(nativePath(path)))
}

/** @throws BorgError 'Error' */
export async function writeNamedFile(path: string, bytes: Uint8Array): Promise<void> {
  await naming(path, writeFile(nativePath(path), bytes))
}

/** Writes text that may be secret: nobody else can read the file. @throws BorgError 'Error' */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await naming(path, writeFile(nativePath(path), text, { mode: 0o600 }))
}

/** The text of a file, '-' for stdin. @throws BorgError 'Error' */
export async function readInput(path: string, io: CliIo): Promise<string> {
  if (path !== '-') return decodeText(await readNamedFile(path))
  const parts: Uint8Array[] = []
  for await (const part of io.stdin) parts.push(part)
  return decodeText(Uint8Array.from(Buffer.concat(parts)))
}

export interface TextOutput extends AsyncDisposable {
  write(text: string): Promise<void>
}

/** A file, or stdout for '-'. @throws BorgError 'Error', also from `write` */
export async function openTextOutput(path: string, io: CliIo): Promise<TextOutput> {
  if (path === '-') {
    return {
      write: (text) => io.writeBytes(Buffer.from(text)),
      [Symbol.asyncDispose]: async () => {},
    }
  }
  const file = await naming(path, open(nativePath(path), 'w'))
  return {
    write: (text) => naming(path, file.writeFile(text)),
    [Symbol.asyncDispose]: () => file.close(),
  }
}

async function naming<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error
    throw new BorgError('Error', [systemErrorText(error, path)], { cause: error })
  }
}
