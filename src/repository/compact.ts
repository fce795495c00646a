import type { Report } from '../base/events.ts'
import type { SegmentNumber } from '../base/ids.ts'
import type { Ledger } from './ledger.ts'
import type { SegmentLog } from './segment-log.ts'

/** Pure: which segments are worth rewriting, ascending. */
export declare function planCompaction(
  reclaimable: ReadonlyMap<SegmentNumber, number>,
  sizes: ReadonlyMap<SegmentNumber, number>,
  threshold: number,
): readonly SegmentNumber[]
/** Copies live entries forward; removes a segment only after the commit that replaces it is sealed (§8). */
export declare function runCompaction(
  plan: readonly SegmentNumber[],
  log: SegmentLog,
  ledger: Ledger,
  indexTransaction: SegmentNumber | undefined,
  report: Report,
): Promise<{ bytesFreed: number }>
