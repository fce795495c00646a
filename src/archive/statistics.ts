/** Totals in bytes; `deduplicatedSize` counts only chunks this run added. */
export interface Statistics {
  originalSize: number
  compressedSize: number
  deduplicatedSize: number
  files: number
}
