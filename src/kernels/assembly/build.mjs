/**
 * Compiles the AssemblyScript kernels beside this file and writes ../generated/<name>.ts: the module as base64, so that
 * it loads synchronously and from anywhere, src or dist, with no file to find at run time. `npm run build:kernels`.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { blake2bSource } from './blake2b.gen.mjs'

const sourceOf = (name) => readFileSync(new URL(`${name}.ts`, import.meta.url), 'utf8')

const sourceIfAny = (path) => {
  const file = new URL(path, import.meta.url)
  return /^[\w-]+\.ts$/.test(path) && existsSync(file) ? readFileSync(file, 'utf8') : null
}

/** Each kernel is one module: source and memory it starts with, in 64 KiB pages. */
const kernels = {
  blake2b: { source: blake2bSource(), pages: 3 },
  buzhash: { source: sourceOf('buzhash'), pages: 5 },
  xxh64: { source: sourceOf('xxh64'), pages: 3 },
  lz4: { source: sourceOf('lz4'), pages: 1 },
  lzma: { source: sourceOf('lzma'), pages: 1 },
}

const generated = new URL('../generated/', import.meta.url)
mkdirSync(generated, { recursive: true })
for (const [name, kernel] of Object.entries(kernels)) {
  const wasm = await compile(name, kernel)
  const file = new URL(`${name}-module.ts`, generated)
  const code = [
    `/** Compiled from src/kernels/assembly by build.mjs there (npm run build:kernels). Not kept in git. */`,
    `export const ${name}Module: string =`,
    `  '${Buffer.from(wasm).toString('base64')}'`,
    '',
  ].join('\n')
  replaceFile(fileURLToPath(file), code)
  console.log(`${name}: ${wasm.length} bytes of WebAssembly`)
}

/** In one step, and only if it changes: tests may be running on the old one. */
function replaceFile(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  const fresh = `${path}.${process.pid}`
  writeFileSync(fresh, text)
  renameSync(fresh, path)
}

async function compile(name, { source, pages }) {
  let wasm
  const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort=', '--initialMemory', String(pages)]
  const features = ['--enable', 'simd', '--zeroFilledMemory']
  const { error, stderr } = await asc.main([`${name}.ts`, '--outFile', `${name}.wasm`, ...flags, ...features], {
    readFile: (path) => (path === `${name}.ts` ? source : sourceIfAny(path)),
    writeFile: (path, contents) => {
      if (path.endsWith('.wasm')) wasm = contents
    },
    listFiles: () => [],
  })
  if (error) throw new Error(`${name}: ${error.message}\n${stderr}`)
  return wasm
}
