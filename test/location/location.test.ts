import { describe, expect, test } from 'vitest'
import { FakeHost } from '../support/fake-host.ts'
import { loadFixture } from '../support/vectors.ts'
import { isBorgError } from '../../src/base/errors.ts'
import {
  absoluteLocation,
  canonicalLocation,
  keyFileName,
  parseArchiveName,
  parseLocation,
} from '../../src/location/location.ts'
import { expandPlaceholders } from '../../src/location/placeholders.ts'

interface Row {
  text: string
  ok?: boolean
  error?: string
  BORG_REPO?: string
  proto?: string
  user?: string | null
  host?: string | null
  port?: number | null
  path?: string
  archive?: string | null
  canonical?: string
  processed?: string
  keyfile?: string
  key_file_name?: string
}
const misc = loadFixture<{
  locations: Row[]
  archive_name: [string, string][]
  location_validator: unknown[]
}>('cli/misc-vectors.json')
const parsing = loadFixture<{
  locations: Row[]
  locations_with_BORG_REPO: { BORG_REPO: string; rows: Row[] }
}>('vectors/parsing.json')

const rows: Row[] = [
  ...misc.locations,
  ...parsing.locations,
  ...parsing.locations_with_BORG_REPO.rows.map((row) => ({
    BORG_REPO: parsing.locations_with_BORG_REPO.BORG_REPO,
    ...row,
  })),
]

/** What borg's parser would make of it, in the words of the vectors, for the keys the row has. */
function outcome(row: Row): Row {
  try {
    const text = expandPlaceholders(row.text, new FakeHost())
    const { location, archive, typed } = parseLocation(text, { repository: row.BORG_REPO })
    if (location.scheme !== 'file' && location.scheme !== 'ssh') throw new Error(`unexpected ${location.scheme}`)
    const remote = location.scheme === 'ssh' ? location : undefined
    const all: Row = {
      text: row.text,
      ok: true,
      proto: location.scheme,
      user: remote?.user ?? null,
      host: remote?.host ?? null,
      port: remote?.port ?? null,
      path: location.path,
      archive: archive ?? null,
      canonical: canonicalLocation(location),
      processed: archive === undefined ? typed : `${typed}::${archive}`,
      keyfile: keyFileName(location),
      key_file_name: keyFileName(location),
    }
    if (row.BORG_REPO !== undefined) all.BORG_REPO = row.BORG_REPO
    return Object.fromEntries(Object.entries(all).filter(([key]) => key in row)) as unknown as Row
  } catch (error) {
    if (!isBorgError(error, 'CommandError')) throw error
    const failure: Row = { text: row.text }
    if (row.BORG_REPO !== undefined) failure.BORG_REPO = row.BORG_REPO
    return 'error' in row ? { ...failure, error: `ValueError: ${error.args[0]}` } : { ...failure, ok: false }
  }
}

describe('locations mean what they mean to borg', () => {
  test.each(rows)('$text (BORG_REPO $BORG_REPO)', (row) => {
    expect(outcome(row)).toEqual(row)
  })
})

describe('archive names', () => {
  test.each(misc.archive_name)('%j: %s', (name, expected) => {
    const check = (): string => parseArchiveName(expandPlaceholders(name, new FakeHost()))
    const problem = /^ERROR (\w+): (.*)$/.exec(expected)

    if (problem === null) expect(check()).toBe(expected)
    else expect(check).toThrow(problem[2])
  })
})

test.each([
  [
    'sftp://me@host:2222/./backups::a',
    { scheme: 'sftp', user: 'me', host: 'host', port: 2222, path: '/./backups' },
    'a',
  ],
  [
    's3://bucket/some/prefix/::a',
    { scheme: 's3', endpoint: 'https://s3.amazonaws.com', bucket: 'bucket', prefix: 'some/prefix' },
    'a',
  ],
  [
    's3:http://localhost:9000/bucket',
    { scheme: 's3', endpoint: 'http://localhost:9000', bucket: 'bucket', prefix: '' },
    undefined,
  ],
  ['rclone:drive:backups/borg::a', { scheme: 'rclone', remote: 'drive', path: 'backups/borg' }, 'a'],
])('%s is a store of ours and survives its canonical form', (text, location, archive) => {
  const parsed = parseLocation(text)

  expect(parsed.location).toEqual(location)
  expect(parsed.archive).toBe(archive)
  expect(parseLocation(canonicalLocation(parsed.location)).location).toEqual(location)
})

test.each(['s3:https://key:secret@host/bucket', 's3:https://key@host/bucket::archive'])(
  'credentials in a location are refused, and not repeated: %s',
  (text) => {
    let refusal: unknown
    try {
      parseLocation(text)
    } catch (error) {
      refusal = error
    }
    expect(isBorgError(refusal, 'CommandError')).toBe(true)
    expect(String(refusal)).toContain('AWS_ACCESS_KEY_ID')
    expect(String(refusal)).not.toMatch(/secret|key@|key:/)
  },
)

test.each(['sftp://host', 's3://', 's3://bucket::a/b', 'rclone:x'])('%s is not taken for a store of ours', (text) => {
  let scheme = 'refused'
  try {
    scheme = parseLocation(text).location.scheme
  } catch {
    // refused is an answer as well
  }
  expect(['refused', 'ssh']).toContain(scheme)
})

test('BORG_REPO with an archive in it is no default', () => {
  expect(() => parseLocation('::a', { repository: '/r::x' })).toThrow('Invalid location format: "::a"')
})

test('relative local paths are seen from the working folder, remote ones stay', () => {
  expect(absoluteLocation({ scheme: 'file', path: '../r' }, '/home/ada')).toEqual({ scheme: 'file', path: '/home/r' })
  expect(absoluteLocation({ scheme: 'ssh', host: 'h', path: 'r' }, '/home/ada').scheme).toBe('ssh')
})

test('a key file name is never longer than 100 characters', () => {
  expect(keyFileName({ scheme: 'file', path: `/${'x'.repeat(200)}` })).toHaveLength(100)
})
