import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes, concatBytes, equalSecrets, fromHex, toHex } from '../../src/base/bytes.ts'
import { errorCatalog, warningMessage } from '../../src/base/error-catalog.ts'
import { BorgError, isBorgError, isIntegrityError, systemErrorCode } from '../../src/base/errors.ts'
import { ByteBudget, mapOrdered } from '../../src/base/flow.ts'
import { systemHost } from '../../src/base/host.ts'
import { itemPath, objectId, objectIdFromHex, segmentNumber, storePath, nanoseconds } from '../../src/base/ids.ts'
import { PercentProgress } from '../../src/base/progress.ts'
import type { EngineEvent } from '../../src/base/events.ts'
import { compareCodePoints, decodeText, encodeText, printableText } from '../../src/base/text.ts'
import { clampItemTime, formatTimestamp, parseTimestamp } from '../../src/base/time.ts'

const anyBytes = fc.uint8Array({ maxLength: 200 })

describe('bytes', () => {
  test('hex goes there and back', () => {
    fc.assert(fc.property(anyBytes, (bytes) => Buffer.compare(fromHex(toHex(bytes)), bytes) === 0))
    expect(() => fromHex('abc')).toThrow(RangeError)
    expect(() => fromHex('zz')).toThrow(RangeError)
  })

  test('order is that of Node for every pair', () => {
    fc.assert(fc.property(anyBytes, anyBytes, (a, b) => Math.sign(compareBytes(a, b)) === Buffer.compare(a, b)))
  })

  test('secrets compare equal only when they are', () => {
    fc.assert(fc.property(anyBytes, anyBytes, (a, b) => equalSecrets(a, b) === (Buffer.compare(a, b) === 0)))
  })

  test('concatenation owns its memory', () => {
    const part = Uint8Array.of(1, 2)
    const joined = concatBytes(part, Uint8Array.of(3))
    part[0] = 9
    expect([...joined]).toEqual([1, 2, 3])
  })
})

describe('text stands for bytes', () => {
  test('any bytes survive decoding and encoding', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        (bytes) => Buffer.compare(encodeText(decodeText(bytes)), bytes) === 0,
      ),
    )
  })

  test('valid UTF-8 is what everyone else says it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => decodeText(new TextEncoder().encode(text)) === text),
    )
  })

  // Values of Python: bytes.decode('utf-8', 'surrogateescape')
  test.each([
    ['ff', '\udcff'],
    ['61ff62', 'a\udcffb'],
    ['c0af', '\udcc0\udcaf'],
    ['eda080', '\udced\udca0\udc80'],
    ['e282', '\udce2\udc82'],
    ['f4908080', '\udcf4\udc90\udc80\udc80'],
    ['efbbbf61', '\ufeffa'],
  ])('bytes %s decode as Python decodes them', (hex, text) => {
    expect(decodeText(fromHex(hex))).toBe(text)
  })

  test('what people see has question marks, and lone surrogates that stand for no byte are refused', () => {
    expect(printableText('a\udcffb')).toBe('a?b')
    expect(() => encodeText('\ud800')).toThrow(RangeError)
  })
})

describe('order of text', () => {
  // Few characters, so that texts share beginnings: one and two units, high and low surrogates alone.
  const character = fc.constantFrom(
    'a',
    'b',
    '\u{e9}',
    '\uffee',
    '\u{1f600}',
    '\u{1f601}',
    '\udc80',
    '\udcff',
    '\ud83d',
  )
  const text = fc.array(character, { maxLength: 6 }).map((characters) => characters.join(''))

  test('is that of the lists of their code points', () => {
    const byList = (a: string, b: string): number => {
      const [left, right] = [a, b].map((one) => [...one].map((each) => each.codePointAt(0) ?? 0))
      for (const [i, code] of (left ?? []).entries()) if (code !== right?.[i]) return code - (right?.[i] ?? -1)
      return (left?.length ?? 0) - (right?.length ?? 0)
    }

    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(byList(a, b)))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('ids', () => {
  test('an object id is a copy of exactly 32 bytes', () => {
    const bytes = new Uint8Array(32)
    const id = objectId(bytes)
    bytes[0] = 1
    expect(id[0]).toBe(0)
    expect(() => objectId(new Uint8Array(31))).toThrow(RangeError)
    expect(() => objectIdFromHex('00')).toThrow(RangeError)
  })

  test('makers refuse what the formats cannot hold', () => {
    expect(() => segmentNumber(-1)).toThrow(RangeError)
    expect(() => segmentNumber(2 ** 32)).toThrow(RangeError)
    for (const bad of ['/a', 'a//b', 'a/../b', './a', 'a/']) expect(() => storePath(bad)).toThrow(RangeError)
    for (const bad of ['', '/etc']) expect(() => itemPath(bad)).toThrow(RangeError)
  })
})

describe('time', () => {
  test('times are kept within what every borg can read', () => {
    expect(clampItemTime(-1n)).toBe(0n)
    expect(clampItemTime(2n ** 62n)).toBe(2_147_310_847_000_000_000n)
    expect(clampItemTime(5n)).toBe(5n)
  })

  test('timestamps always have six digits and come back exactly to the microsecond', () => {
    expect(formatTimestamp(nanoseconds(1_700_000_000_000_000_000n))).toBe('2023-11-14T22:13:20.000000')
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 4n * 10n ** 18n }), (value) => {
        const microseconds = (value / 1000n) * 1000n
        return parseTimestamp(formatTimestamp(nanoseconds(microseconds))) === microseconds
      }),
    )
    expect(parseTimestamp('2023-11-14T22:13:20')).toBe(1_700_000_000_000_000_000n)
    for (const bad of ['', '2023-11-14', '2023-11-14T22:13:20Z', '2023-13-14T22:13:20.000000']) {
      expect(parseTimestamp(bad)).toBeUndefined()
    }
  })
})

