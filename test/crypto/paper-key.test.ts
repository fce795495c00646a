import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { manifestId, objectIdFromHex } from '../../src/base/ids.ts'
import { keyBlobBytes, keyBlobText, keyFileText, parseKeyFile } from '../../src/crypto/key-blob.ts'
import { keyPage } from '../../src/crypto/key-page.ts'
import { PaperKeyReader, paperKeyText } from '../../src/crypto/paper-key.ts'
import { loadFixture } from '../support/vectors.ts'

const { exports } = loadFixture<{
  readonly exports: readonly {
    readonly mode: string
    readonly repository_id: string
    readonly key_text: string
    readonly keyfile_export: string
    readonly paperkey: string
  }[]
}>('vectors/key-export.json')
const names = { location: '/repo', where: '/repo' }

/** What somebody types who copies the page: the part after each prompt. */
function typed(page: string): string[] {
  return page
    .split('\n')
    .filter((line) => /^(id|[ \d]\d): /.test(line))
    .map((line) => line.slice(4))
}

/** Feeds `lines`, collects prompts and complaints as a terminal would show them. */
function dialogue(reader: PaperKeyReader, lines: readonly string[]): string[] {
  const shown: string[] = []
  for (const line of lines) {
    shown.push(reader.prompt)
    const complaint = reader.feed(line)
    if (complaint !== undefined) shown.push(complaint)
  }
  return shown
}

describe.each(exports)('the exports of borg: $mode', ({ mode, repository_id, key_text, keyfile_export, paperkey }) => {
  const id = objectIdFromHex(repository_id)
  const blob = mode.startsWith('keyfile') ? parseKeyFile(key_text, id, names) : key_text

  test('the plain text', () => {
    expect(keyFileText(id, blob)).toBe(keyfile_export)
  })
  test('the paper', () => {
    expect(paperKeyText(id, keyBlobBytes(blob, names))).toBe(paperkey)
  })
  test('the paper, typed in again with and without blanks', () => {
    for (const lines of [typed(paperkey), typed(paperkey).map((line) => line.replaceAll(' ', ''))]) {
      const reader = new PaperKeyReader(id)
      expect(dialogue(reader, lines)).toEqual([
        'id: ',
        ...lines.slice(1).map((_, i) => `${String(i + 1).padStart(2)}: `),
      ])
      expect(reader.blob).toBe(blob)
    }
  })
  test('the page holds the text as it is, in the only textarea, and loads nothing', async () => {
    const page = await keyPage(keyfile_export, repository_id)
    expect(page.startsWith('<!doctype html>')).toBe(true)
    expect(page.endsWith('</html>\n')).toBe(true)
    expect(page.match(/<\/textarea>/g)).toHaveLength(1)
    expect(/<textarea[^>]*>\n([^<]*)<\/textarea>/.exec(page)?.[1]).toBe(keyfile_export)
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)|url\(/)
  })
  test('the code on the page scans to the text', async () => {
    const { decodeQR } = await import('qr/decode.js')
    const page = await keyPage(keyfile_export, repository_id)
    expect(decodeQR(rasterised(page))).toBe(keyfile_export)
  })
})

test('a key text with markup in it cannot leave the textarea', async () => {
  const page = await keyPage('</textarea><script>alert(1)</script>&amp;', '0'.repeat(64))
  expect(page).toContain('&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;')
  expect(page).not.toContain('<script')
})

