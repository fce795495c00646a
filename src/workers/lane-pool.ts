/**
 * Which lanes there are, and which one is next.
 */
import { type Host, systemHost } from '../base/host.ts'
import { parseCompressionSpec } from '../compress/spec.ts'
import type { KeyMaterial } from '../crypto/key-material.ts'
import { InlineLane } from './inline-lane.ts'
import type { Lane } from './lane.ts'

export interface LaneOptions {
  /** 0: one lane on the caller's thread. */
  readonly threads: number
  /** Plaintext and stored bytes all lanes together may hold. */
  readonly byteLimit: number
  /** How new chunks are compressed (compress/spec.ts). */
  readonly compression: string
  /** Clock and entropy; absent: the machine's. */
  readonly host?: Pick<Host, 'randomBytes' | 'monotonicMs'> | undefined
}

export interface LanePool extends AsyncDisposable {
  /** Lanes that work at the same time. */
  readonly width: number
  /** Plaintext and stored bytes to have under way at most; who queues work for lanes keeps to it. */
  readonly byteLimit: number
  /** The lane to give the next piece of work. */
  next(): Lane
}

/** @throws BorgError 'CommandError' on a malformed compression; RangeError for threads, of which there are none yet. */
export async function openLanes(key: KeyMaterial, options: LaneOptions): Promise<LanePool> {
  if (options.threads !== 0)
    throw new RangeError(`lanes run on the caller's thread only, got threads ${options.threads}`)
  // Malformed specs fail here, although the compressor itself is loaded by the first chunk.
  parseCompressionSpec(options.compression)
  const lane = new InlineLane(key, options.compression, options.host ?? systemHost)
  return {
    width: 1,
    byteLimit: options.byteLimit,
    next: () => lane,
    async [Symbol.asyncDispose]() {},
  }
}
