/**
 * `prune`. Source: CLI contract, commands §9.
 */
import type { RetentionRule, RetentionVerdict } from '../../index.ts'
import { BorgError } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { pruneTable } from '../args/tables/prune.ts'
import type { CliIo, Command } from '../command.ts'
import { entryLine, loadEngine, openOptions, selectionOf } from '../engine.ts'
import { reportDeletion } from './delete.ts'

type Arguments = ArgsOf<typeof pruneTable>

const needRule =
  'At least one of the "keep-within", "keep-last", "keep-secondly", "keep-minutely", "keep-hourly", "keep-daily", ' +
  '"keep-weekly", "keep-monthly", "keep-13weekly", "keep-3monthly", or "keep-yearly" settings must be specified.'

export const prune: Command<typeof pruneTable> = {
  table: pruneTable,
  async run(args, io) {
    const engine = await loadEngine()
    await using session = await engine.openRepository(args.location, openOptions(engine, io, 'write'), io.run)
    const rules = rulesOf(args)
    if (rules.length === 0) throw new BorgError('CommandError', [needRule])
    const { glob } = selectionOf(args)
    const verdicts = engine.planPrune(session, { rules, glob })
    tellPlan(verdicts, session.archives.all().length, io)
    if (args.outputList) listVerdicts(verdicts, args.dryRun, io)
    if (args.dryRun) return undefined
    const options = { rules, glob, checkpointSeconds: args.checkpointInterval, force: args.forced }
    const result = await engine.pruneArchives(session, { ...options, wantCacheStatistics: args.stats }, io.run)
    if (args.stats || args.quickStats) reportDeletion(result.statistics, result.cacheStatistics, args.stats, io)
    return undefined
  },
}

function rulesOf(args: Arguments): RetentionRule[] {
  const counts = {
    secondly: args.secondly,
    minutely: args.minutely,
    hourly: args.hourly,
    daily: args.daily,
    weekly: args.weekly,
    monthly: args.monthly,
    quarterly_13weekly: args.quarterly13weekly,
    quarterly_3monthly: args.quarterly3monthly,
    yearly: args.yearly,
  } as const
  const within: RetentionRule[] = args.within === undefined ? [] : [{ keep: 'within', seconds: args.within }]
  const periods = Object.entries(counts).filter(([, count]) => count !== 0)
  return [...within, ...periods.map(([keep, count]) => ({ keep, count }) as RetentionRule)]
}

function tellPlan(verdicts: readonly RetentionVerdict[], total: number, io: CliIo): void {
  const isCheckpoint = (verdict: RetentionVerdict): boolean => /\.checkpoint(\.\d+)?$/.test(verdict.archive.name)
  const checkpoints = verdicts.filter(isCheckpoint)
  const normal = verdicts.filter((verdict) => !isCheckpoint(verdict))
  const kept = (list: readonly RetentionVerdict[]): number => list.filter((verdict) => verdict.keep).length
  io.log(
    'info',
    `Repository contains ${total - checkpoints.length} normal archives and ${checkpoints.length} checkpoint archives.`,
  )
  io.log('info', `Applying rules to the matching ${normal.length} archives and ${checkpoints.length} checkpoints...`)
  const pruning = verdicts.length - kept(verdicts)
  io.log(
    'info',
    `Keeping ${kept(normal)} archives and ${kept(checkpoints)} checkpoints, pruning ${pruning} archives and ${checkpoints.length - kept(checkpoints)} checkpoints.`,
  )
}

function listVerdicts(verdicts: readonly RetentionVerdict[], dryRun: boolean, io: CliIo): void {
  const total = verdicts.filter((verdict) => !verdict.keep).length
  let position = 0
  for (const verdict of verdicts) {
    if (!verdict.keep) position += 1
    const pruning = dryRun ? 'Would prune:' : `Pruning archive (${position}/${total}):`
    const message = verdict.keep ? keepMessage(verdict.rule, verdict.number) : pruning
    io.log('info', `${message.padEnd(44)} ${entryLine(verdict.archive)}`, 'borg.output.list')
  }
}

function keepMessage(rule: string, number: number): string {
  return rule === 'checkpoint' ? 'Keeping checkpoint archive:' : `Keeping archive (rule: ${rule} #${number}):`
}
