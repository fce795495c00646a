/**
 * One request, and how answers to it are written.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileTypeMask, fileTypes } from '../archive/item.ts'
import type { ReadOnlyTree } from '../archive/tree.ts'
import type { RunOptions } from '../base/events.ts'
import type { Resource } from './multistatus.ts'
import { encodeName } from './paths.ts'

export interface WebdavOptions {
  /** 0, the default, lets the system choose. */
  readonly port?: number | undefined
  /** Let files be read of which a repair replaced parts by zeros. */
  readonly allowDamagedFiles?: boolean | undefined
}

export interface Exchange {
  readonly tree: ReadOnlyTree
  readonly options: WebdavOptions
  readonly run: RunOptions
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** An answer that is only a status. What was sent along with the request is not read. */
export function refuse(response: ServerResponse, status: number, text = ''): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
  response.end(text === '' ? '' : `${text}\n`)
}

/** Waits until more is welcome. False when nobody reads any more. */
export async function write(response: ServerResponse, data: Uint8Array | string): Promise<boolean> {
  if (response.destroyed) return false
  if (!response.write(data)) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off('drain', done)
        response.off('close', done)
        resolve()
      }
      response.on('drain', done)
      response.on('close', done)
    })
  }
  return !response.destroyed
}

/** Undefined for what is not shown. `folder` is the href of the folder it is in, or its own for the root. */
export function resourceAt(tree: ReadOnlyTree, node: number, folder: string, name: Uint8Array): Resource | undefined {
  const attributes = tree.attributes(node)
  const type = attributes.mode & fileTypeMask
  const isFolder = type === fileTypes.directory
  if (!isFolder && type !== fileTypes.regular) return undefined
  if (name.length === 0) return { href: folder, name, isFolder, attributes }
  return { href: `${folder}${encodeName(name)}${isFolder ? '/' : ''}`, name, isFolder, attributes }
}
