/**
 * Where a repository is, parsed but not touched.
 *
 * borg's own forms are tried in borg's order: ssh://, file://, [user@]host:path, then any text without '::' as a local
 * path. Before them come the forms borg 1.x has no use for: sftp://[user@]host[:port]/path, s3://bucket[/prefix],
 * s3:https://endpoint/bucket[/prefix] and rclone:remote:path.
 * Source: CLI contract "Repository locations"; fixtures/vectors/parsing.json, fixtures/cli/misc-vectors.json.
 */
import { BorgError } from '../base/errors.ts'
import { normalPath } from '../base/paths.ts'

/** Exhaustive: connect.ts switches on `scheme`. */
export type Location =
  | { scheme: 'file'; path: string }
  | { scheme: 'ssh'; user?: string; host: string; port?: number; path: string }
  | { scheme: 'sftp'; user?: string; host: string; port?: number; path: string }
  | { scheme: 's3'; endpoint: string; bucket: string; prefix: string }
  | { scheme: 'rclone'; remote: string; path: string }

export interface ParsedLocation {
  readonly location: Location
  readonly archive?: string
  /** The repository as typed (or as BORG_REPO has it), without the archive: what borg names in error texts for ssh. */
  readonly typed: string
}

export interface LocationDefaults {
  /** BORG_REPO, placeholders expanded: stands in for '', '::' and the first part of '::ARCHIVE'. */
  readonly repository?: string | undefined
}

const amazonEndpoint = 'https://s3.amazonaws.com'

const user = '(?:(?<user>[^@:/]+)@)?'
const host = '(?<host>(?!\\[)[^:/]+|\\[[0-9a-fA-F:.]+\\])'
const port = '(?::(?<port>\\d+))?'
/** Any characters, but no '::'. */
const run = '(?:[^:]|:(?!:))+'
const archive = '(?:::(?<archive>[^/]+))?'

const sshForm = new RegExp(`^(?<scheme>ssh|sftp)://${user}${host}${port}(?<path>/${run})${archive}$`, 'u')
const fileForm = new RegExp(`^file://(?<path>[^/]*/${run})${archive}$`, 'u')
const scpForm = new RegExp(`^${user}${host}:(?!:|//|ssh://|socket://)(?<path>${run})${archive}$`, 'u')
const localForm = new RegExp(`^(?!:|//|ssh://|socket://|sftp://|s3://)(?<path>${run})${archive}$`, 'u')
const s3Form = new RegExp(`^s3:(?:(?<endpoint>https?://[^/]+)/|//)(?<bucket>[^/:]+)(?<prefix>/${run})?${archive}$`, 'u')
const rcloneForm = new RegExp(`^rclone:(?<remote>[^:/]+):(?<path>${run})?${archive}$`, 'u')
const withoutRepository = /^(?:::(?<archive>[^/]+)?)?$/u

/**
 * Placeholders are expanded by the caller (`expandPlaceholders`), once, before.
 * @throws BorgError 'CommandError' with borg's text for anything borg's parser would refuse.
 */
export function parseLocation(text: string, defaults: LocationDefaults = {}): ParsedLocation {
  const parsed = match(text)
  if (parsed !== undefined) return parsed
  const rest = withoutRepository.exec(text)
  if (rest !== null && defaults.repository !== undefined) {
    const repository = match(defaults.repository)
    // BORG_REPO names a repository; with an archive in it, it is no default.
    if (repository !== undefined && repository.archive === undefined) {
      return withArchive(repository.location, rest.groups?.['archive'], defaults.repository)
    }
  }
  throw new BorgError('CommandError', [`Invalid location format: "${text}"`])
}

function match(text: string): ParsedLocation | undefined {
  const other = matchOurForms(text)
  if (other !== undefined) return other
  const groups = (sshForm.exec(text) ?? fileForm.exec(text) ?? scpForm.exec(text) ?? localForm.exec(text))?.groups
  if (groups === undefined) return undefined
  const path = normalRepositoryPath(groups['path'] ?? '')
  const hostname = groups['host']
  const typed = withoutArchive(text, groups['archive'])
  if (hostname === undefined) return withArchive({ scheme: 'file', path }, groups['archive'], typed)
  const scheme = groups['scheme'] === 'sftp' ? 'sftp' : 'ssh'
  const location: Location = {
    scheme,
    ...(groups['user'] === undefined ? {} : { user: groups['user'] }),
    host: hostname.replace(/^\[+|\]+$/g, ''),
    ...(groups['port'] === undefined ? {} : { port: Number(groups['port']) }),
    path,
  }
  return withArchive(location, groups['archive'], typed)
}

