/** Compiled kernels as callable functions. The modules are a few KiB of base64 in generated/, so loading is synchronous. */

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
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

const pageSize = 65536

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
