/**
 * What is heard on stderr, as the command line asks for it.
 */
import type { CommandLine } from './args/parser.ts'
import type { Environment } from './env.ts'
import type { ProcessIo } from './process-io.ts'
import type { LogSettings } from './render/log-sink.ts'

export function logSettings(
  line: Extract<CommandLine, { kind: 'command' }>,
  io: Pick<ProcessIo, 'stderr'>,
  environment: Environment,
): LogSettings {
  const { common, args } = line
  const enabled = new Set<string>()
  if (args['outputList'] === true) enabled.add('borg.output.list')
  if (args['stats'] === true || args['quickStats'] === true) enabled.add('borg.output.stats')
  if (common.progress) enabled.add('borg.output.progress')
  if (common.showVersion) enabled.add('borg.output.show-version')
  if (common.showRc) enabled.add('borg.output.show-rc')
  const filter = args['outputFilter']
  return {
    json: common.logJson,
    threshold: common.logLevel,
    debugTopics: common.debugTopics,
    enabled,
    progress: common.progress,
    iec: common.iec,
    statusFilter: typeof filter === 'string' ? filter : undefined,
    isTerminal: io.stderr.isTerminal,
    columns: environment.columns ?? io.stderr.columns,
  }
}
