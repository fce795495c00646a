/**
 * Archives over WebDAV, for machines without FUSE.
 */
import type { RunOptions } from '../base/events.ts'
import type { ReadSession } from '../session/session.ts'
import type { WebdavOptions } from '../webdav/exchange.ts'
import { type ServedTree, serveTree } from '../webdav/server.ts'
import { type BrowseOptions, browseArchives } from './browse.ts'

export interface ServeArchivesOptions extends BrowseOptions, WebdavOptions {}

/**
 * Resolves when it listens, on 127.0.0.1 and for this user. The session must live until `done`.
 * @throws the system's error when the port cannot be had, and what `browseArchives` throws
 */
export async function serveArchives(
  session: ReadSession,
  options: ServeArchivesOptions = {},
  run: RunOptions = {},
): Promise<ServedTree> {
  return await serveTree(await browseArchives(session, options, run), options, run)
}
