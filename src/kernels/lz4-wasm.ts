/** LZ4 raw blocks in WebAssembly: assembly/lz4.ts. */
import { lz4Module } from './generated/lz4-module.ts'
import type { BlockCodec } from './kernel.ts'
import { growTo, instantiateKernel, type KernelExports } from './wasm-instance.ts'

interface Exports extends KernelExports {
  readonly TABLE_SIZE: { readonly value: number }
  readonly SLACK: { readonly value: number }
  compress(input: number, size: number, out: number): number
  decompress(input: number, size: number, out: number, capacity: number): number
}

/** Memory only grows; past this much the instance is given up after the call. Chunks of 8 MiB stay below. */
const keptSizeMax = 20 * 1024 * 1024
const tooLarge = -2

let kept: Exports | undefined

export const lz4Wasm: BlockCodec = {
  compress(plain) {
    const kernel = kernelWithRoom(plain.length + compressedSizeMax(plain.length))
    const { input, out } = layInput(kernel, plain)
    const size = kernel.compress(input, plain.length, out)
    return takeOutput(kernel, out, size)
  },

  decompress(body, maxSize) {
    // Most chunks shrink to no less than a quarter; try with that before making room for the worst case.
    let capacity = Math.min(maxSize, Math.max(4 * body.length, 64 * 1024))
    for (;;) {
      const kernel = kernelWithRoom(body.length + capacity)
      const { input, out } = layInput(kernel, body)
      const size = kernel.decompress(input, body.length, out, capacity)
      if (size >= 0) return takeOutput(kernel, out, size)
      if (size !== tooLarge)
        throw new Error(size === -1 ? 'lz4: block is truncated' : 'lz4: match reaches before the start')
      if (capacity >= maxSize) throw new Error(`lz4: more than the expected ${maxSize} bytes come out`)
      capacity = Math.min(maxSize, 8 * capacity)
    }
  },
}

function compressedSizeMax(size: number): number {
  return size + Math.ceil(size / 255) + 16
}

function kernelWithRoom(size: number): Exports {
  kept ??= instantiateKernel<Exports>(lz4Module)
  growTo(kept.memory, kept.TABLE_SIZE.value + size + 2 * kept.SLACK.value)
  return kept
}

/** Copies `bytes` behind the hash table; the output goes behind them. */
function layInput(kernel: Exports, bytes: Uint8Array): { readonly input: number; readonly out: number } {
  const input = kernel.TABLE_SIZE.value
  new Uint8Array(kernel.memory.buffer, input, bytes.length).set(bytes)
  return { input, out: input + bytes.length + kernel.SLACK.value }
}

function takeOutput(kernel: Exports, out: number, size: number): Uint8Array {
  const result = new Uint8Array(kernel.memory.buffer).slice(out, out + size)
  if (kernel.memory.buffer.byteLength > keptSizeMax) kept = undefined
  return result
}
