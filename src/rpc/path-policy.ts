/**
 * Which folder a client means, and whether it may have it.
 *
 * A path is followed to where it really is before it is compared, and what was compared is what gets opened. Between the two
 * somebody with an account of this machine could put a symlink in the way; a client cannot, for nothing it may call makes one.
 * Source: format/rpc.md §1, §8; checked against borg serve 1.2 and 1.4.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { BorgError } from '../base/errors.ts'
import { normalPath } from '../base/paths.ts'
import { decodeText, encodeText, nativePath } from '../base/text.ts'

export interface PathPolicy {
  /** Repositories at or below one of these folders. Empty: anywhere. Relative ones are relative to `baseFolder`. */
  readonly restrictToPaths: readonly string[]
  /** Exactly these repositories. Empty: any. Both kinds of restriction must be satisfied. */
  readonly restrictToRepositories: readonly string[]
  /** What `~` means; by default the home of the user who runs the server. */
  readonly homeFolder?: string | undefined
  /** Where relative paths begin; by default the working directory. */
  readonly baseFolder?: string | undefined
}

/** As Linux: longer ones cannot be opened. */
const pathBytesMax = 4096
const symlinksMax = 40

/**
 * The absolute path of the repository that a client calls `given`, without symlinks as far as it exists. `onDisk` is false
 * where paths are only names, as in a bucket: then nothing is looked up.
 * @throws BorgError 'PathNotAllowed'; RangeError for what is no path.
 */
export function allowedPath(given: string, policy: PathPolicy, options: { readonly onDisk: boolean }): string {
  const base = policy.baseFolder ?? process.cwd()
  const locate = (path: string): string => {
    const absolute = path.startsWith('/') ? path : `${base}/${path}`
    return options.onDisk ? realPath(absolute) : `/${normalPath(absolute).replace(/^\/+/, '')}`
  }
  const path = locate(withoutTilde(given, policy))
  const { restrictToPaths, restrictToRepositories } = policy
  const isBelow = restrictToPaths.some((folder) => withSlash(path).startsWith(withSlash(locate(folder))))
  const isListed = restrictToRepositories.some((repository) => path === locate(repository))
  if (restrictToPaths.length > 0 && !isBelow) throw new BorgError('PathNotAllowed', [path])
  if (restrictToRepositories.length > 0 && !isListed) throw new BorgError('PathNotAllowed', [path])
  return path
}

/** `/~/x` and `~/x`: in the home folder. `/~ada` and `~ada`: in hers. `/./x`: relative. The slash is that of the URL. */
function withoutTilde(given: string, policy: PathPolicy): string {
  requirePath(given)
  if (given.startsWith('/./')) return given.slice('/./'.length)
  const path = given.startsWith('/~') ? given.slice(1) : given
  if (!path.startsWith('~')) return path
  const slash = path.indexOf('/')
  const user = path.slice(1, slash < 0 ? undefined : slash)
  const home = user === '' ? (policy.homeFolder ?? homedir()) : homeOf(user)
  // Nobody of that name: a folder that happens to be called so.
  if (home === undefined) return path
  return slash < 0 ? home : home + path.slice(slash)
}

function homeOf(user: string): string | undefined {
  const accounts = decodeText(readFileSync('/etc/passwd')).split('\n')
  return accounts.map((account) => account.split(':')).find(([name]) => name === user)?.[5]
}

/** Follows symlinks as far as there is something; what does not exist yet stays as it is called. `path` is absolute. */
function realPath(path: string): string {
  const ahead = path.split('/').reverse()
  let resolved = '/'
  for (let links = 0; ahead.length > 0; ) {
    const part = ahead.pop() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') {
      resolved = resolved.slice(0, Math.max(resolved.lastIndexOf('/'), 1))
      continue
    }
    const next = resolved === '/' ? `/${part}` : `${resolved}/${part}`
    const target = linkTarget(next)
    if (target === undefined) {
      resolved = next
      continue
    }
    links += 1
    if (links > symlinksMax) throw new BorgError('PathNotAllowed', [path])
    if (target.startsWith('/')) resolved = '/'
    ahead.push(...target.split('/').reverse())
  }
  return resolved
}

/** Undefined for anything but a symlink; also for what we may not look at, and so could not open either. */
function linkTarget(path: string): string | undefined {
  try {
    return decodeText(readlinkSync(nativePath(path), 'buffer'))
  } catch {
    return undefined
  }
}

function requirePath(given: string): void {
  if (given.includes('\0')) throw new RangeError('the path has a NUL byte')
  const size = encodeText(given).length
  if (size > pathBytesMax) throw new RangeError(`the path has ${size} bytes, the limit is ${pathBytesMax}`)
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}
