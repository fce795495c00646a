import { describe, expect, test } from 'vitest'
import { FakeHost } from '../support/fake-host.ts'
import { loadFixture } from '../support/vectors.ts'
import { isBorgError } from '../../src/base/errors.ts'
import type { Nanoseconds } from '../../src/base/ids.ts'
import { expandPlaceholders } from '../../src/location/placeholders.ts'

const vectors = loadFixture<Record<string, [string, string][]>>('cli/misc-vectors.json')
const rows = vectors['placeholders_with_BORG_HOSTNAME=hn_BORG_USERNAME=un'] ?? []

function outcome(text: string): string {
  try {
    return expandPlaceholders(text, new FakeHost(), { hostname: 'hn', username: 'un' })
  } catch (error) {
    if (isBorgError(error, 'CommandError')) return `ERROR ValueError: ${error.args[0]}`
    if (!isBorgError(error)) throw error
    return `ERROR ${error.code}: ${error.message.replace(/: ".*"\.format\(.*\): /, ': ... ')}`
  }
}

describe('placeholders say what they say in borg', () => {
  test.each(rows)('%j: %s', (text, expected) => {
    expect(outcome(text)).toBe(expected)
  })
  test('the vectors are there', () => expect(rows.length).toBeGreaterThan(10))
})

test('each placeholder names what it is called after', () => {
  const host = new FakeHost({ startNanoseconds: 1_700_000_000_123_455_000n })
  const all = '{pid} {fqdn} {reverse-fqdn} {hostname} {user} {unixtime} {utcnow} {utcnow:%f %z %Z}'

  expect(expandPlaceholders(all, host)).toBe(
    '4711 fake.example.org org.example.fake fake ada 1700000000 2023-11-14T22:13:20 123456 +0000 UTC',
  )
  expect(expandPlaceholders('{uuid4}', host)).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  )
})

test('a given timestamp is what {now} and {utcnow} mean, but not {unixtime}', () => {
  const host = new FakeHost({ startNanoseconds: 1_700_000_000_000_000_000n })
  const timestamp = 86_400_000_000_000n as Nanoseconds

  expect(expandPlaceholders('{utcnow} {unixtime}', host, { timestamp })).toBe('1970-01-02T00:00:00 1700000000')
})
