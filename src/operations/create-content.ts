/**
 * The content of one file, with what a checkpoint in the middle of it leaves behind.
 *
 * When a checkpoint falls into a file, the chunks so far become an item of their own ("part"), so that the checkpoint is a
 * whole archive. The finished file then refers to all chunks again. Source: format sheet objects.md section 8.
 */
import type { ArchiveWriter } from '../archive/archive-writer.ts'
import { type ChunkRef, type Item, sumSizes } from '../archive/item.ts'
import type { Statistics } from '../archive/statistics.ts'
import type { RunOptions } from '../base/events.ts'
import type { EventLoopTurns } from '../base/flow.ts'
import { itemPath } from '../base/ids.ts'
import type { ChunkWriter } from '../dedup/chunk-writer.ts'
import { asFileProblem } from '../base/errno.ts'
import { isSourceReadError } from '../workers/source-read-error.ts'
import type { Checkpoints } from './checkpoint.ts'
import type { CreateProgress } from './create-progress.ts'

export interface ContentContext {
  readonly chunks: ChunkWriter
  readonly archive: ArchiveWriter
  readonly checkpoints: Checkpoints
  readonly statistics: Statistics
  /** What part items refer to, which archives count apart. */
  readonly parts: Statistics
  readonly progress: CreateProgress
  readonly turns: EventLoopTurns
  readonly run: RunOptions
}

export interface Content {
  /** References as the chunk writer gives them, each counted already. */
  readonly chunks: AsyncIterable<ChunkRef>
  /** The bare name, for error texts. */
  readonly fileName: string | undefined
  /** Bytes, if known beforehand. */
  readonly size: number | undefined
}

/**
 * Stores the content of `item` and gives its chunks. `item` is what is known of it so far.
 * @throws FileProblem when the file cannot be read: nothing of it then counts as referenced.
 */
export async function storeContent(
  content: Content,
  item: Item,
  context: ContentContext,
): Promise<readonly ChunkRef[]> {
  const { chunks, checkpoints, turns, progress, run } = context
  const refs: ChunkRef[] = []
  let partCount = 0
  let inParts = 0
  let bytes = 0
  const writePart = async (): Promise<void> => {
    partCount += 1
    await context.archive.add(partItem(item, refs.slice(inParts), partCount))
    inParts = refs.length
  }
  try {
    for await (const ref of content.chunks) {
      refs.push(ref)
      // Files may be larger than the patience of whoever wants to end this.
      run.signal?.throwIfAborted()
      progress.show(item.path)
      bytes += ref.size
      run.onPosition?.({ path: item.path, bytes, size: content.size })
      if (checkpoints.due()) {
        await writePart()
        await checkpoints.save()
      }
      await turns.take()
    }
  } catch (error) {
    if (!isSourceReadError(error)) throw error
    // Nobody will refer to the chunks of a file that failed half way.
    await chunks.release(refs.slice(inParts))
    throw asFileProblem('read', content.fileName, error.cause)
  }
  if (partCount > 0) {
    if (inParts < refs.length) await writePart()
    chunks.reuse(
      refs.map((ref) => ref.id),
      context.parts,
    )
    context.parts.files += partCount
  }
  return refs
}

function partItem(item: Item, chunks: readonly ChunkRef[], part: number): Item {
  return { ...item, path: itemPath(`${item.path}.borg_part_${part}`), part, chunks, size: sumSizes(chunks) }
}
