/**
 * `benchmark crud`: create, read, update and delete archives, timed. Source: CLI contract, commands §21.
 */
import { randomFillSync } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { RunOptions, WriteSession } from '../../index.ts'
import { BorgError, fixedDecimal, formatSize, systemErrorText } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { benchmarkCrudTable } from '../args/tables/other.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, loadEngine, openOptions } from '../engine.ts'

interface Sample {
  readonly name: string
  readonly files: number
  readonly bytes: number
  readonly random: boolean
}

const sizes: readonly Omit<Sample, 'random'>[] = [
  { name: 'BIG', files: 10, bytes: 100_000_000 },
  { name: 'MEDIUM', files: 1000, bytes: 1_000_000 },
  { name: 'SMALL', files: 10_000, bytes: 10_000 },
]
const testSizes: typeof sizes = [{ name: 'TEST', files: 1, bytes: 1 }]
/** Test data are made and written in pieces of this many bytes. */
const pieceSize = 2 ** 20

export const benchmarkCrud: Command<typeof benchmarkCrudTable> = {
  table: benchmarkCrudTable,
  async run(args, io) {
    const engine = await loadEngine()
    const benchmark = new Benchmark(engine, args, io)
    await benchmark.requireUnused()
    const wanted = io.env['_BORG_BENCHMARK_CRUD_TEST'] === undefined ? sizes : testSizes
    for (const { name, ...size } of wanted) {
      await benchmark.measure({ name: `Z-${name}`, ...size, random: false })
      await benchmark.measure({ name: `R-${name}`, ...size, random: true })
    }
    return undefined
  },
}

class Benchmark {
  readonly #engine: Engine
  readonly #args: ArgsOf<typeof benchmarkCrudTable>
  readonly #io: CliIo
  readonly #folder: string
  /** Any ^C ends it at once: a checkpoint of test data is of use to nobody. */
  readonly #run: RunOptions
  /** Archives that are ours to delete. */
  readonly #made = new Set<string>()

  constructor(engine: Engine, args: ArgsOf<typeof benchmarkCrudTable>, io: CliIo) {
    this.#engine = engine
    this.#args = args
    this.#io = io
    this.#run = { ...io.run, stopSoon: undefined, signal: AbortSignal.any([io.signal, io.interrupted]) }
    this.#folder = resolve(io.currentFolder, args.path, 'borg-test-data')
  }

  /** Before gigabytes are written for nothing. */
  async requireUnused(): Promise<void> {
    await this.#inRepository(async (session) => {
      for (const name of ['borg-benchmark-crud1', 'borg-benchmark-crud2', 'borg-benchmark-crud3']) {
        requireUnused(session, name)
      }
    })
  }

  async measure(sample: Sample): Promise<void> {
    this.#makeFolder()
    try {
      for (let file = 0; file < sample.files; file++) {
        await setImmediate() // so that signals are heard
        this.#writeFile(join(this.#folder, `file_${file}`), sample)
      }
      const seconds = await this.#timed()
      for (const [letter, taken] of Object.entries(seconds)) this.#tell(letter, sample, taken)
    } finally {
      try {
        rmSync(this.#folder, { recursive: true, force: true })
      } finally {
        await this.#removeLeftovers()
      }
    }
  }

  async #timed(): Promise<Readonly<Record<'C' | 'R' | 'U' | 'D', number>>> {
    // Without the files cache every file is read and cut.
    const C = await this.#create('borg-benchmark-crud1', 'disabled')
    // So that the update finds a files cache that knows everything.
    await this.#create('borg-benchmark-crud2', undefined)
    await this.#delete('borg-benchmark-crud2')
    const U = await this.#create('borg-benchmark-crud3', undefined)
    await this.#delete('borg-benchmark-crud3')
    const R = await this.#seconds((session) =>
      this.#engine.extractArchive(session, 'borg-benchmark-crud1', { dryRun: true }, this.#run),
    )
    // The last archive with these data: its chunks go with it.
    const D = await this.#delete('borg-benchmark-crud1')
    return { C, R, U, D }
  }

  async #create(name: string, filesCache: 'disabled' | undefined): Promise<number> {
    const { commandLine } = this.#io
    const options = { name, roots: [this.#folder], filesCache, commandLine, checkpointSeconds: 0 }
    return await this.#seconds(async (session) => {
      requireUnused(session, name)
      // Nobody else can make it now: we hold the lock.
      this.#made.add(name)
      await this.#engine.createArchive(session, options, this.#run)
    })
  }

  async #delete(name: string): Promise<number> {
    const taken = await this.#seconds((session) => this.#engine.deleteArchives(session, [name], {}, this.#run))
    this.#made.delete(name)
    return taken
  }

  async #removeLeftovers(): Promise<void> {
    if (this.#made.size === 0) return
    const { onEvent, ask } = this.#io
    await this.#inRepository(
      async (session) => {
        const left = [...this.#made].filter((name) => session.archives.get(name) !== undefined)
        if (left.length > 0) await this.#engine.deleteArchives(session, left)
      },
      // Also after a signal, which the second of its kind may cut short.
      { onEvent, ask },
    )
  }

  async #seconds(action: (session: WriteSession) => Promise<unknown>): Promise<number> {
    const start = this.#io.host.monotonicMs()
    await this.#inRepository(action)
    return (this.#io.host.monotonicMs() - start) / 1000
  }

  /** Opened anew each time, as whoever runs one command after the other does. */
  async #inRepository(action: (session: WriteSession) => Promise<unknown>, run: RunOptions = this.#run): Promise<void> {
    const options = openOptions(this.#engine, this.#io, 'write', 'none')
    await using session = await this.#engine.openRepository(this.#args.location, options, run)
    await action(session)
  }

  #makeFolder(): void {
    try {
      mkdirSync(this.#folder)
    } catch (error) {
      throw new BorgError('Error', [systemErrorText(error, this.#folder)], { cause: error })
    }
  }

  #writeFile(path: string, { bytes, random }: Sample): void {
    this.#run.signal?.throwIfAborted()
    const file = openSync(path, 'wx')
    try {
      for (let left = bytes; left > 0; left -= pieceSize) {
        const piece = Buffer.alloc(Math.min(left, pieceSize))
        writeSync(file, random ? randomFillSync(piece) : piece)
      }
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }

  #tell(letter: string, { name, files, bytes, random }: Sample, seconds: number): void {
    const speed = fixedDecimal((files * bytes) / seconds / 1e6, 2).padStart(9)
    const kind = random ? 'random' : 'all-zero'
    const what = `(${files} * ${formatSize(bytes)} ${kind} files: ${fixedDecimal(seconds, 2)}s)`
    this.#io.write(`${letter}-${name.padEnd(10)} ${speed} MB/s ${what}\n`)
  }
}

/** @throws BorgError 'Archive.AlreadyExists': it is somebody's, and must not be deleted at the end. */
function requireUnused({ archives }: WriteSession, name: string): void {
  if (archives.get(name) !== undefined) throw new BorgError('Archive.AlreadyExists', [name])
}
