import { describe, expect, test } from 'vitest'
import { isBorgError } from '../../src/base/errors.ts'
import { s3SettingsFrom, sharedFilePaths } from '../../src/s3/settings.ts'

const config = `
[default]
region = eu-central-1

[profile minio]
region = here
endpoint_url = https://minio.example:9000/
ca_bundle = /etc/minio.pem
s3 =
    addressing_style = path
    max_concurrent_requests = 3

[profile garage]
services = home
# a comment
[services home]
s3 =
  endpoint_url = https://garage.example

[profile office]
sso_session = office
`
const credentials = `
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default/secret
[minio]
aws_access_key_id=AKIAMINIO
aws_secret_access_key=minio+secret=
aws_session_token=minio-token
`

function refusalOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isBorgError(error, 'CommandError')) return error.message
    throw error
  }
  return 'accepted'
}

describe('settings', () => {
  test('nothing said is nothing known', () => {
    expect(s3SettingsFrom({})).toEqual({
      credentials: undefined,
      region: undefined,
      endpoint: undefined,
      addressing: undefined,
      caFile: undefined,
    })
  })

  test('the environment says all, and wins over the files', () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIAENV',
      AWS_SECRET_ACCESS_KEY: 'env-secret',
      AWS_SESSION_TOKEN: 'env-token',
      AWS_REGION: 'us-west-2',
      AWS_DEFAULT_REGION: 'us-west-1',
      AWS_CA_BUNDLE: '/ca.pem',
      AWS_ENDPOINT_URL: 'https://all.example',
      AWS_ENDPOINT_URL_S3: 'https://s3.example',
    }

    const settings = s3SettingsFrom(env, config, credentials)

    expect(settings).toEqual({
      credentials: { accessKeyId: 'AKIAENV', secretAccessKey: 'env-secret', sessionToken: 'env-token' },
      region: 'us-west-2',
      endpoint: 'https://s3.example',
      addressing: undefined,
      caFile: '/ca.pem',
    })
    expect(s3SettingsFrom({ ...env, AWS_REGION: '', AWS_ENDPOINT_URL_S3: undefined })).toMatchObject({
      region: 'us-west-1',
      endpoint: 'https://all.example',
    })
  })

  test('a session token of the environment does not go with the keys of a profile', () => {
    const settings = s3SettingsFrom({ AWS_SESSION_TOKEN: 'other' }, config, credentials)

    expect(settings.credentials).toEqual({
      accessKeyId: 'AKIADEFAULT',
      secretAccessKey: 'default/secret',
      sessionToken: undefined,
    })
    expect(settings.region).toBe('eu-central-1')
  })

  test('a profile has parts in both files', () => {
    expect(s3SettingsFrom({ AWS_PROFILE: 'minio' }, config, credentials)).toEqual({
      credentials: { accessKeyId: 'AKIAMINIO', secretAccessKey: 'minio+secret=', sessionToken: 'minio-token' },
      region: 'here',
      endpoint: 'https://minio.example:9000',
      addressing: 'path',
      caFile: '/etc/minio.pem',
    })
    expect(s3SettingsFrom({ AWS_PROFILE: 'garage' }, config, credentials).endpoint).toBe('https://garage.example')
  })

  test('what cannot be meant is refused by name, and no value is repeated', () => {
    const half = refusalOf(() => s3SettingsFrom({ AWS_SECRET_ACCESS_KEY: 'top-secret' }))
    const unknown = refusalOf(() => s3SettingsFrom({ AWS_PROFILE: 'nobody' }, config, credentials))
    const elsewhere = refusalOf(() => s3SettingsFrom({ AWS_PROFILE: 'office' }, config, credentials))
    const broken = refusalOf(() => s3SettingsFrom({}, '', '[default]\naws_secret_access_key top-secret'))

    expect(half).toContain('only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set')
    expect(unknown).toContain("no profile 'nobody'")
    expect(elsewhere).toContain('sso_session')
    expect(broken).toContain('AWS credentials file: line 2')
    expect([half, unknown, elsewhere, broken].join()).not.toContain('top-secret')
  })

  test('the shared files are below the home folder, unless said otherwise', () => {
    expect(sharedFilePaths({}, '/home/ada')).toEqual({
      config: '/home/ada/.aws/config',
      credentials: '/home/ada/.aws/credentials',
    })
    const env = { AWS_CONFIG_FILE: '~/c', AWS_SHARED_CREDENTIALS_FILE: '/etc/keys' }
    expect(sharedFilePaths(env, '/home/ada')).toEqual({ config: '/home/ada/c', credentials: '/etc/keys' })
  })
})
