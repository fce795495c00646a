import { expect, test } from 'vitest'
import { type SignalName, SignalReason, watchSignals } from '../../src/cli/signals.ts'

function world() {
  const listeners = new Map<SignalName, () => void>()
  const exits: number[] = []
  let ms = 0
  const watched = watchSignals({
    source: { on: (name, listener) => void listeners.set(name, listener), off: (name) => void listeners.delete(name) },
    monotonicMs: () => ms,
    exit: (code) => void exits.push(code),
  })
  return {
    watched,
    exits,
    listeners,
    press(name: SignalName, atMs: number) {
      ms = atMs
      listeners.get(name)?.()
    },
  }
}

test('the first ^C asks, a second one ends with 130', () => {
  const { watched, press } = world()

  press('SIGINT', 0)
  expect(watched.interrupted.aborted).toBe(true)
  expect(watched.signal.aborted).toBe(false)

  press('SIGINT', 500)
  expect(watched.signal.reason).toBeInstanceOf(SignalReason)
  expect(watched.signal.reason).toMatchObject({ exitCode: 130, message: 'Keyboard interrupt', msgid: undefined })
})

test('one key press that arrives twice is one', () => {
  const { watched, press } = world()

  press('SIGINT', 0)
  press('SIGINT', 19)

  expect(watched.signal.aborted).toBe(false)
})

test.each([
  ['SIGTERM', 143, 'Received SIGTERM'],
  ['SIGHUP', 129, 'Received SIGHUP.'],
] as const)('%s ends at once with %i', (name, exitCode, message) => {
  const { watched, press } = world()

  press(name, 0)

  expect(watched.interrupted.aborted).toBe(false)
  expect(watched.signal.reason).toMatchObject({ exitCode, message, msgid: `Signal.${name}` })
})

test('whoever does not end is ended by one more signal', () => {
  const { exits, press } = world()

  press('SIGTERM', 0)
  expect(exits).toEqual([])
  press('SIGTERM', 1)

  expect(exits).toEqual([143])
})

test('whoever can be forced is forced by one more signal, once', () => {
  const { watched, exits, press } = world()
  let forced = 0
  watched.whenInsisted(() => void forced++)

  press('SIGTERM', 0)
  expect(forced).toBe(0)
  press('SIGHUP', 1)
  expect([forced, exits]).toEqual([1, []])
  press('SIGTERM', 2)
  expect([forced, exits]).toEqual([1, [143]])
})

test('signals that ask go to whoever answers, and end nothing', () => {
  const { watched, press } = world()
  const questions: string[] = []
  press('SIGUSR1', 0)
  watched.answer((question) => void questions.push(question))

  for (const name of ['SIGUSR1', 'SIGINFO', 'SIGUSR2'] as const) press(name, 1)

  expect(questions).toEqual(['position', 'position', 'trace'])
  expect(watched.interrupted.aborted || watched.signal.aborted).toBe(false)
})

test('nobody listens after disposal', () => {
  const { watched, listeners } = world()

  watched[Symbol.dispose]()

  expect(listeners.size).toBe(0)
})
