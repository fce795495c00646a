/** The rolling-hash scan over 8 MiB, no border found and borders as borg's defaults find them. */
import { buzhash } from '../../src/kernels/buzhash.ts'
import { buzhashScanPortable } from '../../src/kernels/buzhash-portable.ts'
import { buzhashScanWasm } from '../../src/kernels/buzhash-wasm.ts'
import type { BuzhashScan } from '../../src/kernels/kernel.ts'
import { random, text } from '../support/corpus.ts'
import { race } from '../support/table.ts'

const window = 4095
const size = 8 * 1024 * 1024
const variants: Readonly<Record<string, BuzhashScan>> = { wasm: buzhashScanWasm, portable: buzhashScanPortable }

main()

async function main(): Promise<void> {
  const table = new Uint32Array(random(1024, 5).slice().buffer)
  for (const [name, bytes] of Object.entries({ random: random(size), text: text(size) })) {
    for (const maskBits of [21, 12]) {
      const mask = 2 ** maskBits - 1
      const expected = countBorders(buzhashScanPortable, table, mask, bytes)
      const contenders = Object.entries(variants).map(([variant, scan]) => ({
        name: variant,
        bytes: size,
        run: () => countBorders(scan, table, mask, bytes),
        check: (count: number) => {
          if (count !== expected) throw new Error(`${variant}: ${count} borders, not ${expected}`)
        },
      }))
      await race(`buzhash scan, ${name}, mask of ${maskBits} bits, ${expected} borders`, contenders)
    }
  }
}

function countBorders(scan: BuzhashScan, table: Uint32Array, mask: number, bytes: Uint8Array): number {
  const state = Uint32Array.of(buzhash(table, bytes.subarray(0, window)))
  let borders = 0
  for (let at = window; at >= 0 && at < bytes.length; borders++) {
    at = scan(state, table, window, mask, bytes, at, bytes.length)
  }
  return borders
}
