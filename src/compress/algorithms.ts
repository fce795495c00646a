/**
 * The plain algorithms: none, lz4, zstd, zlib, lzma, each a header around a kernel's block codec.
 *
 * Where compressing does not pay, lz4, zstd and lzma store the chunk as it is, under none's header; zlib, older than
 * that rule, never does. Source: format/objects sheet section 1.
 */
import type { BlockCodec } from '../kernels/kernel.ts'
import { loadLz4 } from '../kernels/lz4.ts'
import { loadLzma } from '../kernels/lzma.ts'
import { loadZlib } from '../kernels/zlib.ts'
import { loadZstd } from '../kernels/zstd.ts'
import type { Compressor } from './compressor.ts'
import { type CodecName, headerOf, headerSize, type StoredAlgorithm } from './header.ts'

const loaders: Readonly<Record<CodecName, () => Promise<BlockCodec>>> = {
  lz4: loadLz4,
  zstd: loadZstd,
  zlib: loadZlib,
  lzma: loadLzma,
}

const loaded = new Map<CodecName, BlockCodec>()

/** Loads the codec's module on first use. */
export async function loadCodec(name: CodecName): Promise<BlockCodec> {
  const codec = loaded.get(name) ?? (await loaders[name]())
  loaded.set(name, codec)
  return codec
}

/** The codec if some earlier `loadCodec` has loaded it: spares the hot path a promise. */
export function loadedCodec(name: CodecName): BlockCodec | undefined {
  return loaded.get(name)
}

export function makeNone(): Compressor {
  const withHeader = headerWriter()
  return {
    spec: 'none',
    compress: (plain) => withHeader('none', plain),
    storedSizeMax: (plainSize) => headerSize + plainSize,
  }
}

/** `level` is ignored by lz4. */
export async function makeCodecCompressor(spec: string, name: CodecName, level: number): Promise<Compressor> {
  const codec = await loadCodec(name)
  if (name === 'zlib') {
    return { spec, compress: (plain) => codec.compress(plain, level), storedSizeMax: deflatedSizeMax }
  }
  const withHeader = headerWriter()
  return {
    spec,
    compress(plain) {
      const body = codec.compress(plain, level)
      return body.length < plain.length ? withHeader(name, body) : withHeader('none', plain)
    },
    storedSizeMax: (plainSize) => headerSize + plainSize,
  }
}

/**
 * Puts a header before a body, in memory that is used again by the next call: fresh memory for every chunk of megabytes
 * costs as much as lz4 takes to find it incompressible.
 */
function headerWriter(): (name: Exclude<StoredAlgorithm, 'zlib'>, body: Uint8Array) => Uint8Array {
  let memory = new Uint8Array(0)
  return (name, body) => {
    const size = headerSize + body.length
    if (memory.length < size) memory = new Uint8Array(size)
    memory[0] = headerOf(name) >>> 8
    memory[1] = headerOf(name) & 0xff
    memory.set(body, headerSize)
    return memory.subarray(0, size)
  }
}

/** zlib's own bound for any level and window, plus its wrapper (zlib.h, deflateBound, the conservative case). */
function deflatedSizeMax(plainSize: number): number {
  return plainSize + (plainSize >>> 3) + (plainSize >>> 8) + (plainSize >>> 9) + 4 + 18
}
