/**
 * What a short command costs: `--version`, and `list` of a repository with many archives. tsborg and borg take turns, so
 * that a busy machine is busy for both; medians of wall and CPU seconds, and the ratio.
 *
 * Usage: npm run bench:start-up -- [ARCHIVES, default 1000] [ROUNDS, default 15]
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createArchive, initRepository, openRepository } from '../../dist/index.js'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const archives = Number(process.argv[2] ?? 1000)
const rounds = Number(process.argv[3] ?? 15)
const work = mkdtempSync(join(tmpdir(), 'tsborg-bench-'))
const repository = join(work, 'repository')
const programs = {
  node: [process.execPath, '-e', '0'],
  borg: ['borg'],
  tsborg: [process.execPath, join(project, 'dist', 'cli', 'tsborg.js')],
}
const environment = {
  ...process.env,
  BORG_BASE_DIR: join(work, 'base'),
  BORG_PASSPHRASE: 'correct horse',
  BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
}

async function makeRepository() {
  process.env.BORG_BASE_DIR = environment.BORG_BASE_DIR
  mkdirSync(join(work, 'tree'))
  writeFileSync(join(work, 'tree', 'file'), 'content')
  const options = { access: 'write', passphrase: environment.BORG_PASSPHRASE }
  await initRepository(repository, { ...options, encryption: 'repokey-blake2' })
  const session = await openRepository(repository, options)
  try {
    for (let i = 0; i < archives; i++) {
      await createArchive(session, { name: `archive-${i}`, roots: [join(work, 'tree')], filesCache: 'disabled' })
    }
  } finally {
    await session[Symbol.asyncDispose]()
  }
}

function measure(program, args) {
  const report = join(work, 'time')
  const command = ['-f', '%e %U %S', '-o', report, ...programs[program], ...(program === 'node' ? [] : args)]
  const run = spawnSync('/usr/bin/time', command, { env: environment, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (run.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${run.status}\n${run.stderr}`)
  const [wall, user, system] = readFileSync(report, 'utf8').trim().split(/\s+/).map(Number)
  return { wall, cpu: user + system, lines: run.stdout.trimEnd().split('\n').length }
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function race(title, args, wantedLines) {
  const results = Object.fromEntries(Object.keys(programs).map((program) => [program, []]))
  for (let round = 0; round < rounds; round++) {
    for (const program of Object.keys(programs)) {
      const result = measure(program, args)
      if (program !== 'node' && result.lines !== wantedLines)
        throw new Error(`${program} printed ${result.lines} lines`)
      results[program].push(result)
    }
  }
  const of = (program, key) => median(results[program].map((result) => result[key]))
  for (const program of Object.keys(programs)) {
    const figures = `${of(program, 'wall').toFixed(2)} s wall, ${of(program, 'cpu').toFixed(2)} s CPU`
    const name = program === 'node' ? 'node -e 0' : program
    console.log(`${title.padEnd(24)} ${name.padEnd(10)} ${figures}`)
  }
  const ratio = (key) => (of('tsborg', key) / of('borg', key)).toFixed(2)
  console.log(`${title.padEnd(24)} tsborg / borg: wall ${ratio('wall')}, CPU ${ratio('cpu')}\n`)
}

try {
  await makeRepository()
  race('--version', ['--version'], 1)
  race(`list, ${archives} archives`, ['list', repository], archives)
} finally {
  rmSync(work, { recursive: true, force: true })
}
