/**
 * Properties of files and folders as the XML of a multistatus answer. Source: RFC 4918 §13, §15.
 */
import type { NodeAttributes } from '../archive/tree.ts'
import type { Nanoseconds } from '../base/ids.ts'
import { decodeText } from '../base/text.ts'
import { davNamespace, type Propfind, type PropertyName } from './propfind.ts'

export interface Resource {
  /** Percent-encoded; that of a folder ends in '/'. */
  readonly href: string
  readonly name: Uint8Array
  readonly isFolder: boolean
  readonly attributes: NodeAttributes
}

export const multistatusStart = `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="${davNamespace}">\n`
export const multistatusEnd = '</D:multistatus>\n'
/** The answer to a PROPFIND of a folder and all below it. */
export const finiteDepthError = `<?xml version="1.0" encoding="utf-8"?>\n<D:error xmlns:D="${davNamespace}"><D:propfind-finite-depth/></D:error>\n`

/** One `response` element. */
export function multistatusResponse(resource: Resource, wanted: Propfind): string {
  const known = propertiesOf(resource)
  const [found, missing] = chosen(known, wanted)
  const parts = [`<D:response><D:href>${escapeXml(resource.href)}</D:href>`]
  if (found.length > 0 || missing.length === 0) parts.push(propstat(found, '200 OK'))
  if (missing.length > 0) parts.push(propstat(missing, '404 Not Found'))
  return `${parts.join('')}</D:response>\n`
}

/** Their elements, of those that are there and those that are not. */
function chosen(known: ReadonlyMap<string, string>, wanted: Propfind): readonly [readonly string[], readonly string[]] {
  switch (wanted.kind) {
    case 'all':
      return [[...known].map(([name, content]) => davElement(name, content)), []]
    case 'names':
      return [[...known.keys()].map((name) => davElement(name, '')), []]
    case 'some': {
      const contentOf = ({ namespace, name }: PropertyName): string | undefined =>
        namespace === davNamespace ? known.get(name) : undefined
      const found = wanted.properties.flatMap((property) => {
        const content = contentOf(property)
        return content === undefined ? [] : [davElement(property.name, content)]
      })
      const missing = wanted.properties.filter((property) => contentOf(property) === undefined)
      return [found, missing.map(emptyElement)]
    }
  }
}

function propertiesOf({ name, isFolder, attributes }: Resource): ReadonlyMap<string, string> {
  const common: readonly (readonly [string, string])[] = [
    ['displayname', escapeXml(decodeText(name))],
    ['getlastmodified', httpDate(attributes.modified)],
    ['resourcetype', isFolder ? '<D:collection/>' : ''],
  ]
  if (isFolder) return new Map(common)
  return new Map([
    ...common,
    ['getcontentlength', String(attributes.size)],
    ['getcontenttype', contentType],
    ['getetag', escapeXml(entityTag(attributes))],
  ])
}

/** Whatever a backup holds, no browser should run it at our address. */
export const contentType = 'application/octet-stream'

/** Archives do not change; what is shown of them may, when the server is started with other options. */
export function entityTag({ node, modified, size }: NodeAttributes): string {
  return `"${node.toString(36)}-${modified.toString(36)}-${size.toString(36)}"`
}

const lastMillisecond = 8.64e15

export function httpDate(time: Nanoseconds): string {
  const milliseconds = Number(time / 1_000_000n)
  return new Date(Math.max(-lastMillisecond, Math.min(lastMillisecond, milliseconds))).toUTCString()
}

function propstat(elements: readonly string[], status: string): string {
  return `<D:propstat><D:prop>${elements.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`
}

function davElement(name: string, content: string): string {
  return content === '' ? `<D:${name}/>` : `<D:${name}>${content}</D:${name}>`
}

function emptyElement({ namespace, name }: PropertyName): string {
  return namespace === davNamespace ? `<D:${name}/>` : `<${name} xmlns="${escapeXml(namespace)}"/>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters that XML cannot hold, and bytes that are no text, become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => escapes[character] ?? character)
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
}
