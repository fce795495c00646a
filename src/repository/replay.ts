/**
 * Reading the log back into a ledger: after the index files were lost, are behind, or are not trusted.
 * Source: format/repository.md §10.
 */
import type { SegmentNumber } from '../base/ids.ts'
import type { Ledger } from './ledger.ts'
import type { ScannedEntry } from './segment-scan.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import type { SegmentReader } from './segment-reader.ts'

/** How far the entries of a segment have been entered, kept when damage ends the replay: it can be taken up from there. */
export interface ReplayCursor {
  entered: number
}

/**
 * Enters one whole segment, from `cursor` on. `isThere` tells which segments still have a file.
 * @throws BorgError 'IntegrityError' at the first damage; what lies before it has been entered, and `cursor` says so.
 */
export async function replaySegment(
  ledger: Ledger,
  files: SegmentFiles,
  { segment, size }: SegmentFile,
  isThere: (segment: SegmentNumber) => boolean,
  cursor: ReplayCursor = { entered: 0 },
): Promise<void> {
  if (cursor.entered === 0) ledger.replayBegin(segment)
  let skip = cursor.entered
  for await (const entries of files.scan(segment, { keepData: false })) {
    for (const entry of entries) {
      if (skip > 0) {
        skip -= 1
        continue
      }
      replayEntry(ledger, segment, entry, isThere)
      cursor.entered += 1
    }
  }
  ledger.replayEnd(segment, size)
}

function replayEntry(
  ledger: Ledger,
  segment: SegmentNumber,
  { tag, id, offset, size }: ScannedEntry,
  isThere: (segment: SegmentNumber) => boolean,
): void {
  switch (tag) {
    case 'put':
      ledger.replayPut(id, { segment, offset }, size)
      break
    case 'delete':
      ledger.replayDelete(id, isThere)
      break
    case 'commit':
      break
  }
}

/** Looks up what compaction would free where the ledger knows only places; the entries must be readable. */
export async function measureSuperseded(ledger: Ledger, reader: SegmentReader): Promise<void> {
  for (const [segment, offsets] of [...ledger.unsized()]) {
    ledger.sized(segment, await reader.sizeOfEntries(segment, offsets))
  }
}

/** For hints of borg 1.0, which name sparse segments without saying how sparse (§7). */
export async function measureSparse(
  ledger: Ledger,
  files: SegmentFiles,
  segments: readonly SegmentNumber[],
): Promise<void> {
  for (const segment of segments) {
    const fileSize = await files.size(segment)
    if (fileSize === 0) ledger.forgetSegment(segment)
    else if (ledger.liveEntries(segment) === 0) ledger.setReclaimable(segment, fileSize)
    else ledger.setReclaimable(segment, await superfluousBytes(ledger, files, segment))
  }
}

async function superfluousBytes(ledger: Ledger, files: SegmentFiles, segment: SegmentNumber): Promise<number> {
  let bytes = 0
  for await (const entries of files.scan(segment, { keepData: false })) {
    for (const { tag, id, offset, size } of entries) {
      if (tag === 'delete') bytes += size
      if (tag !== 'put') continue
      const live = ledger.find(id)
      if (live?.segment !== segment || live.offset !== offset) bytes += size
    }
  }
  return bytes
}
