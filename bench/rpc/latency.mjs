/**
 * Small files to and from a real `borg serve`, near and 50 ms away: wall seconds, and the ratio. The delay is in this
 * process, between the client and the server's pipes.
 *
 * Usage: node bench/rpc/latency.mjs [FILES, default 2000] [ROUND TRIP in ms, default 50]
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const engine = await import(join(project, 'dist', 'index.js'))
const files = Number(process.argv[2] ?? 2000)
const roundTripMs = Number(process.argv[3] ?? 50)
const work = mkdtempSync(join(tmpdir(), 'tsborg-bench-'))
const source = join(work, 'source')
const passphrase = 'bench'

/** Each piece arrives so much later, and in order. */
function delayed(milliseconds, from, to) {
  if (milliseconds === 0) return from.pipe(to)
  from.on('data', (piece) => setTimeout(() => to.write(piece), milliseconds))
  from.on('end', () => setTimeout(() => to.end(), milliseconds))
  return to
}

function serve(delayMs) {
  const server = spawn('borg', ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = new Promise((resolve) => server.once('close', resolve))
  const [output, input, log] = [new PassThrough(), new PassThrough(), new PassThrough()]
  delayed(delayMs / 2, output, server.stdin)
  delayed(delayMs / 2, server.stdout, input)
  server.once('close', () => log.end())
  return {
    input,
    output,
    log,
    ending: () => undefined,
    async [Symbol.asyncDispose]() {
      output.end()
      input.resume()
      await closed
    },
  }
}

async function timed(work) {
  const before = performance.now()
  await work()
  return (performance.now() - before) / 1000
}

async function round(delayMs) {
  const path = join(work, `repository-${delayMs}`)
  const directories = engine.defaultDirectories({ BORG_BASE_DIR: join(work, `base-${delayMs}`) }, work)
  const options = { access: 'write', passphrase, directories }
  const target = () => ({ transport: serve(delayMs), path })
  await engine.initRepository(target(), { ...options, encryption: 'repokey-blake2' })
  const withSession = async (action) => {
    const session = await engine.openRepository(target(), options)
    try {
      await action(session)
    } finally {
      await session[Symbol.asyncDispose]()
    }
  }
  const destination = join(work, `restored-${delayMs}`)
  mkdirSync(destination)
  return {
    create: await timed(() => withSession((session) => engine.createArchive(session, { name: 'a', roots: [source] }))),
    extract: await timed(() => withSession((session) => engine.extractArchive(session, 'a', { destination }))),
    open: await timed(() => withSession(async () => {})),
  }
}

try {
  mkdirSync(source)
  for (let i = 0; i < files; i++) writeFileSync(join(source, `file-${i}`), `${i} `.repeat(500 + (i % 4000)))
  await round(0) // warms up
  for (const name of [`repository-0`, `base-0`, `restored-0`]) rmSync(join(work, name), { recursive: true })
  const near = await round(0)
  const far = await round(roundTripMs)
  for (const what of Object.keys(near)) {
    const [a, b] = [near[what], far[what]]
    console.log(
      `${what.padEnd(8)} ${files} files: ${a.toFixed(2)} s near, ${b.toFixed(2)} s at ${roundTripMs} ms, ${(b / a).toFixed(2)}x`,
    )
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
