import type { Statistics } from '../archive/statistics.ts'

/** A fresh count; sizes in bytes. */
export function zeroStatistics(): Statistics {
  return { originalSize: 0, compressedSize: 0, deduplicatedSize: 0, files: 0 }
}
