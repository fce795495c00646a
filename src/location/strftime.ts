/**
 * strftime in the C locale: POSIX, what glibc adds, and Python's %f.
 * Source: POSIX.1-2017 strftime, glibc manual "Formatting Calendar Time", Python's datetime.
 */
import { type CalendarTime, isoWeek, offsetText } from './calendar.ts'

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** A conversion nobody knows stays as it is. */
export function strftime(format: string, time: CalendarTime): string {
  return format.replace(
    /%([-_0^#]*)(\d*)([EO]?)([\s\S])/gu,
    (whole, flags: string, width: string, _, letter: string) => {
      const conversion = convert(letter, time)
      return conversion === undefined ? whole : dress(conversion, flags, width)
    },
  )
}

/** Default of `{now}` and of timestamps in texts. */
export const isoSeconds = '%Y-%m-%dT%H:%M:%S'

interface Conversion {
  readonly text: string
  /** What fills up to `width`: '0' for numbers, ' ' for texts and blank-padded numbers. */
  readonly fill: '0' | ' '
  readonly width: number
}

function number(value: number, width: number, fill: '0' | ' ' = '0'): Conversion {
  return { text: String(value), fill, width }
}

function text(value: string): Conversion {
  return { text: value, fill: ' ', width: 0 }
}

function dress(conversion: Conversion, flags: string, width: string): string {
  let { text: dressed, fill } = conversion
  let wanted = width === '' ? conversion.width : Number(width)
  for (const flag of flags) {
    if (flag === '-') wanted = width === '' ? 0 : wanted
    else if (flag === '_') fill = ' '
    else if (flag === '0') fill = '0'
    else if (flag === '^') dressed = dressed.toUpperCase()
    else dressed = dressed === dressed.toUpperCase() ? dressed.toLowerCase() : dressed.toUpperCase()
  }
  return dressed.padStart(wanted, fill)
}

function convert(letter: string, time: CalendarTime): Conversion | undefined {
  return convertDay(letter, time) ?? convertClock(letter, time) ?? convertComposite(letter, time)
}

function convertDay(letter: string, time: CalendarTime): Conversion | undefined {
  const { weekday, dayOfYear } = time
  switch (letter) {
    case 'a':
      return text((days[weekday] ?? '').slice(0, 3))
    case 'A':
      return text(days[weekday] ?? '')
    case 'b':
    case 'h':
      return text((months[time.month - 1] ?? '').slice(0, 3))
    case 'B':
      return text(months[time.month - 1] ?? '')
    case 'C':
      return number(Math.floor(time.year / 100), 2)
    case 'd':
      return number(time.day, 2)
    case 'e':
      return number(time.day, 2, ' ')
    case 'g':
      return number(isoWeek(time).year % 100, 2)
    case 'G':
      return number(isoWeek(time).year, 0)
    case 'j':
      return number(dayOfYear, 3)
    case 'm':
      return number(time.month, 2)
    case 'u':
      return number(weekday === 0 ? 7 : weekday, 1)
    case 'U':
      return number(Math.floor((dayOfYear + 6 - weekday) / 7), 2)
    case 'V':
      return number(isoWeek(time).week, 2)
    case 'w':
      return number(weekday, 1)
    case 'W':
      return number(Math.floor((dayOfYear + 6 - ((weekday + 6) % 7)) / 7), 2)
    case 'y':
      return number(time.year % 100, 2)
    case 'Y':
      return number(time.year, 0)
    default:
      return undefined
  }
}

function convertClock(letter: string, time: CalendarTime): Conversion | undefined {
  const twelve = time.hour % 12 === 0 ? 12 : time.hour % 12
  switch (letter) {
    case 'f':
      return number(time.microsecond, 6)
    case 'H':
      return number(time.hour, 2)
    case 'I':
      return number(twelve, 2)
    case 'k':
      return number(time.hour, 2, ' ')
    case 'l':
      return number(twelve, 2, ' ')
    case 'M':
      return number(time.minute, 2)
    case 'p':
      return text(time.hour < 12 ? 'AM' : 'PM')
    case 'P':
      return text(time.hour < 12 ? 'am' : 'pm')
    case 's':
      return text(String(localSeconds(time)))
    case 'S':
      return number(time.second, 2)
    case 'z':
      return text(offsetText(time.offsetMinutes, ''))
    case 'Z':
      return text(time.zone)
    default:
      return undefined
  }
}

function convertComposite(letter: string, time: CalendarTime): Conversion | undefined {
  const composed = composites[letter]
  if (composed !== undefined) return text(strftime(composed, time))
  if (letter === 'n') return text('\n')
  if (letter === 't') return text('\t')
  return letter === '%' ? text('%') : undefined
}

const composites: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
}

/** C's mktime: the fields are taken as local time, whatever zone they were made in. */
function localSeconds(time: CalendarTime): number {
  const date = new Date(time.year, time.month - 1, time.day, time.hour, time.minute, time.second)
  return Math.floor(date.getTime() / 1000)
}
