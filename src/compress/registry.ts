/**
 * From spec text to compressor, and from payload to plaintext. Layouts: format/objects sheet section 1.
 */
import { BorgError } from '../base/errors.ts'
import type { BlockCodec } from '../kernels/kernel.ts'
import { loadCodec, loadedCodec, makeCodecCompressor, makeNone } from './algorithms.ts'
import { makeAuto } from './auto.ts'
import type { Compressor } from './compressor.ts'
import { type CodecName, headerSize, type StoredAlgorithm, storedAlgorithm } from './header.ts'
import { deobfuscate, makeObfuscator, uniformFrom } from './obfuscate.ts'
import { type CompressionSpec, formatCompressionSpec, parseCompressionSpec } from './spec.ts'

/**
 * Loads the algorithm's module on first use; `randomBytes` feeds obfuscation.
 * @throws BorgError 'CommandError' on an unknown or malformed spec.
 */
export async function makeCompressor(spec: string, randomBytes: (length: number) => Uint8Array): Promise<Compressor> {
  return make(parseCompressionSpec(spec), randomBytes)
}

/**
 * Chooses by header, through any obfuscation. `maxSize` bounds the output in bytes, so a hostile object cannot exhaust
 * memory. The result may be a view of `payload` (algorithm none).
 * @throws BorgError 'DecompressionError' | 'IntegrityError' | 'UnsupportedPayloadError' (see `storedAlgorithm`)
 */
export async function decompress(payload: Uint8Array, maxSize: number): Promise<Uint8Array> {
  const { algorithm, inner } = innermost(payload)
  if (algorithm === 'none') return decompressNone(inner, maxSize)
  return runCodec(algorithm, loadedCodec(algorithm) ?? (await loadCodec(algorithm)), inner, maxSize)
}

/** The algorithm that holds the plaintext and its payload, without obfuscation around it. Cheap: reads headers only. */
export function innermost(payload: Uint8Array): {
  readonly algorithm: Exclude<StoredAlgorithm, 'obfuscate'>
  readonly inner: Uint8Array
} {
  let inner = payload
  for (;;) {
    const algorithm = storedAlgorithm(inner)
    if (algorithm !== 'obfuscate') return { algorithm, inner }
    inner = deobfuscate(inner)
  }
}

async function make(spec: CompressionSpec, randomBytes: (length: number) => Uint8Array): Promise<Compressor> {
  const text = formatCompressionSpec(spec)
  switch (spec.name) {
    case 'none':
      return makeNone()
    case 'lz4':
      return makeCodecCompressor(text, 'lz4', 0)
    case 'zstd':
    case 'zlib':
    case 'lzma':
      return makeCodecCompressor(text, spec.name, spec.level)
    case 'auto':
      return makeAuto(text, await makeCodecCompressor('lz4', 'lz4', 0), await make(spec.inner, randomBytes))
    case 'obfuscate':
      return makeObfuscator(text, spec.level, await make(spec.inner, randomBytes), () => uniformFrom(randomBytes))
  }
}

function decompressNone(payload: Uint8Array, maxSize: number): Uint8Array {
  const plain = payload.subarray(headerSize)
  if (plain.length > maxSize) {
    throw new BorgError('DecompressionError', [`none: ${plain.length} bytes, expected at most ${maxSize}`])
  }
  return plain
}

function runCodec(name: CodecName, codec: BlockCodec, payload: Uint8Array, maxSize: number): Uint8Array {
  try {
    return codec.decompress(name === 'zlib' ? payload : payload.subarray(headerSize), maxSize)
  } catch (cause) {
    // Kernels throw plain errors that name themselves; running out of memory is not the object's fault.
    if (cause instanceof RangeError) throw cause
    throw new BorgError('DecompressionError', [cause instanceof Error ? cause.message : String(cause)], { cause })
  }
}
