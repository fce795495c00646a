/** The rolling hash that finds chunk borders. The table (base xor seed) is the chunker's. */
import { buzhashPortable, buzhashScanPortable } from './buzhash-portable.ts'
import { buzhashScanWasm } from './buzhash-wasm.ts'
import type { Buzhash, BuzhashScan } from './kernel.ts'
import { runsWasm } from './wasm-instance.ts'

export const buzhash: Buzhash = buzhashPortable
export const buzhashScan: BuzhashScan = runsWasm ? buzhashScanWasm : buzhashScanPortable
