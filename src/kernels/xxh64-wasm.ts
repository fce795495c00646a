/** XXH64 with its stripes in WebAssembly: assembly/xxh64.ts. */
import { xxh64Module } from './generated/xxh64-module.ts'
import type { Xxh64, Xxh64Stream } from './kernel.ts'
import { instantiateKernel, type KernelExports } from './wasm-instance.ts'
import { xxh64Over } from './xxh64-stream.ts'

interface Exports extends KernelExports {
  readonly INPUT_AT: { readonly value: number }
  stripes(size: number): void
}

/** Bytes handed over at a time, a multiple of the 32-byte stripe. */
const stepSize = 128 * 1024

let shared: { readonly kernel: Exports; readonly lanes: BigUint64Array; readonly input: Uint8Array } | undefined

export const xxh64Wasm: Xxh64 = (...parts) => {
  const stream = xxh64StreamWasm()
  for (const part of parts) stream.update(part)
  return stream.digest()
}

export function xxh64StreamWasm(): Xxh64Stream {
  return xxh64Over(eatStripes)
}

function eatStripes(lanes: BigUint64Array, bytes: Uint8Array): void {
  shared ??= load()
  // The instance serves all streams of this thread: lanes go in and come out.
  shared.lanes.set(lanes)
  for (let at = 0; at < bytes.length; at += stepSize) {
    const step = bytes.subarray(at, at + stepSize)
    shared.input.set(step)
    shared.kernel.stripes(step.length)
  }
  lanes.set(shared.lanes)
}

function load(): NonNullable<typeof shared> {
  const kernel = instantiateKernel<Exports>(xxh64Module)
  const { buffer } = kernel.memory
  return {
    kernel,
    lanes: new BigUint64Array(buffer, 0, 4),
    input: new Uint8Array(buffer, kernel.INPUT_AT.value, stepSize),
  }
}
