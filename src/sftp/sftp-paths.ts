/**
 * Paths of sftp:// locations as a server understands them: '/abs', '/./from-the-login-folder', '/~' and '/~user'.
 */
import { BorgError } from '../base/errors.ts'
import type { Location } from '../location/location.ts'
import type { SftpSession } from './sftp-session.ts'

export type SftpLocation = Extract<Location, { scheme: 'sftp' }>

/**
 * The login folder is where an SFTP server starts, so that its paths are relative ones.
 * @throws BorgError 'CommandError' for another person's home where the server does not know how to find it.
 */
export async function baseOf({ path }: SftpLocation, session: SftpSession, name: string): Promise<string> {
  if (path.startsWith('/./')) return path.slice(3) || '.'
  const home = /^\/?~([^/]*)(?:\/(.*))?$/s.exec(path)
  if (home === null) return path
  const [, user, rest = ''] = home
  if (user === '') return rest === '' ? '.' : rest
  if (session.offers('expand-path@openssh.com')) return await session.expandPath(path.replace(/^\//, ''))
  throw new BorgError('CommandError', [`${name}: the SFTP server cannot find another user's home; give the whole path`])
}

/** Undefined at the root and at the login folder: what is around that only the server knows. */
export function parentLocation(location: SftpLocation): SftpLocation | undefined {
  const end = location.path.lastIndexOf('/')
  if (location.path === '/' || end < 0) return undefined
  const path = end === 0 ? '/' : location.path.slice(0, end)
  const isHome = path === '/.' || /^\/~[^/]*$/.test(location.path)
  return isHome ? undefined : { ...location, path }
}
