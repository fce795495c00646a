/** From parameters to a chunker. */
import { BorgError } from '../base/errors.ts'
import { BuzhashChunker } from './buzhash-chunker.ts'
import { type Chunker, type ChunkerParams, chunkerParamsProblem } from './chunker.ts'
import { FixedChunker } from './fixed-chunker.ts'

/**
 * `seed` is the key's chunk seed (buzhash only). A chunker serves one input after the other, not two at a time.
 * @throws BorgError 'CommandError' when no chunker can be made of `params`.
 */
export function makeChunker(params: ChunkerParams, seed: number): Chunker {
  const problem = chunkerParamsProblem(params)
  if (problem !== undefined) throw new BorgError('CommandError', [problem])
  return params.algorithm === 'buzhash' ? new BuzhashChunker(params, seed) : new FixedChunker(params)
}
