/**
 * What Amazon's own tools take from the environment and from the two shared files, as far as it concerns a bucket.
 *
 * Pure: texts come in, nothing is read. Environment before files; of the files, credentials before config.
 * Source: "Configuration and credential file settings" and "Environment variables", AWS CLI and SDKs reference guides.
 */
import { BorgError, isBorgError } from '../base/errors.ts'
import { type Ini, parseIni } from '../format/ini.ts'
import type { S3Addressing } from './address.ts'
import type { S3Credentials } from './signing.ts'

export interface S3Settings {
  /** Undefined when nobody said any. */
  readonly credentials: S3Credentials | undefined
  readonly region: string | undefined
  /** For locations that name no endpoint. */
  readonly endpoint: string | undefined
  readonly addressing: S3Addressing | undefined
  /** Path of a PEM file, to be read by whoever may. */
  readonly caFile: string | undefined
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Where the shared files are; `home` stands for '~'. */
export function sharedFilePaths(env: Environment, home: string): { config: string; credentials: string } {
  const path = (name: string, otherwise: string): string => {
    const given = env[name]
    return given === undefined || given === '' ? `${home}/.aws/${otherwise}` : given.replace(/^~(?=\/|$)/, home)
  }
  return {
    config: path('AWS_CONFIG_FILE', 'config'),
    credentials: path('AWS_SHARED_CREDENTIALS_FILE', 'credentials'),
  }
}

/**
 * `shared…Text`: contents of the shared files, where there are any.
 * @throws BorgError 'CommandError' for half a pair of keys, an unknown profile, a file that cannot be parsed, and for
 * credentials that would have to be fetched from somewhere. No value is ever part of the message.
 */
export function s3SettingsFrom(env: Environment, sharedConfigText = '', sharedCredentialsText = ''): S3Settings {
  const given = (name: string): string | undefined => env[name] || undefined
  const config = parsed(sharedConfigText, 'AWS config file')
  const keys = parsed(sharedCredentialsText, 'AWS credentials file')
  const named = given('AWS_PROFILE') ?? given('AWS_DEFAULT_PROFILE')
  const name = named ?? 'default'
  const inConfig = config.get(name === 'default' ? 'default' : `profile ${name}`) ?? config.get(`profile ${name}`)
  const inKeys = keys.get(name)
  if (named !== undefined && inConfig === undefined && inKeys === undefined) {
    throw new BorgError('CommandError', [`AWS_PROFILE: there is no profile '${named}' in the AWS config files`])
  }
  const ofProfile = (key: string): string | undefined => inKeys?.get(key) || inConfig?.get(key) || undefined
  const service = config.get(`services ${ofProfile('services') ?? ''}`)?.get('s3')
  const region = given('AWS_REGION') ?? given('AWS_DEFAULT_REGION') ?? ofProfile('region')
  const endpoint =
    given('AWS_ENDPOINT_URL_S3') ??
    given('AWS_ENDPOINT_URL') ??
    nested(service, 'endpoint_url') ??
    nested(ofProfile('s3'), 'endpoint_url') ??
    ofProfile('endpoint_url')
  return {
    credentials: credentialsFrom(given) ?? credentialsOfProfile(name, ofProfile),
    region,
    endpoint: endpoint?.replace(/\/+$/, ''),
    addressing: addressingFrom(nested(ofProfile('s3'), 'addressing_style')),
    caFile: given('AWS_CA_BUNDLE') ?? ofProfile('ca_bundle'),
  }
}

type Lookup = (name: string) => string | undefined

function credentialsFrom(given: Lookup): S3Credentials | undefined {
  return pair(
    given('AWS_ACCESS_KEY_ID'),
    given('AWS_SECRET_ACCESS_KEY'),
    given('AWS_SESSION_TOKEN'),
    'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  )
}

/** Settings that say how to come by credentials, which only Amazon's own tools do. */
const fetched = ['credential_process', 'role_arn', 'sso_session', 'sso_start_url', 'web_identity_token_file'] as const

function credentialsOfProfile(name: string, ofProfile: Lookup): S3Credentials | undefined {
  const found = pair(
    ofProfile('aws_access_key_id'),
    ofProfile('aws_secret_access_key'),
    ofProfile('aws_session_token'),
    `aws_access_key_id and aws_secret_access_key of profile '${name}'`,
  )
  const way = fetched.find((key) => ofProfile(key) !== undefined)
  if (found !== undefined || way === undefined) return found
  throw new BorgError('CommandError', [
    `AWS profile '${name}' gets its credentials by ${way}, which is not supported here; ` +
      `'aws configure export-credentials --profile ${name} --format env' prints some that can be used`,
  ])
}

function pair(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
  names: string,
): S3Credentials | undefined {
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new BorgError('CommandError', [`only one of ${names} is set`])
  }
  return { accessKeyId, secretAccessKey, sessionToken }
}

function addressingFrom(style: string | undefined): S3Addressing | undefined {
  return style === 'path' || style === 'virtual' || style === 'auto' ? style : undefined
}

/** `key` in a value that consists of indented lines `key = value`. */
function nested(value: string | undefined, key: string): string | undefined {
  for (const line of value?.split('\n') ?? []) {
    const [, name, text] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name?.toLowerCase() === key && text !== '') return text
  }
  return undefined
}

function parsed(text: string, file: string): Ini {
  try {
    return parseIni(text)
  } catch (error) {
    if (!isBorgError(error, 'IntegrityError')) throw error
    // Which line, but not what is in it.
    throw new BorgError('CommandError', [`${file}: ${error.args[0].replace(/^config /, '')}`])
  }
}
