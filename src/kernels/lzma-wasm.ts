/**
 * LZMA both ways in WebAssembly (assembly/lzma*.ts), and the containers around it: .xz is written and read, the older
 * "alone" form (.lzma: properties, u32 dictionary size, u64 plain size or all ones, raw LZMA) only read.
 */
import { equalBytes } from '../base/bytes.ts'
import { crc32 } from './crc32.ts'
import { lzmaModule } from './generated/lzma-module.ts'
import type { BlockCodec } from './kernel.ts'
import { sha256 } from './sha2.ts'
import { growTo, instantiateKernel, type KernelExports } from './wasm-instance.ts'
import { isXz, unwrapXz, wrapXz, xzCheck, type XzBlock } from './xz-container.ts'

interface Exports extends KernelExports {
  modelSize(): number
  tablesSize(hashBits: number, windowBits: number): number
  encode(
    at: number,
    size: number,
    out: number,
    tables: number,
    hashBits: number,
    windowBits: number,
    depth: number,
    nice: number,
  ): number
  decodeLzma(input: number, inputSize: number, out: number, capacity: number, size: number, properties: number): number
  decodeLzma2(input: number, inputSize: number, out: number, capacity: number): number
  inputEnd(): number
  crc64(at: number, size: number): bigint
}

/** Window (log2), how many candidates are tried, and the match length that ends the search. Grows as xz's presets do. */
const levels = [
  { windowBits: 18, depth: 4, nice: 64 },
  { windowBits: 20, depth: 8, nice: 128 },
  { windowBits: 21, depth: 24, nice: 273 },
  { windowBits: 22, depth: 48, nice: 273 },
  { windowBits: 22, depth: 64, nice: 273 },
  { windowBits: 23, depth: 80, nice: 273 },
  { windowBits: 23, depth: 96, nice: 273 },
  { windowBits: 24, depth: 128, nice: 273 },
  { windowBits: 24, depth: 256, nice: 273 },
  { windowBits: 24, depth: 512, nice: 273 },
] as const

const aloneHeaderSize = 13
const unknownSize = 0xffff_ffff_ffff_ffffn
/** Bytes that reading or copying in whole words may touch past an end. */
const slack = 64
/** Memory only grows; past this much the instance is given up after the call. */
const keptSizeMax = 64 * 1024 * 1024

let kept: Exports | undefined

export const lzmaWasm: BlockCodec = {
  compress(plain, level) {
    const settings = levels[level]
    if (settings === undefined) throw new RangeError(`lzma level must be 0..9, got ${level}`)
    const windowBits = Math.min(settings.windowBits, bitsFor(plain.length))
    const hashBits = Math.min(20, bitsFor(plain.length))
    const kernel = instance()
    const input = alignedUp(kernel.modelSize())
    const tables = alignedUp(input + plain.length + slack)
    const out = tables + kernel.tablesSize(hashBits, windowBits)
    growTo(kernel.memory, out + packedSizeMax(plain.length))
    lay(kernel, plain, input)
    const size = kernel.encode(input, plain.length, out, tables, hashBits, windowBits, settings.depth, settings.nice)
    const packed = take(kernel, out, size)
    requireSame(kernel, packed, plain)
    release(kernel)
    return wrapXz(packed, plain.length, windowBits)
  },

  decompress(body, maxSize) {
    return isXz(body) ? decompressXz(body, maxSize) : decompressAlone(body, maxSize)
  },
}

/**
 * What was encoded is decoded once more before it leaves: a tenth of the time encoding takes, and nobody ever finds out
 * about a faulty encoder when restoring.
 */
function requireSame(kernel: Exports, packed: Uint8Array, plain: Uint8Array): void {
  const { out, size } = decode(kernel, packed, plain.length, kernel.decodeLzma2)
  if (size !== plain.length || !equalBytes(new Uint8Array(kernel.memory.buffer, out, size), plain)) {
    throw new Error('lzma: encoder failed its own check')
  }
}

function decompressXz(body: Uint8Array, maxSize: number): Uint8Array {
  const stream = unwrapXz(body)
  if (stream.plainSize > maxSize) {
    throw new Error(`lzma: holds ${stream.plainSize} bytes, more than the expected ${maxSize}`)
  }
  const kernel = instance()
  const plain = new Uint8Array(stream.plainSize)
  let at = 0
  for (const block of stream.blocks) {
    const { out, size, read } = decode(kernel, block.packed, block.plainSize, kernel.decodeLzma2)
    if (size !== block.plainSize) throw new Error(`lzma: ${size} bytes came out of a block of ${block.plainSize}`)
    if (read !== block.packed.length) throw new Error('lzma: bytes follow the end of a block')
    plain.set(new Uint8Array(kernel.memory.buffer, out, size), at)
    requireCheck(kernel, stream.checkType, block, out)
    at += size
  }
  release(kernel)
  return plain
}

