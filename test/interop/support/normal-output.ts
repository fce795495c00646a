/**
 * What two programs print for the same command, made comparable: without what differs from run to run and place to place.
 */
import type { BorgRun } from '../../support/real-borg.ts'

export interface NormalRun {
  readonly code: number | null
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
}

export function normalRun(run: BorgRun, folder: string): NormalRun {
  return { code: run.code, stdout: normalLines(run.stdout, folder), stderr: normalLines(run.stderr, folder) }
}

/** Ids, times, durations and paths by their names. */
export function normalLines(text: string, folder: string): readonly string[] {
  const shown = text
    .replaceAll(folder, '<WORLD>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<ID>')
    .replaceAll(/[A-Z][a-z]{2}, (?!2020)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<NOW>')
    .replaceAll(/(?!2020)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}/g, '<NOW>')
    .replaceAll(/\d+\.\d\d seconds/g, '<DURATION>')
    .replaceAll(/"(time|duration)": \d+\.\d+(e-\d+)?/g, '"$1": <NUMBER>')
    .replaceAll(/"max_archive_size": [\d.e-]+/g, '"max_archive_size": <NUMBER>')
  // A usage error ends in one line that counts; how the usage is laid out is each program's own.
  const usage = /^usage: /m.test(shown) ? shown.slice(shown.lastIndexOf('\n', shown.length - 2) + 1) : shown
  // Python prints where an error came from after what it is.
  const [message = ''] = usage.split(/^Traceback \(most recent call last\):$|(?<=^Local Exception\n)\w+Error: /m)
  return message
    .replaceAll(/^(borg|start|tsborg)(\.js)?((?: [a-z-]+)*): error:/gm, '<PROGRAM>$3: error:')
    .replaceAll(/"[^"]*\/(borg|start|tsborg\.js)"/g, '"<PROGRAM>"')
    .split('\n')
}
