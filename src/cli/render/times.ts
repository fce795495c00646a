/**
 * Times and durations for people and for JSON.
 * Source: CLI contract "Times, sizes, durations".
 */
import {
  clampItemTime,
  fixedDecimal,
  itemMicroseconds,
  localTime,
  type Microseconds,
  type Nanoseconds,
  secondsOnly,
  strftime,
  wholeMicroseconds,
} from '../../parsing.ts'

const textForm = '%a, %Y-%m-%d %H:%M:%S'
const isoForm = '%Y-%m-%dT%H:%M:%S.%f'

/** 'Mon, 2026-11-23 09:50:04', local. Archive times are cut to the second. */
export function archiveTimeText(time: Nanoseconds): string {
  return timeText(archiveMicroseconds(time))
}

/** '2026-11-23T09:50:04.000000', local, without a zone. */
export function archiveTimeIso(time: Nanoseconds): string {
  return timeIso(archiveMicroseconds(time))
}

export function itemTimeText(time: Nanoseconds): string {
  return timeText(itemMicroseconds(clampItemTime(time)))
}

export function itemTimeIso(time: Nanoseconds): string {
  return timeIso(itemMicroseconds(clampItemTime(time)))
}

/** A time in a format of the user's; '' is the text form. */
export function formatItemTime(time: Nanoseconds, spec: string): string {
  return strftime(spec === '' ? textForm : spec, localTime(itemMicroseconds(clampItemTime(time))))
}

export function formatArchiveTime(time: Nanoseconds, spec: string): string {
  return strftime(spec === '' ? textForm : spec, localTime(archiveMicroseconds(time)))
}

/** '1 days 1 hours 1 minutes 1.25 seconds'; parts that are zero are left out. */
export function durationText(seconds: number): string {
  const days = Math.floor(seconds / 86400)
  const hours = Math.trunc(seconds / 3600) % 24
  const minutes = Math.trunc(seconds / 60) % 60
  const parts = [`${fixedDecimal(seconds % 60, 2)} seconds`]
  if (minutes !== 0) parts.unshift(`${minutes} minutes`)
  if (hours !== 0) parts.unshift(`${hours} hours`)
  if (days !== 0) parts.unshift(`${days} days`)
  return parts.join(' ')
}

function archiveMicroseconds(time: Nanoseconds): Microseconds {
  return secondsOnly(wholeMicroseconds(time))
}

function timeText(instant: Microseconds): string {
  return strftime(textForm, localTime(instant))
}

function timeIso(instant: Microseconds): string {
  return strftime(isoForm, localTime(instant))
}
