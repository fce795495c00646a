/**
 * How wide text is on a terminal, and how it is cut to fit.
 * Widths: Unicode Standard Annex 11, simplified to its wide blocks.
 */

/** Columns: 0 for combining marks, 2 for wide characters. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** Filled with blanks up to `columns`. */
export function padToWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)))
}

/** Exactly `columns` wide: filled with blanks, or cut in its middle, where '...' says so. */
export function fitToWidth(text: string, columns: number): string {
  const width = textWidth(text)
  if (width <= columns) return padToWidth(text, columns)
  if (columns < 8) return padToWidth('...', columns)
  const head = takeColumns(Array.from(text), Math.floor(columns / 2) - 3)
  const tail = takeColumns(Array.from(text).reverse(), Math.ceil(columns / 2))
  return padToWidth(`${head.join('')}...${tail.reverse().join('')}`, columns)
}

function takeColumns(characters: readonly string[], columns: number): string[] {
  const taken: string[] = []
  let width = 0
  for (const character of characters) {
    width += characterWidth(character)
    if (width > columns) break
    taken.push(character)
  }
  return taken
}

/** First and last code points of wide blocks: Hangul, CJK, fullwidth forms, pictographs. */
const wideBlocks: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
]

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x300) return 1
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0
  return wideBlocks.some(([first, last]) => code >= first && code <= last) ? 2 : 1
}
