/**
 * Stores in places where no borg runs: S3 and rclone.
 */
import { basename, dirname } from 'node:path'
import { BorgError } from '../base/errors.ts'
import type { RunOptions } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { storePath } from '../base/ids.ts'
import { decodeText } from '../base/text.ts'
import { canonicalLocation, type Location } from '../location/location.ts'
import type { RcloneOptions } from '../rclone/rclone-remote.ts'
import { RcloneStore } from '../rclone/rclone-store.ts'
import { type ChildEnvironment, withoutSecrets } from '../rpc/ssh-transport.ts'
import { S3Store, type S3StoreOptions } from '../s3/s3-store.ts'
import { s3SettingsFrom, sharedFilePaths } from '../s3/settings.ts'
import { LocalStore } from '../store/local-store.ts'
import { isStoreNotFound, type Store } from '../store/store.ts'
import { ThrottledStore } from '../store/throttled-store.ts'
import { homeFolder, processEnvironment } from './directories.ts'

export interface FarOptions {
  /** What is not said here comes from the environment and Amazon's shared files, as Amazon's own tools find it. */
  readonly s3?: Partial<S3StoreOptions> | undefined
  readonly rclone?: RcloneOptions | undefined
  /** Default: this process's. */
  readonly environment?: ChildEnvironment | undefined
  readonly uploadBytesPerSecond?: number | undefined
}

type FarLocation = Extract<Location, { scheme: 's3' | 'rclone' }>

/** Nothing far away has been touched yet. @throws BorgError 'CommandError' for settings that cannot be used. */
export async function farStore(
  location: FarLocation,
  options: FarOptions,
  host: Host,
  run: RunOptions,
): Promise<Store> {
  const store = await unlimited(location, options, host, run)
  const { uploadBytesPerSecond } = options
  if (uploadBytesPerSecond === undefined || uploadBytesPerSecond === 0) return store
  return new ThrottledStore(store, { uploadBytesPerSecond, host, signal: run.signal })
}

async function unlimited(location: FarLocation, options: FarOptions, host: Host, run: RunOptions): Promise<Store> {
  const environment = options.environment ?? processEnvironment()
  if (location.scheme === 's3') {
    return new S3Store(location, { ...(await s3Options(location, options.s3, environment)), host })
  }
  return new RcloneStore(location, { host, environment: withoutSecrets(environment), ...options.rclone }, run)
}

async function s3Options(
  location: FarLocation,
  given: Partial<S3StoreOptions> = {},
  environment: ChildEnvironment,
): Promise<S3StoreOptions> {
  const files = sharedFilePaths(environment, homeFolder(environment))
  const [config, keys] = await Promise.all([textOf(files.config), textOf(files.credentials)])
  const found = s3SettingsFrom(environment, config, keys)
  const credentials = given.credentials ?? found.credentials
  if (credentials === undefined) {
    throw new BorgError('CommandError', [
      `${canonicalLocation(location)}: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put them into ${files.credentials}`,
    ])
  }
  const { caFile } = found
  return {
    ...given,
    credentials,
    region: given.region ?? found.region,
    endpoint: given.endpoint ?? found.endpoint,
    addressing: given.addressing ?? found.addressing,
    ca: given.ca ?? (caFile === undefined ? undefined : await certificates(caFile)),
  }
}

async function certificates(path: string): Promise<string> {
  const text = await textOf(path)
  if (text === undefined) throw new BorgError('CommandError', [`AWS_CA_BUNDLE: there is no file ${path}`])
  return text
}

/** Undefined when there is no such file. */
async function textOf(path: string): Promise<string | undefined> {
  const folder = new LocalStore(dirname(path))
  try {
    return decodeText(await folder.read(storePath(basename(path))))
  } catch (error) {
    if (isStoreNotFound(error)) return undefined
    throw error
  } finally {
    await folder[Symbol.asyncDispose]()
  }
}
