/**
 * A command line that cannot be understood: usage block and "PROGRAM: error: TEXT" on stderr, exit code 2 in both modes.
 */
export class UsageError extends Error {
  /** The words whose usage is shown: [] for the main program, ['key', 'export'] for a subcommand. */
  readonly words: readonly string[]

  constructor(message: string, words: readonly string[] = []) {
    super(message)
    this.name = 'UsageError'
    this.words = words
  }
}
