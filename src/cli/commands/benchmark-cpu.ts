/**
 * `benchmark cpu`: how fast the arithmetic is. An addition of ours; borg 2 has a command of this name.
 */
import type { KernelMeasurement } from '../../index.ts'
import { fixedDecimal } from '../../parsing.ts'
import { benchmarkCpuTable } from '../args/tables/other.ts'
import type { Command } from '../command.ts'
import { loadEngine } from '../engine.ts'

export const benchmarkCpu: Command<typeof benchmarkCpuTable> = {
  table: benchmarkCpuTable,
  async run(_, io) {
    const engine = await loadEngine()
    const bytes = io.env['_BORG_BENCHMARK_CPU_TEST'] === undefined ? undefined : 10_000
    let group: string | undefined
    for await (const measurement of engine.benchmarkKernels({ bytes, host: io.host })) {
      io.signal.throwIfAborted()
      if (measurement.group !== group) io.write(`${group === undefined ? '' : '\n'}${measurement.group}\n`)
      group = measurement.group
      io.write(`  ${line(measurement)}\n`)
    }
    return undefined
  },
}

function line({ name, amount, seconds }: KernelMeasurement): string {
  const [speed, unit] =
    'bytes' in amount ? [amount.bytes / seconds / 1e6, 'MB/s'] : [amount.count / seconds, `${amount.unit}/s`]
  const time = `${fixedDecimal(seconds * 1000, 1)} ms`
  return `${name.padEnd(24)} ${fixedDecimal(Math.min(speed, 1e9), 1).padStart(14)} ${unit.padEnd(8)} ${time.padStart(12)}`
}
