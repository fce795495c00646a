/**
 * What a chunker is, and the parameters that decide where it cuts.
 *
 * Light on purpose: the command line parses --chunker-params with it at start-up. Texts, limits and messages are borg's:
 * format/chunker sheet section 1, cli/common sheet section 15, fixtures/cli/misc-vectors.json.
 */
import { BorgError } from '../base/errors.ts'
import { dataSizeMax } from '../base/limits.ts'

export type ChunkerParams =
  | {
      readonly algorithm: 'buzhash'
      /** Chunks have 2^minExponent to 2^maxExponent bytes, 2^maskBits on average beyond the minimum. */
      readonly minExponent: number
      readonly maxExponent: number
      readonly maskBits: number
      /** Bytes after a border that decide whether it is one. */
      readonly windowSize: number
    }
  | { readonly algorithm: 'fixed'; readonly blockSize: number; readonly headerSize: number }

/** A cut. `bytes` is a view, valid until its chunker is asked for the next one; zeros carry no bytes. */
export type Chunk =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'zeros'; readonly size: number }

/**
 * A pure state machine: give it bytes in pieces of any size, cuts depend only on content. Bytes come in by `push`
 * (copied) or, sparing the copy, by reading into `reserve()` and saying how many came with `accept`.
 *
 * `push`, `accept` and `finish` are lazy: iterate each to its end before the next call.
 */
export interface Chunker {
  /** Room to read into, never empty, valid until the next call. */
  reserve(): Uint8Array
  /** `size` bytes were written to the beginning of what `reserve` gave last. */
  accept(size: number): Iterable<Chunk>
  /** `block` is only read, and not kept. */
  push(block: Uint8Array): Iterable<Chunk>
  /** The input is over. Afterwards the chunker is as new. */
  finish(): Iterable<Chunk>
  /** Forgets an unfinished input. Afterwards the chunker is as new. */
  reset(): void
}

export const defaultChunkerParams: ChunkerParams = {
  algorithm: 'buzhash',
  minExponent: 19,
  maxExponent: 23,
  maskBits: 21,
  windowSize: 4095,
}

/** How the stream of item metadata is cut, whatever the file content's parameters are. */
export const itemChunkerParams: ChunkerParams = {
  algorithm: 'buzhash',
  minExponent: 15,
  maxExponent: 19,
  maskBits: 17,
  windowSize: 4095,
}

/**
 * @throws BorgError 'CommandError' whose only argument is what borg prints behind "argument --chunker-params: ".
 */
export function parseChunkerParams(text: string): ChunkerParams {
  const words = text.trim().split(',')
  const algorithm = words[0]?.toLowerCase()
  if (algorithm === 'default' && words.length === 1) return defaultChunkerParams
  if (algorithm === 'fixed' && (words.length === 2 || words.length === 3)) {
    const [blockSize = 0, headerSize = 0] = integers(words.slice(1), text)
    return checked({ algorithm, blockSize, headerSize })
  }
  if (algorithm === 'buzhash' && words.length === 5) return checked(buzhashParams(integers(words.slice(1), text)))
  // Before borg 1.2 there was one algorithm, and no word for it.
  if (words.length === 4) return checked(buzhashParams(integers(words, text)))
  throw refusal('invalid chunker params')
}

/** 'buzhash,19,23,21,4095', 'fixed,4194304,0'. */
export function formatChunkerParams(params: ChunkerParams): string {
  return chunkerParamsFields(params).join(',')
}

/** As archives store them and JSON shows them: ['buzhash', 19, 23, 21, 4095], ['fixed', 4194304, 0]. */
export function chunkerParamsFields(params: ChunkerParams): readonly (string | number)[] {
  switch (params.algorithm) {
    case 'buzhash':
      return [params.algorithm, params.minExponent, params.maxExponent, params.maskBits, params.windowSize]
    case 'fixed':
      return [params.algorithm, params.blockSize, params.headerSize]
  }
}

/**
 * Reads what `chunkerParamsFields` gives, and the four numbers of archives older than borg 1.2. Limits are not checked:
 * an archive may have been made by a version that had others. Undefined when the fields are not chunker parameters.
 */
export function chunkerParamsFromFields(fields: readonly unknown[]): ChunkerParams | undefined {
  const [first, ...rest] = fields
  const numbers = (typeof first === 'number' ? fields : rest).filter((field) => typeof field === 'number')
  const named = typeof first === 'number' ? 'buzhash' : first
  if (numbers.length !== fields.length - (typeof first === 'number' ? 0 : 1)) return undefined
  if (named === 'buzhash' && numbers.length === 4) return buzhashParams(numbers)
  const [blockSize, headerSize] = numbers
  if (named === 'fixed' && numbers.length === 2 && blockSize !== undefined && headerSize !== undefined) {
    return { algorithm: named, blockSize, headerSize }
  }
  return undefined
}

/** Whether the same content is cut at the same places (given the same seed). */
export function sameChunkerParams(a: ChunkerParams, b: ChunkerParams): boolean {
  return formatChunkerParams(a) === formatChunkerParams(b)
}

/** What is wrong with `params`, in borg's words where borg has some; undefined when a chunker can be made of them. */
export function chunkerParamsProblem(params: ChunkerParams): string | undefined {
  if (params.algorithm === 'fixed') {
    const { blockSize, headerSize } = params
    if (blockSize < 64) return 'block_size must not be less than 64 Bytes'
    if (blockSize > dataSizeMax || headerSize > dataSizeMax) {
      return `block_size and header_size must not exceed MAX_DATA_SIZE [${dataSizeMax}]`
    }
    return headerSize < 0 ? 'header_size must not be negative' : undefined
  }
  const { minExponent, maxExponent, maskBits, windowSize } = params
  if (!(minExponent <= maskBits && maskBits <= maxExponent)) {
    return 'required: chunk_min <= chunk_mask <= chunk_max'
  }
  if (minExponent < 6) return 'min. chunk size exponent must not be less than 6 (2^6 = 64B min. chunk size)'
  if (maxExponent > 23) return 'max. chunk size exponent must not be more than 23 (2^23 = 8MiB max. chunk size)'
  if (windowSize % 2 === 0) return 'window_size must be an uneven (odd) number'
  return windowProblem(params)
}

/** What borg finds out only when it starts to cut. */
function windowProblem(params: ChunkerParams & { readonly algorithm: 'buzhash' }): string | undefined {
  const { minExponent, maxExponent, windowSize } = params
  if (windowSize < 1) return 'window_size must be positive'
  if (windowSize + 2 ** minExponent + 1 > 2 ** maxExponent) return 'required: window_size + 2^chunk_min < 2^chunk_max'
  return undefined
}

function checked(params: ChunkerParams): ChunkerParams {
  const problem = chunkerParamsProblem(params)
  if (problem !== undefined) throw refusal(problem)
  return params
}

function buzhashParams(numbers: readonly number[]): ChunkerParams {
  const [minExponent = 0, maxExponent = 0, maskBits = 0, windowSize = 0] = numbers
  return { algorithm: 'buzhash', minExponent, maxExponent, maskBits, windowSize }
}

/** Python's int(): blanks around, a sign and single underscores between digits are fine. */
function integers(words: readonly string[], text: string): number[] {
  return words.map((word) => {
    const digits = word.trim()
    if (!/^[+-]?\d+(?:_\d+)*$/.test(digits)) throw refusal(`invalid ChunkerParams value: '${text}'`)
    return Number(digits.replaceAll('_', ''))
  })
}

function refusal(reason: string): BorgError {
  return new BorgError('CommandError', [reason])
}
