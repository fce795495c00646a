/**
 * 'auto,X': a quick lz4 says whether the slow X is worth trying. Source: format/objects sheet section 1.
 */
import type { Compressor } from './compressor.ts'

/** At this share of the plain payload or above, a chunk counts as incompressible. */
const tryRatio = 0.97
/** The expensive result must be smaller than this share of the cheap one to be stored. */
const worthRatio = 0.99

/** `quick` is lz4 with its fallback to none. */
export function makeAuto(spec: string, quick: Compressor, inner: Compressor): Compressor {
  const innerCanWin = inner.spec !== 'lz4' && inner.spec !== 'none'
  return {
    spec,
    compress(plain) {
      const cheap = quick.compress(plain)
      // Divisions as borg does them, so that the borders fall on the same sizes.
      if (!innerCanWin || cheap.length / (plain.length + 2) >= tryRatio) return cheap
      const expensive = inner.compress(plain)
      return expensive.length / cheap.length < worthRatio ? expensive : cheap
    },
    storedSizeMax: (plainSize) => Math.max(quick.storedSizeMax(plainSize), inner.storedSizeMax(plainSize)),
  }
}
