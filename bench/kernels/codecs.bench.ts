/** Block codecs, every variant: speed both ways and how small it gets. `npx tsx bench/kernels/codecs.bench.ts [lz4 ...]` */
import { equalBytes } from '../../src/base/bytes.ts'
import type { BlockCodec } from '../../src/kernels/kernel.ts'
import { loadLz4Napi } from '../../src/kernels/lz4-napi.ts'
import { lz4Portable } from '../../src/kernels/lz4-portable.ts'
import { lz4Wasm } from '../../src/kernels/lz4-wasm.ts'
import { lzmaWasm } from '../../src/kernels/lzma-wasm.ts'
import { loadZlib } from '../../src/kernels/zlib.ts'
import { loadZstdCodec } from '../../src/kernels/zstd-codec.ts'
import { zstdNode } from '../../src/kernels/zstd-node.ts'
import { loadZstdWasm } from '../../src/kernels/zstd-wasm.ts'
import { binary, random, text, zeros } from '../support/corpus.ts'
import { race } from '../support/table.ts'

interface Entry {
  readonly name: string
  readonly codec: BlockCodec
  readonly levels: readonly number[]
}

main(process.argv.slice(2))

async function main(only: readonly string[]): Promise<void> {
  const families: Readonly<Record<string, readonly Entry[]>> = {
    lz4: [
      { name: 'wasm', codec: lz4Wasm, levels: [0] },
      { name: 'napi', codec: await loadLz4Napi(), levels: [0] },
      { name: 'portable', codec: lz4Portable, levels: [0] },
    ],
    zstd: [
      ...(zstdNode === undefined ? [] : [{ name: 'node', codec: zstdNode, levels: [1, 3, 10] }]),
      { name: 'wasm', codec: await loadZstdWasm(), levels: [1, 3, 10] },
      { name: 'codec (small chunks)', codec: await loadZstdCodec(await loadZstdWasm()), levels: [1, 3, 10] },
    ],
    zlib: [{ name: 'node', codec: await loadZlib(), levels: [1, 6, 9] }],
    lzma: [{ name: 'wasm', codec: lzmaWasm, levels: [0, 3, 6, 9] }],
  }
  const large = 2 * 1024 * 1024
  const inputs = {
    'text 2 MiB': text(large),
    'text 8 KiB': text(8192),
    'binary 2 MiB': binary(large),
    'random 2 MiB': random(large),
    'zeros 2 MiB': zeros(large),
  }
  for (const [family, entries] of Object.entries(families)) {
    if (only.length > 0 && !only.includes(family)) continue
    for (const [name, plain] of Object.entries(inputs)) await raceCodecs(`${family}, ${name}`, entries, plain)
  }
}

async function raceCodecs(title: string, entries: readonly Entry[], plain: Uint8Array): Promise<void> {
  const times = Math.max(1, Math.floor((128 * 1024) / plain.length))
  const contenders = entries.flatMap(({ name, codec, levels }) =>
    levels.flatMap((level) => {
      const body = codec.compress(plain, level)
      const label = `${name}${levels.length > 1 ? ` level ${level}` : ''}`
      const requirePlain = (made: Uint8Array): void => {
        if (!equalBytes(made, plain)) throw new Error(`${title}, ${label}: wrong bytes`)
      }
      return [
        {
          name: `${label} compress (to ${((100 * body.length) / plain.length).toFixed(1)} %)`,
          bytes: plain.length * times,
          run: () => repeat(times, () => codec.compress(plain, level)),
          check: (made: Uint8Array) => requirePlain(codec.decompress(made, plain.length)),
        },
        {
          name: `${label} decompress`,
          bytes: plain.length * times,
          run: () => repeat(times, () => codec.decompress(body, plain.length)),
          check: requirePlain,
        },
      ]
    }),
  )
  await race(title, contenders)
}

function repeat(times: number, job: () => Uint8Array): Uint8Array {
  let result = job()
  for (let i = 1; i < times; i++) result = job()
  return result
}
