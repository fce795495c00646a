/**
 * A tree over WebDAV: class 1, read-only, for this machine and this user.
 *
 * Folders and regular files only: WebDAV knows nothing else. Source: RFC 4918, RFC 9110.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { ReadOnlyTree } from '../archive/tree.ts'
import { isBorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { sendFile } from './download.ts'
import { type Exchange, refuse, resourceAt, type WebdavOptions } from './exchange.ts'
import { sendFolderPage, sendProperties } from './folders.ts'
import type { Resource } from './multistatus.ts'
import { decodePath } from './paths.ts'
import { userOfPeer } from './peers.ts'

export interface ServedTree {
  /** 'http://127.0.0.1:PORT/' */
  readonly address: string
  /** Ends it, with whatever is under way. */
  unmount(): Promise<void>
  /** Resolves when it has ended. */
  readonly done: Promise<void>
}

const loopback = '127.0.0.1'
const allowedMethods = 'OPTIONS, GET, HEAD, PROPFIND'

/** Resolves when it listens. @throws the system's error when the port cannot be had */
export async function serveTree(tree: ReadOnlyTree, options: WebdavOptions, run: RunOptions): Promise<ServedTree> {
  const server = createServer((request, response) => void answer({ tree, options, run, request, response }))
  const done = new Promise<void>((resolve) => server.on('close', () => resolve()))
  await listen(server, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  return {
    address: `http://${loopback}:${port}/`,
    done,
    async unmount() {
      server.close()
      server.closeAllConnections()
      await done
    },
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, loopback, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response, run } = exchange
  response.on('error', () => {})
  try {
    if (!isOurHost(request) || !(await isOurUser(request.socket))) refuse(response, 403)
    else await dispatch(exchange)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    reportLog(run, isBorgError(error) ? 'warning' : 'error', text)
    // Half an answer must not pass for a whole one.
    if (response.headersSent) response.destroy()
    else refuse(response, 500, text)
  }
}

/** A page of somebody else's may have its name point to this machine: then it asks with that name. */
function isOurHost({ headers, socket }: IncomingMessage): boolean {
  const { localPort } = socket
  const names = [loopback, 'localhost']
  const host = headers.host?.toLowerCase() ?? ''
  return names.some((name) => host === `${name}:${localPort}` || (localPort === 80 && host === name))
}

const known = new WeakMap<Socket, Promise<boolean>>()

/** This user or root. Asked once a connection. */
function isOurUser(socket: Socket): Promise<boolean> {
  let answer = known.get(socket)
  if (answer === undefined) {
    answer = userOfPeer(socket).then((user) => user === 'unknown' || user === 0 || user === process.getuid?.())
    known.set(socket, answer)
  }
  return answer
}

async function dispatch(exchange: Exchange): Promise<void> {
  const { request, response, tree } = exchange
  switch (request.method) {
    case 'OPTIONS':
      response.writeHead(200, { dav: '1', allow: allowedMethods, 'ms-author-via': 'DAV', 'content-length': 0 })
      response.end()
      return
    case 'GET':
    case 'HEAD':
    case 'PROPFIND': {
      const names = decodePath(request.url ?? '')
      if (names === undefined) return refuse(response, 400)
      const resource = await findResource(tree, names)
      if (resource === undefined) return refuse(response, 404)
      if (request.method === 'PROPFIND') return await sendProperties(exchange, resource)
      return resource.isFolder ? await sendFolderPage(exchange, resource) : await sendFile(exchange, resource)
    }
    default:
      response.setHeader('allow', allowedMethods)
      return refuse(response, 405)
  }
}

async function findResource(tree: ReadOnlyTree, names: readonly Uint8Array[]): Promise<Resource | undefined> {
  let found: Resource | undefined = resourceAt(tree, tree.root, '/', new Uint8Array(0))
  for (const name of names) {
    const node: number | undefined = found?.isFolder ? await tree.lookup(found.attributes.node, name) : undefined
    if (node === undefined || found === undefined) return undefined
    found = resourceAt(tree, node, found.href, name)
  }
  return found
}
