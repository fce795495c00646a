/**
 * The same backup by borg and by tsborg, both as clients of the same `borg serve`, over pipes or through the same sshd on
 * loopback; through that by our built-in client, too. Wall seconds and ratios, in one run.
 *
 * Usage: npx tsx bench/rpc/versus-borg.mjs [--ssh] [MEGABYTES of one large file, default 300] [small FILES, default 5000]
 */
import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const numbers = process.argv.slice(2).filter((word) => word !== '--ssh')
const megabytes = Number(numbers[0] ?? 300)
const files = Number(numbers[1] ?? 5000)
const sshd = process.argv.includes('--ssh') ? await (await import('../../test/support/sshd.ts')).startSshd() : undefined
const work = mkdtempSync(join(tmpdir(), 'tsborg-bench-'))
const ours = [process.execPath, join(project, 'dist', 'cli', 'tsborg.js')]
const pipes = join(project, 'test', 'support', 'serve-rsh.sh')
const ways = {
  borg: { program: ['borg'], rsh: sshd?.sshCommand ?? pipes },
  tsborg: { program: ours, rsh: sshd?.sshCommand ?? pipes },
  ...(sshd === undefined
    ? {}
    : { 'tsborg, built-in': { program: ours, rsh: sshd.sshCommand.replace(/^\S+/, 'builtin:') } }),
}
const server = sshd === undefined ? 'pipe' : `${sshd.user}@${sshd.host}:${sshd.port}`

function run(name, args, cwd) {
  const {
    program: [program, ...first],
    rsh,
  } = ways[name]
  const before = performance.now()
  const { status, stderr } = spawnSync(program, [...first, ...args], {
    cwd,
    encoding: 'utf8',
    env: {
      ...process.env,
      BORG_BASE_DIR: join(work, `base-${name}`),
      BORG_PASSPHRASE: 'bench',
      BORG_RSH: rsh,
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
  for (const name of Object.keys(ways)) {
    const repository = `ssh://${server}${join(work, name)}`
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
    const others = Object.keys(ways)
      .filter((name) => name !== 'borg')
      .map((name) => `${name} ${seconds[name][what].toFixed(2)} s, ratio ${(seconds[name][what] / borg).toFixed(2)}`)
    console.log([`${what.padEnd(13)} borg ${borg.toFixed(2)} s`, ...others].join('; '))
  }
} finally {
  await sshd?.stop()
  rmSync(work, { recursive: true, force: true })
}
