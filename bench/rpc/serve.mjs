/**
 * Pipelined puts and gets over a pipe: our server and `borg serve`, driven by the same raw client that seals nothing and
 * keeps a hundred requests on the way. Megabytes a second and the ratio, in one run; the servers take turns.
 *
 * Usage: node bench/rpc/serve.mjs [ROUNDS, default 3]      (borg in BORG, default 'borg')
 */
import { spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Unpacker } from '../../dist/format/msgpack-decode.js'
import { Packer } from '../../dist/format/msgpack-encode.js'
import { encodeRequest, frameLimits } from '../../dist/rpc/wire.js'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const rounds = Number(process.argv[2] ?? 3)
const inFlightMax = 100
const servers = { borg: [process.env.BORG ?? 'borg'], tsborg: [process.execPath, join(project, 'dist/cli/tsborg.js')] }
const loads = [
  { name: '30000 x 2 KB', count: 30_000, size: 2000 },
  { name: '300 x 1 MB', count: 300, size: 1_000_000 },
]

/** One server and its pipe. Answers are counted, not looked at, unless asked for. */
class Client {
  #server
  #answers
  #packer = new Packer()
  #unpacker = new Unpacker(frameLimits)
  #count = 0

  constructor([program, ...args]) {
    this.#server = spawn(program, [...args, 'serve'], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#answers = this.#server.stdout[Symbol.asyncIterator]()
  }

  async call(method, args) {
    await this.#send(method, args)
    await this.#receive()
  }

  async stream(method, calls) {
    let onTheWay = 0
    for (const args of calls) {
      if (onTheWay === inFlightMax) onTheWay -= await this.#receive()
      await this.#send(method, args)
      onTheWay += 1
    }
    while (onTheWay > 0) onTheWay -= await this.#receive()
  }

  async end() {
    this.#server.stdin.end()
    for await (const _ of { [Symbol.asyncIterator]: () => this.#answers });
  }

  async #send(method, args) {
    this.#count += 1
    encodeRequest(this.#packer, { id: this.#count, method, args: Object.entries(args) }, 'map')
    if (!this.#server.stdin.write(this.#packer.take())) {
      // The pipe is full: the server reads on only when its answers are read, too.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Waits for at least one answer; returns how many came. */
  async #receive() {
    for (let count = 0; ; ) {
      while (this.#unpacker.nextPacked() !== undefined) count += 1
      if (count > 0) return count
      const { value, done } = await this.#answers.next()
      if (done) throw new Error('the server has ended')
      this.#unpacker.feed(value)
    }
  }
}

function idsOf(count) {
  return Array.from({ length: count }, () => randomFillSync(new Uint8Array(32)))
}

async function measure(server, { count, size }, folder) {
  const ids = idsOf(count)
  const data = randomFillSync(new Uint8Array(size))
  const timed = async (work) => {
    const before = performance.now()
    await work()
    return (performance.now() - before) / 1000
  }
  const client = new Client(server)
  const start = await timed(async () => {
    await client.call('negotiate', { client_data: new Map([['client_version', [1, 4, 5, -1]]]) })
    await client.call('open', { path: folder, create: true, lock_wait: 1, lock: true, exclusive: true })
  })
  const put = await timed(async () => {
    await client.stream(
      'put',
      ids.map((id) => ({ id, data })),
    )
    await client.call('commit', { save_space: false, compact: false })
  })
  const get = await timed(() =>
    client.stream(
      'get',
      ids.map((id) => ({ id })),
    ),
  )
  await client.end()
  return { start, put, get }
}

const work = mkdtempSync(join(tmpdir(), 'tsborg-bench-'))
try {
  for (const load of loads) {
    const best = {}
    for (let round = 0; round < rounds; round++) {
      for (const [name, server] of Object.entries(servers)) {
        const folder = join(work, `${name}-${load.size}-${round}`)
        const seconds = await measure(server, load, folder)
        rmSync(folder, { recursive: true })
        best[name] ??= seconds
        for (const what of Object.keys(seconds)) best[name][what] = Math.min(best[name][what], seconds[what])
      }
    }
    const megabytes = (load.count * load.size) / 1e6
    console.log(`${load.name}, best of ${rounds}`)
    for (const what of ['start', 'put', 'get']) {
      const rate = (name) =>
        what === 'start'
          ? `${best[name].start.toFixed(2)} s`
          : `${best[name][what].toFixed(2)} s (${(megabytes / best[name][what]).toFixed(0)} MB/s)`
      const ratio = (best.tsborg[what] / best.borg[what]).toFixed(2)
      console.log(`  ${what.padEnd(6)} borg ${rate('borg')}, tsborg ${rate('tsborg')}, ratio ${ratio}`)
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
