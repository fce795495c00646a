/**
 * Chunks into a file; with --sparse, chunks of zeros become holes.
 *
 * Source: format/objects.md §6 "Sparse files".
 */
import { isAllZero } from '../chunker/zeros.ts'
import { during } from '../base/errno.ts'
import type { OutputFile } from '../platform/file-system.ts'

/**
 * Writes `content` and returns its size in bytes. The file's end is not set before `finish`.
 * @param fileName for error texts
 * @throws FileProblem with operation 'write'; errors of `content` itself pass through untouched, they are the repository's
 */
export async function writeContent(
  output: OutputFile,
  content: AsyncIterable<Uint8Array>,
  options: { readonly sparse: boolean; readonly fileName: string },
): Promise<number> {
  let size = 0
  for await (const plain of content) {
    if (options.sparse && isAllZero(plain)) output.skip(plain.length)
    else during('write', options.fileName, () => output.write(plain))
    size += plain.length
  }
  return size
}
