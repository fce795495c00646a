/**
 * Vectors made by real borg (fixtures/), and the small input language they are written in.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** A vector file as plain JSON; each test narrows what it uses. `name` like 'vectors/keys.json'. */
export function loadFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8')) as T
}

export type InputPart =
  | { readonly hex: string }
  | { readonly gen: 'sha256ctr'; readonly seed: string; readonly len: number }
  | { readonly gen: 'zero'; readonly len: number }
  | { readonly gen: 'repeat'; readonly hex: string; readonly len: number }

/** The bytes an input spec stands for (fixtures/README-vectors.md, "Input specs"). */
export function inputBytes(parts: readonly InputPart[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts.map(partBytes)))
}

export function fromB64(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64'))
}

export function fromGzB64(text: string): Uint8Array {
  return Uint8Array.from(gunzipSync(Buffer.from(text, 'base64')))
}

function partBytes(part: InputPart): Uint8Array {
  if (!('gen' in part)) return Buffer.from(part.hex, 'hex')
  switch (part.gen) {
    case 'zero':
      return Buffer.alloc(part.len)
    case 'repeat':
      return Buffer.alloc(part.len, Buffer.from(part.hex, 'hex'))
    case 'sha256ctr':
      return counterHash(part.seed, part.len)
  }
}

function counterHash(seed: string, length: number): Buffer {
  const blocks: Buffer[] = []
  for (let i = 0n; blocks.length * 32 < length; i++) {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(i)
    blocks.push(createHash('sha256').update(seed, 'utf8').update(counter).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}
