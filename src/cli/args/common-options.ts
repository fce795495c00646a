/**
 * Options that every command takes, in front of it and behind.
 * Source: CLI contract "Common options", fixtures/cli/options.json.
 */
import { type ArgsOf, flag, oneOf, value, values } from './argument.ts'
import { int, octal, text } from './value-types.ts'

export type LogThreshold = 'critical' | 'error' | 'warning' | 'info' | 'debug'

export const commonArguments = {
  help: flag('-h --help', 'show this help and exit'),
  logLevel: oneOf<LogThreshold>('warning', [
    { options: '--critical', help: 'say only what is critical', means: 'critical' },
    { options: '--error', help: 'say errors', means: 'error' },
    { options: '--warning', help: 'say warnings too (default)', means: 'warning' },
    { options: '--info -v --verbose', help: 'say what is being done', means: 'info' },
    { options: '--debug', help: 'say everything, also how it is done', means: 'debug' },
  ]),
  debugTopics: values('--debug-topic', 'TOPIC', text, 'debug messages of this topic; may be repeated'),
  progress: flag('-p --progress', 'show progress on stderr'),
  iec: flag('--iec', 'sizes in powers of 1024 (KiB, MiB ...)'),
  logJson: flag('--log-json', 'messages on stderr as one JSON object a line'),
  lockWaitSeconds: value('--lock-wait', 'SECONDS', int, 1, 'wait so long for a lock (default: 1)'),
  bypassLock: flag('--bypass-lock', 'read without taking the lock'),
  showVersion: flag('--show-version', 'log the version'),
  showRc: flag('--show-rc', 'log the exit code at the end'),
  umask: value('--umask', 'M', octal, 0o077, 'umask for files created here (default: 0077)'),
  remotePath: value('--remote-path', 'PATH', text, undefined, 'program to run on the server (default: borg)'),
  uploadRatelimit: value('--upload-ratelimit', 'RATE', int, undefined, 'upload at most RATE KiB/s, 0: no limit', {
    old: {
      option: '--remote-ratelimit',
      notice: 'Warning: "--remote-ratelimit" has been deprecated. Use --upload-ratelimit instead.',
    },
  }),
  uploadBuffer: value('--upload-buffer', 'UPLOAD_BUFFER', int, undefined, 'upload buffer in MiB, 0: none', {
    old: {
      option: '--remote-buffer',
      notice: 'Warning: "--remote-buffer" has been deprecated. Use --upload-buffer instead.',
    },
  }),
  considerPartFiles: flag('--consider-part-files', 'treat parts of interrupted files as files'),
  debugProfile: value('--debug-profile', 'FILE', text, undefined, 'write an execution profile to FILE'),
  rsh: value('--rsh', 'RSH', text, undefined, 'command that connects to the server (default: ssh)'),
}

/** Only the main program takes it. */
export const mainArguments = { version: flag('-V --version', 'show the version and exit'), ...commonArguments }

/** As a command gets them: the most specific place on the command line wins, topics add up. */
export type CommonOptions = Omit<ArgsOf<{ arguments: typeof commonArguments }>, 'help'>