describe('errors', () => {
  test('are recognised by code, also by a copy of the package', () => {
    const error: unknown = new BorgError('Archive.DoesNotExist', ['a'])
    expect(isBorgError(error, 'Archive.DoesNotExist')).toBe(true)
    expect(isBorgError(error, 'Archive.AlreadyExists')).toBe(false)
    const foreign = { code: 'IntegrityError', [Symbol.for('tsborg.BorgError')]: true }
    expect(isIntegrityError(foreign)).toBe(true)
    expect(isBorgError(new Error('x'))).toBe(false)
  })

  test('a system error is told from ours', () => {
    expect(systemErrorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT')
    expect(systemErrorCode(new BorgError('Error', ['x']))).toBeUndefined()
  })

  test('every modern exit code is unique but for the two generic families', () => {
    const codes = Object.values(errorCatalog)
      .map((spec) => spec.exit)
      .filter((exit) => exit !== 2)
    expect(new Set(codes).size).toBe(codes.length)
  })

  test('warnings read as borg prints them', () => {
    const message = warningMessage('BackupFileNotFoundError', ['x', 'stat', "[Errno 2] No such file or directory: 'x'"])
    expect(message).toBe("x: stat: [Errno 2] No such file or directory: 'x'")
  })
})

describe('flow', () => {
  test('results come in input order with no more running than allowed', async () => {
    let running = 0
    let most = 0
    const work = async (i: number): Promise<number> => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, (7 * i) % 5))
      running -= 1
      return i
    }
    const results: number[] = []
    for await (const result of mapOrdered(
      Array.from({ length: 20 }, (_, i) => i),
      3,
      work,
    ))
      results.push(result)
    expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(most).toBe(3)
  })

  test('a failure surfaces at its turn and waits for what still runs', async () => {
    const finished: number[] = []
    const work = async (i: number): Promise<number> => {
      if (i === 1) throw new Error('one')
      await new Promise((resolve) => setTimeout(resolve, 5))
      finished.push(i)
      return i
    }
    const seen: number[] = []
    const run = async (): Promise<void> => {
      for await (const result of mapOrdered([0, 1, 2], 3, work)) seen.push(result)
    }
    await expect(run()).rejects.toThrow('one')
    expect(seen).toEqual([0])
    expect(finished.sort()).toEqual([0, 2])
  })

  test('bytes are admitted in order and never past the limit, but for one giant alone', async () => {
    const budget = new ByteBudget(10)
    await budget.take(6)
    const order: string[] = []
    const big = budget.take(20).then(() => order.push('big'))
    const small = budget.take(1).then(() => order.push('small'))
    expect(budget.held).toBe(6)
    budget.give(6)
    await big
    expect(order).toEqual(['big'])
    budget.give(20)
    await small
    expect(order).toEqual(['big', 'small'])
  })

  test('an abandoned wait takes nothing', async () => {
    const budget = new ByteBudget(1)
    await budget.take(1)
    const controller = new AbortController()
    const waiting = budget.take(1, controller.signal)
    controller.abort(new Error('stop'))
    await expect(waiting).rejects.toThrow('stop')
    budget.give(1)
    expect(budget.held).toBe(0)
  })
})

describe('progress', () => {
  test('speaks at the start and whenever a step is reached, with borg’s lagging percentage', () => {
    const events: EngineEvent[] = []
    const options = { msgid: 'x', total: 40, step: 5, width: 3, decimals: 0, text: (p: string) => `Doing ${p}%` }
    const progress = new PercentProgress(options, { onEvent: (event) => events.push(event) })
    for (let i = 0; i < 40; i++) progress.advance()
    progress.finish()
    const messages = events.map((event) =>
      event.type === 'progress_percent' ? `${event.current} ${event.message}` : '',
    )
    expect(messages[0]).toBe('1 Doing   0%')
    expect(messages[1]).toBe('3 Doing   5%')
    expect(messages).toHaveLength(21)
    expect(events.at(-1)).toMatchObject({ finished: true })
  })
})

describe('the real machine', () => {
  test('has a clock near that of everyone, and identifies itself as borg does', () => {
    expect(Math.abs(Number(systemHost.now() / 1_000_000n) - Date.now())).toBeLessThan(1000)
    expect(systemHost.hostId).toMatch(/^.+@\d+$/)
    expect(systemHost.isProcessAlive(systemHost.hostId, process.pid)).toBe(true)
    expect(systemHost.isProcessAlive(systemHost.hostId, 4_999_999)).toBe(false)
    expect(systemHost.isProcessAlive('elsewhere@1', 4_999_999)).toBe(true)
  })
})