function decompressAlone(body: Uint8Array, maxSize: number): Uint8Array {
  if (body.length < aloneHeaderSize) throw new Error('lzma: neither xz nor lzma')
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const named = view.getBigUint64(5, true)
  if (body[0]! >= 225 || (named !== unknownSize && named >= 2n ** 38n)) throw new Error('lzma: neither xz nor lzma')
  const size = named === unknownSize ? -1 : Number(named)
  if (size > maxSize) throw new Error(`lzma: holds ${size} bytes, more than the expected ${maxSize}`)
  const kernel = instance()
  const packed = body.subarray(aloneHeaderSize)
  const decodeRaw: DecodeFunction = (input, inputSize, out, capacity) =>
    kernel.decodeLzma(input, inputSize, out, capacity, size, body[0]!)
  const decoded = decode(kernel, packed, size < 0 ? maxSize : size, decodeRaw)
  if (decoded.read !== packed.length) throw new Error('lzma: bytes follow the end of the stream')
  const plain = take(kernel, decoded.out, decoded.size)
  release(kernel)
  return plain
}

type DecodeFunction = (input: number, inputSize: number, out: number, capacity: number) => number

/** Decodes to `out` in the module's memory, where the plaintext stays until the next call. */
function decode(
  kernel: Exports,
  packed: Uint8Array,
  capacity: number,
  decodeInto: DecodeFunction,
): { readonly out: number; readonly size: number; readonly read: number } {
  const input = alignedUp(kernel.modelSize())
  const out = alignedUp(input + packed.length + slack)
  growTo(kernel.memory, out + capacity + slack)
  lay(kernel, packed, input)
  const size = decodeInto(input, packed.length, out, capacity)
  if (size < 0) throw new Error(damage(size, capacity))
  return { out, size, read: kernel.inputEnd() - input }
}

function damage(code: number, capacity: number): string {
  if (code === -1) return 'lzma: stream is truncated'
  if (code === -2) return `lzma: more than the expected ${capacity} bytes come out`
  return 'lzma: stream is damaged'
}

function requireCheck(kernel: Exports, type: number, block: XzBlock, out: number): void {
  const plain = new Uint8Array(kernel.memory.buffer, out, block.plainSize)
  const found = checkOf(kernel, type, plain)
  if (!equalBytes(found, block.check)) throw new Error('lzma: checksum of the content is wrong')
}

function checkOf(kernel: Exports, type: number, plain: Uint8Array): Uint8Array {
  const check = new DataView(new ArrayBuffer(8))
  switch (type) {
    case xzCheck.crc32:
      check.setUint32(0, crc32(plain), true)
      return new Uint8Array(check.buffer, 0, 4)
    case xzCheck.crc64:
      check.setBigUint64(0, kernel.crc64(plain.byteOffset, plain.length), true)
      return new Uint8Array(check.buffer)
    case xzCheck.sha256:
      return sha256(plain)
    default:
      return new Uint8Array(0)
  }
}

function instance(): Exports {
  kept ??= instantiateKernel<Exports>(lzmaModule)
  return kept
}

function release(kernel: Exports): void {
  if (kernel.memory.buffer.byteLength > keptSizeMax) kept = undefined
}

/** Lays `bytes` out at `at` with zeros after them: what is read past the end must not depend on the call before. */
function lay(kernel: Exports, bytes: Uint8Array, at: number): void {
  const memory = new Uint8Array(kernel.memory.buffer)
  memory.set(bytes, at)
  memory.fill(0, at + bytes.length, at + bytes.length + slack)
}

function take(kernel: Exports, at: number, size: number): Uint8Array {
  return new Uint8Array(kernel.memory.buffer).slice(at, at + size)
}

/** How far LZMA2 can blow up what it cannot shrink: three bytes a 64 KiB chunk, and one coded chunk given up. */
function packedSizeMax(size: number): number {
  return size + Math.ceil(size / 1000) + 256 * 1024
}

/** The least number of bits that can tell `size` positions apart; 12 at least, the smallest dictionary. */
function bitsFor(size: number): number {
  return Math.max(12, 32 - Math.clz32(size))
}

function alignedUp(at: number): number {
  return (at + 63) & ~63
}
