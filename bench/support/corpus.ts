/**
 * Seeded corpora: the same bytes on every machine and every run. `text` compresses like prose and source, `binary` like
 * executables, `random` not at all; `nearDuplicates` are versions of one file, each a little changed.
 */

/** xorshift32; good enough to shape data, not for anything else. Next value in [0, bound). */
export function makeDice(seed: number): (bound: number) => number {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return (bound) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % bound
  }
}

/** Words of a made-up language, often-used ones more often, in lines and paragraphs. */
export function text(size: number, seed = 1): Uint8Array {
  const dice = makeDice(seed)
  const words = Array.from({ length: 4000 }, () => word(dice))
  const lines: string[] = []
  for (let length = 0; length < size; ) {
    const count = 3 + dice(12)
    const line = Array.from({ length: count }, () => words[Math.min(dice(4000), dice(4000), dice(4000))]!).join(' ')
    const ended = line + (dice(5) === 0 ? '.\n\n' : dice(3) === 0 ? ',\n' : '\n')
    lines.push(ended)
    length += ended.length
  }
  return new TextEncoder().encode(lines.join('')).subarray(0, size)
}

/** Records of little-endian fields that mostly change by small steps, with strings and noise between. */
export function binary(size: number, seed = 2): Uint8Array {
  const dice = makeDice(seed)
  const bytes = new Uint8Array(size + 64)
  const view = new DataView(bytes.buffer)
  let address = 0x400000
  for (let at = 0; at < size; ) {
    const kind = dice(8)
    if (kind < 5) {
      address += 8 * (1 + dice(64))
      view.setUint16(at, [0x8b48, 0x8948, 0x0f66, 0x25ff][dice(4)]!, true)
      view.setUint32(at + 2, address, true)
      view.setUint16(at + 6, dice(300), true)
      at += 8
    } else if (kind < 7) {
      for (const letter of word(dice)) view.setUint8(at++, letter.charCodeAt(0))
      at += 1 + dice(12)
    } else {
      for (let i = 0; i < 12; i++) view.setUint8(at++, dice(256))
    }
  }
  return bytes.subarray(0, size)
}

export function random(size: number, seed = 3): Uint8Array {
  const dice = makeDice(seed)
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let i = 0; i < words.length; i++) words[i] = dice(0x1_0000_0000)
  return new Uint8Array(words.buffer, 0, size)
}

export function zeros(size: number): Uint8Array {
  return new Uint8Array(size)
}

/** `count` versions of one `base`: each overwrites, inserts and removes a few stretches of the one before. */
export function nearDuplicates(base: Uint8Array, count: number, seed = 4): readonly Uint8Array[] {
  const dice = makeDice(seed)
  const versions = [base]
  while (versions.length < count) versions.push(edited(versions.at(-1)!, dice))
  return versions
}

function edited(before: Uint8Array, dice: (bound: number) => number): Uint8Array {
  let bytes = before.slice()
  for (let edits = 0; edits < 4; edits++) {
    const at = dice(Math.max(1, bytes.length))
    const stretch = random(1 + dice(400), dice(1 << 30))
    const skipped = [stretch.length, 0, 2 * stretch.length][dice(3)]!
    const tail = bytes.subarray(at + skipped)
    const next = new Uint8Array(at + stretch.length + tail.length)
    next.set(bytes.subarray(0, at))
    next.set(stretch, at)
    next.set(tail, at + stretch.length)
    bytes = next
  }
  return bytes
}

function word(dice: (bound: number) => number): string {
  const syllables = 1 + dice(4)
  let made = ''
  for (let i = 0; i < syllables; i++) made += 'bcdfghklmnprstvwz'[dice(17)]! + 'aeiou'[dice(5)]!
  return made
}
