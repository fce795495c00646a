/**
 * Runs alternatives of one job against each other and prints MiB/s, median and fastest run. Times are CPU times of this
 * process, so that what else the machine does matters less.
 */
import { Bench } from 'tinybench'

/** One variant on one input: `run` does the job once, `check` throws if what it gave is wrong. */
export interface Contender<Result> {
  readonly name: string
  readonly bytes: number
  readonly run: () => Result
  readonly check: (result: Result) => void
}

/** Times each contender after checking its result, so that a fast wrong answer fails. */
export async function race<Result>(title: string, contenders: readonly Contender<Result>[]): Promise<void> {
  const bench = new Bench({ now: cpuMilliseconds, time: 300, warmupTime: 200 })
  for (const { name, run, check } of contenders) {
    check(run())
    bench.add(name, run)
  }
  await bench.run()
  const rows = bench.tasks.map((task, i) => {
    const { bytes, name } = contenders[i]!
    const { result } = task
    if (!('latency' in result)) throw new Error(`${name}: ${result.state}`)
    return { variant: name, 'MiB/s': speed(bytes, result.latency.p50), best: speed(bytes, result.latency.min) }
  })
  console.log(`\n${title}`)
  console.table(rows)
}

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function speed(bytes: number, milliseconds: number): number {
  return Number((bytes / 1048576 / (milliseconds / 1000)).toPrecision(3))
}
