/**
 * SIGINT, SIGTERM and SIGHUP as abort signals with reasons; SIGUSR1, SIGINFO and SIGUSR2 as questions.
 *
 * The first SIGINT only asks: `interrupted` aborts, and commands that can stop halfway in good order do. A second one, at
 * least 20 ms later (one key press may arrive twice), and the other two end the run: `signal` aborts with a
 * `SignalReason`, whatever is open rolls back. If even that does not end it, one more signal does.
 * Source: CLI contract "Signals, ^C, checkpoints".
 */
export type SignalName = EndingName | 'SIGUSR1' | 'SIGINFO' | 'SIGUSR2'

type EndingName = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What is asked: how far we are, or what we are doing. */
export type SignalQuestion = 'position' | 'trace'

const endings: Readonly<Record<EndingName, { code: number; message: string; msgid: string | undefined }>> = {
  SIGINT: { code: 130, message: 'Keyboard interrupt', msgid: undefined },
  SIGTERM: { code: 143, message: 'Received SIGTERM', msgid: 'Signal.SIGTERM' },
  SIGHUP: { code: 129, message: 'Received SIGHUP.', msgid: 'Signal.SIGHUP' },
}

/** Why a run was ended. It is thrown by whoever waits on the aborted signal, and main.ts knows it again. */
export class SignalReason extends Error {
  readonly signal: EndingName
  readonly exitCode: number
  readonly msgid: string | undefined

  constructor(signal: EndingName) {
    super(endings[signal].message)
    this.name = 'SignalReason'
    this.signal = signal
    this.exitCode = endings[signal].code
    this.msgid = endings[signal].msgid
  }
}

export interface Signals {
  /** ^C was pressed once: finish what must be finished, then stop. */
  readonly interrupted: AbortSignal
  /** Stop now. The reason is a `SignalReason`. */
  readonly signal: AbortSignal
  /**
   * Called by the next signal after `signal` has aborted, instead of the end of the process: for what waits for something
   * that can be forced. The one after that ends it all the same.
   */
  whenInsisted(listener: () => void): void
  /** Who answers: nobody until this is called. */
  answer(listener: (question: SignalQuestion) => void): void
}

export interface SignalSource {
  on(name: SignalName, listener: () => void): void
  off(name: SignalName, listener: () => void): void
}

const secondPressMs = 20

export interface SignalSettings {
  readonly source: SignalSource
  readonly monotonicMs: () => number
  /** Ends the process at once, with this exit code. */
  readonly exit: (code: number) => void
}

/** Listens until disposed. */
export function watchSignals(settings: SignalSettings): Signals & Disposable {
  const soft = new AbortController()
  const hard = new AbortController()
  let firstPress: number | undefined
  let force: (() => void) | undefined
  let listener: (question: SignalQuestion) => void = () => {}
  const end = (name: EndingName): void => {
    const reason = new SignalReason(name)
    if (!hard.signal.aborted) hard.abort(reason)
    else if (force === undefined) settings.exit(reason.exitCode)
    else {
      const once = force
      force = undefined
      once()
    }
  }
  const onInterrupt = (): void => {
    const now = settings.monotonicMs()
    if (firstPress === undefined) {
      firstPress = now
      soft.abort(new SignalReason('SIGINT'))
    } else if (now - firstPress >= secondPressMs) {
      end('SIGINT')
    }
  }
  const listeners: readonly (readonly [SignalName, () => void])[] = [
    ['SIGINT', onInterrupt],
    ['SIGTERM', () => end('SIGTERM')],
    ['SIGHUP', () => end('SIGHUP')],
    ['SIGUSR1', () => listener('position')],
    ['SIGINFO', () => listener('position')],
    ['SIGUSR2', () => listener('trace')],
  ]
  for (const [name, heard] of listeners) settings.source.on(name, heard)
  return {
    interrupted: soft.signal,
    signal: hard.signal,
    whenInsisted(forcing) {
      force = forcing
    },
    answer(answerer) {
      listener = answerer
    },
    [Symbol.dispose]() {
      for (const [name, heard] of listeners) settings.source.off(name, heard)
    },
  }
}
