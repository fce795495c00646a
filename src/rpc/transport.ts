/**
 * A connected `borg serve`, however it was reached.
 */
import type { Readable, Writable } from 'node:stream'

/** Bytes both ways, the server's log on the side. Disposing ends it: the server sees the end of its input. */
export interface Transport extends AsyncDisposable {
  /** What the server says. Ends when the connection does. */
  readonly input: Readable
  /** What the server is told. */
  readonly output: Writable
  /** The server's log, and whatever else ssh and the far shell print: bytes of lines. */
  readonly log: Readable
  /** Why it ended, for the message when it ends too early ('exit status 255'). Known only afterwards. */
  readonly ending: () => string | undefined
}
