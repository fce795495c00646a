/**
 * A key as numbered lines of hex with checksums: to be printed, and typed in again.
 *
 *   id: <lines> / <18 hex of the repository id> / <12 hex of SHA-256 of the key> - <2 hex of SHA-256 of "lines/id/sum">
 *    1: <18 bytes in hex, a blank after every 6 digits> - <2 hex of SHA-256 of u16be line number and the bytes>
 *
 * Facts: format sheet crypto.md section 6, CLI contract commands.md section 12, fixtures/vectors/key-export.json; what
 * borg complains about in which order was tried out with borg 1.2.4.
 */
import { concatBytes, dataView, fromHex, toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'
import { sha256 } from '../kernels/sha2.ts'
import { keyBlobText } from './key-blob.ts'

const lineSize = 18
const header = 'To restore key use borg key import --paper /path/to/repo\n\nBORG PAPER KEY v1\n'

/** The whole page, ending in a newline. `blob` is the decoded key (`keyBlobBytes`). */
export function paperKeyText(repositoryId: ObjectId, blob: Uint8Array): string {
  const lineCount = Math.ceil(blob.length / lineSize)
  const id = idPart(repositoryId)
  const sum = checksumPart(blob)
  const check = idLineSum(`${lineCount}/${id}/${sum}`)
  let text = `${header}id: ${lineCount} / ${grouped(id)} / ${grouped(sum)} - ${check}\n`
  for (let number = 1; number <= lineCount; number++) {
    const bytes = blob.subarray((number - 1) * lineSize, number * lineSize)
    text += `${linePrompt(number)}${grouped(toHex(bytes))} - ${lineSum(number, bytes)}\n`
  }
  return text
}

/**
 * Takes the lines of a paper key as somebody types them: show `prompt`, `feed` the answer, until `blob` is there.
 * Nothing is asked, read or printed here.
 */
export class PaperKeyReader {
  readonly #repositoryId: ObjectId
  #expected: { readonly lineCount: number; readonly sum: string } | undefined
  #lines: Uint8Array[] = []
  #blob: string | undefined

  constructor(repositoryId: ObjectId) {
    this.#repositoryId = repositoryId
  }

  /** What to show before the next line. */
  get prompt(): string {
    return this.#expected === undefined ? 'id: ' : linePrompt(this.#lines.length + 1)
  }

  /** The text form of the key, once every line is there and they match. */
  get blob(): string | undefined {
    return this.#blob
  }

  /**
   * Undefined when the line was taken, otherwise borg's complaint, to show before `prompt` is shown again.
   * @throws BorgError 'RepoIdMismatch' when the paper belongs to another repository.
   */
  feed(line: string): string | undefined {
    const [data, sum, ...more] = line.replaceAll(' ', '').split('-')
    if (data === undefined || sum === undefined || more.length > 0) {
      return "each line must contain exactly one '-', try again"
    }
    return this.#expected === undefined ? this.#feedIdLine(data, sum) : this.#feedDataLine(data, sum)
  }

  #feedIdLine(data: string, sum: string): string | undefined {
    const [count, id, checksum, ...more] = data.split('/')
    if (count === undefined || id === undefined || checksum === undefined || more.length > 0) {
      return "the id line must contain exactly two '/', try again"
    }
    if (idLineSum(data) !== sum) return 'line checksum did not match, try same line again'
    if (id !== idPart(this.#repositoryId)) throw new BorgError('RepoIdMismatch', [])
    const lineCount = /^\d{1,5}$/.test(count) ? Number(count) : 0
    if (lineCount === 0) return 'internal error while parsing length'
    this.#expected = { lineCount, sum: checksum }
    return undefined
  }

  #feedDataLine(data: string, sum: string): string | undefined {
    const complaint = data.length % 2 !== 0 ? 'Odd-length string' : 'Non-hexadecimal digit found'
    if (data.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(data)) {
      return `only characters 0-9 and a-f and '-' are valid, try again [${complaint}]`
    }
    const bytes = fromHex(data)
    const number = this.#lines.length + 1
    if (lineSum(number, bytes) !== sum) return `line checksum did not match, try line ${number} again`
    this.#lines.push(bytes)
    return number === this.#expected?.lineCount ? this.#finish() : undefined
  }

  #finish(): string | undefined {
    const blob = concatBytes(...this.#lines)
    const matches = checksumPart(blob) === this.#expected?.sum
    this.#expected = undefined
    this.#lines = []
    if (!matches) return 'The overall checksum did not match, retry or enter a blank line to abort.'
    this.#blob = keyBlobText(blob)
    return undefined
  }
}

function linePrompt(number: number): string {
  return `${String(number).padStart(2)}: `
}

function idPart(repositoryId: ObjectId): string {
  return toHex(repositoryId).slice(0, 18)
}

function checksumPart(blob: Uint8Array): string {
  return toHex(sha256(blob)).slice(0, 12)
}

function idLineSum(line: string): string {
  return toHex(sha256(encodeText(line))).slice(0, 2)
}

function lineSum(number: number, bytes: Uint8Array): string {
  const prefix = new Uint8Array(2)
  dataView(prefix).setUint16(0, number)
  return toHex(sha256(prefix, bytes)).slice(0, 2)
}

function grouped(digits: string): string {
  return digits.replace(/.{6}(?=.)/g, '$& ')
}
