/** Compiled kernels as callable functions. The modules are a few KiB of base64 in generated/, so loading is synchronous. */
import { BorgError } from '../base/errors.ts'

/** What every kernel module exports besides its functions. */
export interface KernelExports {
  readonly memory: KernelMemory
}

/** A WebAssembly.Memory, as far as it is used here. Growing it detaches every view made before. */
export interface KernelMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** Neither the `es2023` library nor the types of Node 20 declare this global; every Node has it. */
interface WasmEngine {
  readonly validate: (bytes: Uint8Array) => boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

const pageSize = 65536

/** The smallest module with a vector instruction in it: one function, `i8x16.popcnt(i8x16.splat(0))`. */
const vectorModule = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
)

/**
 * Whether this process may run the compiled kernels. Not with --jitless, which services that forbid memory both writable
 * and executable need (systemd's MemoryDenyWriteExecute), and not on processors without vectors. Pickers then take a
 * portable variant.
 */
export const runsWasm: boolean =
  (globalThis as { readonly WebAssembly?: WasmEngine }).WebAssembly?.validate(vectorModule) ?? false

/** For algorithms that have no other variant. A refusal to start, so that nobody takes it for damaged data. */
export function requireWasm(algorithm: string): void {
  if (!runsWasm) throw new BorgError('Error', [`${algorithm} needs WebAssembly, which this process cannot run.`])
}

/**
 * Compiles and starts a module; well under a millisecond. One instance serves one thread: keep it, do not share it.
 * `Exports` is the caller's word for what the AssemblyScript source beside it exports.
 */
export function instantiateKernel<Exports extends KernelExports>(base64: string): Exports {
  const { WebAssembly: engine } = globalThis as unknown as { readonly WebAssembly: WasmEngine }
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return new engine.Instance(new engine.Module(bytes), {}).exports as Exports
}

/** Makes `memory` at least `size` bytes. */
export function growTo(memory: KernelMemory, size: number): void {
  const missing = size - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / pageSize))
}
