/**
 * Answers about folders: PROPFIND, and a page of links for browsers.
 */
import type { IncomingMessage } from 'node:http'
import type { ReadOnlyTree } from '../archive/tree.ts'
import { decodeText } from '../base/text.ts'
import { type Exchange, refuse, resourceAt, write } from './exchange.ts'
import {
  escapeXml,
  finiteDepthError,
  multistatusEnd,
  multistatusResponse,
  multistatusStart,
  type Resource,
} from './multistatus.ts'
import { parsePropfind } from './propfind.ts'

const bodySizeMax = 64 * 1024
/** Text gathered before it is written. */
const writeSize = 64 * 1024

export async function sendProperties({ tree, request, response }: Exchange, resource: Resource): Promise<void> {
  const { depth = 'infinity' } = request.headers
  if (depth !== '0' && depth !== '1') {
    // All below a folder may be millions: RFC 4918 lets us say no.
    response.writeHead(403, { 'content-type': 'application/xml; charset=utf-8', connection: 'close' })
    response.end(finiteDepthError)
    return
  }
  const body = await bodyOf(request)
  if (body === undefined) return refuse(response, 413)
  const wanted = parsePropfind(body)
  if (wanted === undefined) return refuse(response, 400)
  const inside = depth === '1' && resource.isFolder ? await resourcesIn(tree, resource) : []
  response.writeHead(207, { 'content-type': 'application/xml; charset=utf-8' })
  let text = multistatusStart + multistatusResponse(resource, wanted)
  for (const each of inside) {
    text += multistatusResponse(each, wanted)
    if (text.length < writeSize) continue
    if (!(await write(response, text))) return
    text = ''
  }
  response.end(text + multistatusEnd)
}

/** For people: a list of links. */
export async function sendFolderPage({ tree, request, response }: Exchange, resource: Resource): Promise<void> {
  const inside = await resourcesIn(tree, resource)
  // Relative links need the slash behind the folder's name.
  if (!/\/(\?.*)?$/.test(request.url ?? '')) {
    response.writeHead(301, { location: resource.href, 'content-length': 0 })
    response.end()
    return
  }
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'x-content-type-options': 'nosniff',
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  const title = escapeXml(resource.name.length === 0 ? '/' : decodeText(resource.name))
  let text = `<!DOCTYPE html>\n<meta charset="utf-8">\n<title>${title}</title>\n<h1>${title}</h1>\n<ul>\n`
  if (resource.href !== '/') text += '<li><a href="../">../</a>\n'
  for (const { href, name, isFolder } of inside) {
    text += `<li><a href="${escapeXml(href)}">${escapeXml(decodeText(name))}${isFolder ? '/' : ''}</a>\n`
    if (text.length < writeSize) continue
    if (!(await write(response, text))) return
    text = ''
  }
  response.end(`${text}</ul>\n`)
}

async function resourcesIn(tree: ReadOnlyTree, folder: Resource): Promise<Iterable<Resource>> {
  const entries = await tree.list(folder.attributes.node)
  return (function* () {
    for (const { node, name } of entries) {
      const resource = resourceAt(tree, node, folder.href, name)
      if (resource !== undefined) yield resource
    }
  })()
}

/** Undefined when it is larger than any honest question. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > bodySizeMax) return undefined
    parts.push(part)
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}
