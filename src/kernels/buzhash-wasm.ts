/** The buzhash scan in WebAssembly: assembly/buzhash.ts. The bytes are copied in, a block at a time. */
import { buzhashModule } from './generated/buzhash-module.ts'
import type { BuzhashScan } from './kernel.ts'
import { growTo, instantiateKernel, type KernelExports } from './wasm-instance.ts'

interface Exports extends KernelExports {
  readonly DATA_AT: { readonly value: number }
  turnTable(window: number): void
  scan(start: number, window: number, mask: number, from: number, to: number): number
  hashNow(): number
}

/** Bytes scanned per call into the module: small enough for the cache, large against the window copied with them. */
const blockSize = 256 * 1024

let kernel: Exports | undefined
let bytesView = new Uint8Array(0)
let tableView = new Uint32Array(0)

export const buzhashScanWasm: BuzhashScan = (state, table, window, mask, bytes, from, to) => {
  if (from < window || to > bytes.length) {
    throw new RangeError(
      `buzhash scan of [${from}, ${to}) needs ${window} bytes before it and has ${bytes.length} in all`,
    )
  }
  kernel ??= instantiateKernel<Exports>(buzhashModule)
  const dataAt = kernel.DATA_AT.value
  makeRoom(kernel, dataAt + window + Math.min(blockSize, Math.max(0, to - from)))
  tableView.set(table)
  kernel.turnTable(window)
  for (let at = from; at < to; at += blockSize) {
    const end = Math.min(to, at + blockSize)
    bytesView.set(bytes.subarray(at - window, end), dataAt)
    const first = dataAt + window
    const found = kernel.scan(state[0]!, window, mask, first, first + end - at)
    state[0] = kernel.hashNow()
    if (found !== 0) return at + found - first
  }
  return -1
}

function makeRoom({ memory }: Exports, size: number): void {
  growTo(memory, size)
  if (bytesView.buffer === memory.buffer) return
  bytesView = new Uint8Array(memory.buffer)
  tableView = new Uint32Array(memory.buffer, 0, 256)
}
