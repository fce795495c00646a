/**
 * What a PROPFIND asks for: its body as XML, as far as one needs to read it.
 *
 * No document type, so no entities of anybody's making. Source: RFC 4918 §9.1, §14.20; XML 1.0; Namespaces in XML.
 */
export interface PropertyName {
  readonly namespace: string
  readonly name: string
}

/** 'names' wants to know which properties there are. */
export type Propfind =
  | { readonly kind: 'all' }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly properties: readonly PropertyName[] }

export const davNamespace = 'DAV:'

interface Element extends PropertyName {
  readonly depth: number
  /** The element it is in. */
  readonly parent: PropertyName | undefined
}

/** An empty body asks for all. Undefined for anything that is no PROPFIND body. */
export function parsePropfind(body: string): Propfind | undefined {
  if (body.trim() === '') return { kind: 'all' }
  const elements = readElements(body)
  const [root, ...inner] = elements ?? []
  if (root === undefined || !isDav(root, 'propfind')) return undefined
  const choice = inner.find((element) => element.depth === 1 && ['prop', 'allprop', 'propname'].includes(element.name))
  if (choice === undefined || choice.namespace !== davNamespace) return undefined
  if (choice.name === 'allprop') return { kind: 'all' }
  if (choice.name === 'propname') return { kind: 'names' }
  const properties = inner
    .filter(({ depth, parent }) => depth === 2 && parent !== undefined && isDav(parent, 'prop'))
    .map(({ namespace, name }) => ({ namespace, name }))
  return { kind: 'some', properties }
}

function isDav(element: PropertyName, name: string): boolean {
  return element.namespace === davNamespace && element.name === name
}

interface Open extends PropertyName {
  readonly tag: string
  readonly prefixes: ReadonlyMap<string, string>
}

/** What begins no alternative ends none: a name goes on to its end, so that nothing is looked at twice. */
const markup =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[[\s\S]*?\]\]>|<(\/?)([^\s<>/!?]+)(?=[\s/>])((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>|<|[^<]+/g

/** Far more than a PROPFIND needs: every level keeps the namespaces of all above it. */
const depthMax = 64

/** All elements in the order they begin; undefined when the text is not well-formed. */
function readElements(text: string): readonly Element[] | undefined {
  const elements: Element[] = []
  const open: Open[] = []
  let roots = 0
  for (const [whole, closing, tag, attributes = '', empty] of text.replace(/^\ufeff/, '').matchAll(markup)) {
    if (whole === '<') return undefined
    if (tag === undefined) {
      // Text between elements means nothing here, but does not belong outside the root.
      if (open.length === 0 && !/^\s*$|^<[!?]/.test(whole)) return undefined
      continue
    }
    if (closing === '/') {
      if (open.pop()?.tag !== tag) return undefined
      continue
    }
    if (open.length >= depthMax) return undefined
    const prefixes = new Map(open.at(-1)?.prefixes ?? [['', '']])
    for (const [, prefix = '', double, single] of attributes.matchAll(
      /\bxmlns(?::([^\s=:]+))?\s*=\s*(?:"([^"]*)"|'([^']*)')/g,
    )) {
      prefixes.set(prefix, double ?? single ?? '')
    }
    const [name = '', prefix = ''] = tag.split(':').reverse()
    const namespace = prefixes.get(prefix)
    if (namespace === undefined) return undefined
    if (open.length === 0) roots += 1
    elements.push({ namespace, name, depth: open.length, parent: open.at(-1) })
    if (empty !== '/') open.push({ tag, prefixes, namespace, name })
  }
  return open.length === 0 && roots === 1 ? elements : undefined
}
