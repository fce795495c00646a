/** BLAKE2b-256 (RFC 7693) in WebAssembly: assembly/blake2b.gen.mjs, some 25 times the portable one. */
import { blake2bModule } from './generated/blake2b-module.ts'
import type { Blake2b256 } from './kernel.ts'
import { instantiateKernel, type KernelExports } from './wasm-instance.ts'

interface Exports extends KernelExports {
  readonly INPUT_AT: { readonly value: number }
  start(): void
  eat(size: number, total: bigint, last: boolean): void
}

/** Bytes handed over at a time, a multiple of the 128-byte block; small enough to stay in the cache. */
const stepSize = 128 * 1024
const digestSize = 32

let shared: { readonly kernel: Exports; readonly input: Uint8Array; readonly memory: Uint8Array } | undefined

export const blake2b256Wasm: Blake2b256 = (...parts) => {
  shared ??= load()
  const { kernel, input, memory } = shared
  kernel.start()
  let filled = 0
  let total = 0
  for (const part of parts) {
    let at = 0
    while (at < part.length) {
      // The last block is hashed differently, so a full step waits until more is known to come.
      if (filled === stepSize) {
        kernel.eat(stepSize, BigInt(total), false)
        total += stepSize
        filled = 0
      }
      const taken = Math.min(stepSize - filled, part.length - at)
      input.set(at === 0 && taken === part.length ? part : part.subarray(at, at + taken), filled)
      filled += taken
      at += taken
    }
  }
  kernel.eat(filled, BigInt(total), true)
  return memory.slice(0, digestSize)
}

function load(): NonNullable<typeof shared> {
  const kernel = instantiateKernel<Exports>(blake2bModule)
  const memory = new Uint8Array(kernel.memory.buffer)
  return { kernel, memory, input: memory.subarray(kernel.INPUT_AT.value, kernel.INPUT_AT.value + stepSize) }
}
