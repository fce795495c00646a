import type { KeyMaterial } from '../crypto/key-material.ts'
import type { Lane } from './lane.ts'

/** 0 threads: one inline lane. Memory held by all lanes together stays under `byteLimit`. */
export interface LaneOptions {
  readonly threads: number
  readonly byteLimit: number
  readonly compression: string
}
export interface LanePool extends AsyncDisposable {
  readonly width: number
  next(): Lane
}
export declare function openLanes(key: KeyMaterial, options: LaneOptions): Promise<LanePool>