function matchOurForms(text: string): ParsedLocation | undefined {
  // Shown, logged, and kept in caches: a location is no place for a secret.
  if (/^s3:https?:\/\/[^/]*@/u.test(text)) {
    const reason = 'credentials do not belong into it; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY hold them'
    throw new BorgError('CommandError', [`Invalid location of an S3 repository: ${reason}`])
  }
  const s3 = s3Form.exec(text)?.groups
  if (s3 !== undefined) {
    const prefix = (s3['prefix'] ?? '').replace(/^\/+|\/+$/g, '')
    const location: Location = {
      scheme: 's3',
      endpoint: s3['endpoint'] ?? amazonEndpoint,
      bucket: s3['bucket'] ?? '',
      prefix,
    }
    return withArchive(location, s3['archive'], withoutArchive(text, s3['archive']))
  }
  const rclone = rcloneForm.exec(text)?.groups
  if (rclone === undefined) return undefined
  const location: Location = { scheme: 'rclone', remote: rclone['remote'] ?? '', path: rclone['path'] ?? '' }
  return withArchive(location, rclone['archive'], withoutArchive(text, rclone['archive']))
}

function withArchive(location: Location, name: string | undefined, typed: string): ParsedLocation {
  return name === undefined ? { location, typed } : { location, archive: name, typed }
}

function withoutArchive(text: string, name: string | undefined): string {
  return name === undefined ? text : text.slice(0, text.length - name.length - '::'.length)
}

/** A leading '/./' says "relative to the login folder" and survives. */
function normalRepositoryPath(path: string): string {
  const normal = normalPath(path)
  return path.startsWith('/./') ? `/.${normal}` : normal
}

/**
 * One text for one place: stored as "previous location", shown as "Repository:", used in JSON. Relative local paths stay
 * relative; see `absoluteLocation`.
 */
export function canonicalLocation(location: Location): string {
  switch (location.scheme) {
    case 'file':
      return location.path
    case 'ssh':
    case 'sftp': {
      const name = location.host.includes(':') ? `[${location.host}]` : location.host
      const before = location.user === undefined ? '' : `${location.user}@`
      const after = location.port === undefined ? '' : `:${location.port}`
      return `${location.scheme}://${before}${name}${after}${urlPath(location.path)}`
    }
    case 's3': {
      const prefix = location.prefix === '' ? '' : `/${location.prefix}`
      const start = location.endpoint === amazonEndpoint ? 's3://' : `s3:${location.endpoint}/`
      return `${start}${location.bucket}${prefix}`
    }
    case 'rclone':
      return `rclone:${location.remote}:${location.path}`
  }
}

function urlPath(path: string): string {
  if (path.startsWith('/')) return path
  return path.startsWith('~') ? `/${path}` : `/./${path}`
}

/** A local path as seen from `folder`; every other location as it is. */
export function absoluteLocation(location: Location, folder: string): Location {
  if (location.scheme !== 'file' || location.path.startsWith('/')) return location
  return { scheme: 'file', path: normalPath(`${folder}/${location.path}`) }
}

/** Default name of the key file in keyfile modes. If it exists already, '.2', '.3' ... is appended by whoever writes. */
export function keyFileName(location: Location): string {
  switch (location.scheme) {
    case 'file':
      return wordsOf(location.path).slice(0, 100)
    case 'ssh':
    case 'sftp':
      return `${underscored(location.host)}__${wordsOf(location.path)}`.slice(0, 100)
    case 's3':
      return `${underscored(location.bucket)}__${wordsOf(location.prefix)}`.slice(0, 100)
    case 'rclone':
      return `${underscored(location.remote)}__${wordsOf(location.path)}`.slice(0, 100)
  }
}

function underscored(text: string): string {
  return text.replace(/[^\p{L}\p{N}_]/gu, '_')
}

function wordsOf(path: string): string {
  return underscored(path).replace(/^_+|_+$/g, '')
}

/**
 * For names that stand alone: rename's target, diff's second archive, recreate --target.
 * @throws BorgError 'CommandError' with borg's text.
 */
export function parseArchiveName(name: string): string {
  if (name === '' || name.includes('/') || name.includes('::')) {
    throw new BorgError('CommandError', [`Invalid archive name: "${name}"`])
  }
  return name
}
