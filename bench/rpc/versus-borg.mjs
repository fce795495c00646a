/**
 * The same backup by borg and by tsborg, both as clients of the same `borg serve` over pipes: wall seconds and the ratio,
 * in one run.
 *
 * Usage: node bench/rpc/versus-borg.mjs [MEGABYTES of one large file, default 300] [small FILES, default 5000]
 */
import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const megabytes = Number(process.argv[2] ?? 300)
const files = Number(process.argv[3] ?? 5000)
const work = mkdtempSync(join(tmpdir(), 'tsborg-bench-'))
const programs = { borg: ['borg'], tsborg: [process.execPath, join(project, 'dist', 'cli', 'tsborg.js')] }

function run(name, args, cwd) {
  const [program, ...first] = programs[name]
  const before = performance.now()
  const { status, stderr } = spawnSync(program, [...first, ...args], {
    cwd,
    encoding: 'utf8',
    env: {
      ...process.env,
      BORG_BASE_DIR: join(work, `base-${name}`),
      BORG_PASSPHRASE: 'bench',
      BORG_RSH: join(project, 'test', 'support', 'serve-rsh.sh'),
    },
  })
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: exit ${status}\n${stderr}`)
  return (performance.now() - before) / 1000
}

try {
  const source = join(work, 'source')
  mkdirSync(source)
  for (let i = 0; i < files; i++)
    writeFileSync(join(source, `file-${i}`), randomFillSync(Buffer.alloc(1000 + (i % 8000))))
  writeFileSync(join(source, 'large'), randomFillSync(Buffer.alloc(megabytes * 1e6)))
  const seconds = {}
  for (const name of ['borg', 'tsborg']) {
    const repository = `ssh://pipe${join(work, name)}`
    const restored = join(work, `restored-${name}`)
    mkdirSync(restored)
    run(name, ['init', '-e', 'repokey-blake2', repository], work)
    seconds[name] = {
      create: run(name, ['create', `${repository}::a`, 'source'], work),
      'create again': run(name, ['create', `${repository}::b`, 'source'], work),
      extract: run(name, ['extract', `${repository}::a`], restored),
    }
    const { status } = spawnSync('diff', ['-r', source, join(restored, 'source')])
    if (status !== 0) throw new Error(`${name} restored something else`)
  }
  for (const [what, borg] of Object.entries(seconds.borg)) {
    const ours = seconds.tsborg[what]
    console.log(
      `${what.padEnd(13)} borg ${borg.toFixed(2)} s, tsborg ${ours.toFixed(2)} s, ratio ${(ours / borg).toFixed(2)}`,
    )
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