describe('typing errors', () => {
  const first = exports[0]
  if (first === undefined) throw new Error('no exports')
  const id = objectIdFromHex(first.repository_id)
  const lines = typed(first.paperkey)
  const [idLine = '', line1 = '', line2 = ''] = lines

  test.each([
    ['no checksum', 'abc', "each line must contain exactly one '-', try again"],
    ['two checksums', 'a-b-c', "each line must contain exactly one '-', try again"],
    ['an empty line', '', "each line must contain exactly one '-', try again"],
    ['no parts', 'abc-de', "the id line must contain exactly two '/', try again"],
    ['too many parts', 'a/b/c/d-de', "the id line must contain exactly two '/', try again"],
    ['a wrong checksum', idLine.replace(/..$/, 'zz'), 'line checksum did not match, try same line again'],
  ])('in the id line: %s', (_, line, complaint) => {
    const reader = new PaperKeyReader(id)
    expect(reader.feed(line)).toBe(complaint)
    expect(reader.prompt).toBe('id: ')
    expect(reader.feed(idLine)).toBeUndefined()
    expect(reader.prompt).toBe(' 1: ')
  })

  test.each([
    ['no checksum', '0011', "each line must contain exactly one '-', try again"],
    [
      'other characters',
      'zz - 14',
      "only characters 0-9 and a-f and '-' are valid, try again [Non-hexadecimal digit found]",
    ],
    [
      'an odd number of them',
      'abc - 14',
      "only characters 0-9 and a-f and '-' are valid, try again [Odd-length string]",
    ],
    [
      'letters that are none of ASCII',
      'éé - 14',
      "only characters 0-9 and a-f and '-' are valid, try again [Non-hexadecimal digit found]",
    ],
    ['a line skipped', line2, 'line checksum did not match, try line 1 again'],
    ['a digit wrong', line1.replace('8', '9'), 'line checksum did not match, try line 1 again'],
    ['a checksum wrong', line1.replace(/..$/, '00'), 'line checksum did not match, try line 1 again'],
  ])('in a line of the key: %s', (_, line, complaint) => {
    const reader = new PaperKeyReader(id)
    reader.feed(idLine)
    expect(reader.feed(line)).toBe(complaint)
    expect(reader.prompt).toBe(' 1: ')
    expect(reader.feed(line1)).toBeUndefined()
    expect(reader.prompt).toBe(' 2: ')
  })

  test('never lead to another key: any one digit changed is noticed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 15 }),
        fc.integer({ min: 1, max: lines.length - 1 }),
        (where, by, number) => {
          const line = (lines[number] ?? '').replaceAll(' ', '')
          const at = where % line.indexOf('-')
          const digit = ((Number.parseInt(line.charAt(at), 16) + by) % 16).toString(16)
          const reader = new PaperKeyReader(id)
          for (const [i, text] of lines.entries()) {
            reader.feed(i === number ? line.slice(0, at) + digit + line.slice(at + 1) : text)
            if (i === number) reader.feed(text)
          }
          expect(reader.blob === undefined || reader.blob === first.key_text).toBe(true)
        },
      ),
    )
  })

  test('the paper of another repository ends it', () => {
    expect(() => new PaperKeyReader(manifestId).feed(idLine)).toThrow(
      expect.objectContaining({ code: 'RepoIdMismatch' }),
    )
  })

  test('lines that match, but not together, start the whole again', () => {
    const one = paperKeyText(id, new Uint8Array(40).fill(1))
    const other = paperKeyText(id, new Uint8Array(40).fill(2))
    const [head = '', ...rest] = typed(one)
    const reader = new PaperKeyReader(id)
    reader.feed(typed(other)[0] ?? '')
    expect(dialogue(reader, rest).at(-1)).toBe(
      'The overall checksum did not match, retry or enter a blank line to abort.',
    )
    expect(reader.blob).toBeUndefined()
    expect(dialogue(reader, [head, ...rest])[0]).toBe('id: ')
    expect(reader.blob).toBe(keyBlobText(new Uint8Array(40).fill(1)))
  })
})

/** The SVG of a page as pixels. qr draws one square per module, each moving from where the last one began. */
function rasterised(page: string): { width: number; height: number; data: Uint8Array } {
  const side = Number(/viewBox="0 0 (\d+) \d+"/.exec(page)?.[1])
  const path = / d="([^"]+)"/.exec(page)?.[1] ?? ''
  const scale = 4
  const width = side * scale
  const data = new Uint8Array(width * width * 4).fill(255)
  let [x, y] = [0, 0]
  for (const [, command, right = '', down = ''] of path.matchAll(/([Mm])(-?\d+) (-?\d+)h1v1/g)) {
    x = command === 'M' ? Number(right) : x + Number(right)
    y = command === 'M' ? Number(down) : y + Number(down)
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      for (let column = x * scale; column < (x + 1) * scale; column++) {
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3)
      }
    }
  }
  return { width, height: width, data }
}
