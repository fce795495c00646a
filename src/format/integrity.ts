/**
 * Digests of index, hints and cache files, and the JSON line that carries them.
 *
 *   {"algorithm": "XXH64", "digests": {"HashHeader": "<16 hex>", "final": "<16 hex>"}}
 *
 * One running XXH64 over: length and text of the file's final name, then its bytes; at the end of each named part the
 * length and text of the part's name and the position as decimal text. Lengths are decimal, right-aligned in ten columns.
 * Source: format sheet repository.md §8; fixtures/vectors/checksums.json.
 */
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { encodeText } from '../base/text.ts'
import { xxh64Stream } from '../kernels/xxh64.ts'
import { stringifyPython } from './python-json.ts'

/** A stretch of the file, from the end of the part before, with a digest of its own. */
export interface FilePart {
  readonly name: string
  /** Offset just past the part, in bytes. */
  readonly end: number
}

/** The parts of a hash index file; the rest is the `final` part that every file has. */
export const hashIndexParts: readonly FilePart[] = [{ name: 'HashHeader', end: 18 }]

/** What a file is called when it is in place (not its temporary name), its bytes, and its parts before the final one. */
export interface CheckedFile {
  readonly name: string
  readonly bytes: Uint8Array
  readonly parts?: readonly FilePart[] | undefined
}

/** Digests a file while it is written piece by piece. */
export class FileDigest {
  readonly #hash = xxh64Stream()
  readonly #digests: Record<string, string> = {}
  #position = 0

  constructor(name: string) {
    this.#labelled(name)
  }

  write(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#position += bytes.length
  }

  endPart(name: string): void {
    this.#labelled(name)
    this.#hash.update(encodeText(String(this.#position)))
    this.#digests[name] = toHex(this.#hash.digest())
  }

  /** Ends the final part; digests by part name, in order. */
  finish(): Readonly<Record<string, string>> {
    this.endPart('final')
    return this.#digests
  }

  #labelled(text: string): void {
    const bytes = encodeText(text)
    this.#hash.update(encodeText(String(bytes.length).padStart(10)))
    this.#hash.update(bytes)
  }
}

/** The JSON line for digests made by `FileDigest`. */
export function formatIntegrity(digests: Readonly<Record<string, string>>): string {
  return stringifyPython({ algorithm: 'XXH64', digests })
}

/** The JSON line for a file. */
export function integrityOf(file: CheckedFile): string {
  return formatIntegrity(digestsOf(file))
}

/**
 * True when every part's digest is as `integrity` says; false when it names an algorithm we cannot compute, so that nothing
 * was verified and the caller should warn.
 * @throws BorgError 'FileIntegrityError' (with `path`, by default the file's name) on any difference or malformed JSON.
 */
export function verifyIntegrity(file: CheckedFile, integrity: string, path = file.name): boolean {
  const expected = parseIntegrity(integrity)
  if (expected === undefined) throw new BorgError('FileIntegrityError', [path])
  if (expected.algorithm !== 'XXH64') return false
  const found = digestsOf(file)
  for (const [name, digest] of Object.entries(found)) {
    if (expected.digests.get(name) !== digest) throw new BorgError('FileIntegrityError', [path])
  }
  return true
}

function digestsOf({ name, bytes, parts = [] }: CheckedFile): Readonly<Record<string, string>> {
  const digest = new FileDigest(name)
  let start = 0
  for (const part of parts) {
    digest.write(bytes.subarray(start, part.end))
    digest.endPart(part.name)
    start = part.end
  }
  digest.write(bytes.subarray(start))
  return digest.finish()
}

function parseIntegrity(text: string): { algorithm: string; digests: ReadonlyMap<string, unknown> } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (!('algorithm' in value) || typeof value.algorithm !== 'string') return undefined
  if (!('digests' in value) || typeof value.digests !== 'object' || value.digests === null) return undefined
  return { algorithm: value.algorithm, digests: new Map(Object.entries(value.digests)) }
}
