/**
 * Byte strings as Python's repr shows them. Source: Python language reference, bytes literals.
 */
const short: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

export function pythonBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inner = text.replace(/[^\x20-\x7e]|\\|'/g, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'"
    return short[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `b${quote}${inner}${quote}`
}
