/**
 * The little XML that S3 speaks: elements and text. Attributes, comments, processing instructions and doctypes are skipped,
 * never acted upon; CDATA does not occur.
 */

export interface XmlElement {
  /** Without namespace prefix. */
  readonly name: string
  readonly children: readonly XmlElement[]
  /** Of the element itself, entities resolved. */
  readonly text: string
}

interface OpenElement {
  name: string
  children: XmlElement[]
  text: string
}

/** Deeper than any answer of S3. */
const depthMax = 32

/** The root element. @throws RangeError when the text is no XML of the kind described above, or is cut. */
export function parseXml(text: string): XmlElement {
  const stack: OpenElement[] = [{ name: '', children: [], text: '' }]
  const tokens = /<!--[\s\S]*?-->|<[?!][^>]*>|<(\/?)([^\s/>]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)|</g
  for (const [whole, closing, name, , empty, characters] of text.matchAll(tokens)) {
    const top = stack.at(-1)
    if (top === undefined) break
    if (characters !== undefined) {
      top.text += resolved(characters)
    } else if (name !== undefined) {
      if (closing === '/') close(stack, localName(name))
      else {
        if (stack.length > depthMax) throw new RangeError('XML is nested too deeply')
        stack.push({ name: localName(name), children: [], text: '' })
        if (empty === '/') close(stack, localName(name))
      }
    } else if (whole === '<') throw new RangeError('XML has a stray <')
  }
  const [root] = stack
  const [first] = root?.children ?? []
  if (stack.length !== 1 || first === undefined) throw new RangeError('XML is cut or empty')
  return first
}

/** Text of the first child of that name, '' without one. */
export function childText(element: XmlElement, name: string): string {
  return element.children.find((child) => child.name === name)?.text ?? ''
}

export function childrenNamed(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

/** For the content of an element. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`)
}

function close(stack: OpenElement[], name: string): void {
  const closed = stack.pop()
  const around = stack.at(-1)
  if (closed === undefined || around === undefined || closed.name !== name) {
    throw new RangeError(`XML closes <${name}> where it is not open`)
  }
  around.children.push(closed)
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

const namedEntities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function resolved(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return namedEntities[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
