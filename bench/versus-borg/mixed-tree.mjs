/**
 * The same work done by borg and by tsborg, one after the other in one run: a mixed tree created, created again
 * unchanged, extracted. Wall seconds, CPU seconds and peak memory of the largest process, and the ratio.
 *
 * Usage: npm run bench:versus-borg -- [GIGABYTES, default 5] [FOLDER to work in, default the temporary one]
 * Needs borg and /usr/bin/time (GNU). The extracted trees are compared with the source: a fast wrong answer fails.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const gigabytes = Number(process.argv[2] ?? 5)
const work = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'tsborg-bench-'))
const tree = join(work, 'tree')
const programs = { borg: ['borg'], tsborg: [process.execPath, join(project, 'dist', 'cli', 'tsborg.js')] }

/** 60 % large random files, 30 % text, and 10,000 small files a gigabyte. */
function makeTree() {
  for (const folder of ['random', 'text', 'small']) mkdirSync(join(tree, folder), { recursive: true })
  const block = Buffer.alloc(8 * 1024 * 1024)
  const fill = (path, bytes, make) => {
    const file = openSync(path, 'w')
    for (let written = 0; written < bytes; written += block.length) {
      make(written)
      writeSync(file, block, 0, Math.min(block.length, bytes - written))
    }
    closeSync(file)
  }
  const share = gigabytes * 1e9
  for (let i = 0; i < 6; i++) fill(join(tree, 'random', `${i}.bin`), (share * 0.6) / 6, () => randomFillSync(block))
  const words = Array.from({ length: 4000 }, (_, i) =>
    createHash('md5')
      .update(String(i))
      .digest('hex')
      .slice(0, 3 + (i % 9)),
  )
  let state = 1
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0)
  const text = () => {
    let at = 0
    while (at < block.length)
      at += block.write(`${words[(next() >>> 8) % words.length]}${next() % 11 === 0 ? '\n' : ' '}`, at)
  }
  for (let i = 0; i < 3; i++) fill(join(tree, 'text', `${i}.txt`), (share * 0.3) / 3, text)
  for (let i = 0; i < gigabytes * 10_000; i++) {
    const folder = join(tree, 'small', String(i % 500))
    if (i < 500) mkdirSync(folder)
    const size = 500 + (next() % 18_000)
    const start = next() % (block.length - size)
    writeFileSync(join(folder, String(i)), block.subarray(start, start + size))
  }
}

function measure(program, args, cwd) {
  const [command, ...first] = programs[program]
  const report = join(work, 'time')
  const env = { ...process.env, BORG_BASE_DIR: join(work, `base-${program}`), BORG_PASSPHRASE: 'correct horse' }
  mkdirSync(env.BORG_BASE_DIR, { recursive: true })
  const result = spawnSync('/usr/bin/time', ['-o', report, '-f', '%e %U %S %M', command, ...first, ...args], {
    cwd,
    env,
    encoding: 'utf8',
  })
  if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${result.status}\n${result.stderr}`)
  const [wall, user, system, kilobytes] = execFileSync('tail', ['-n', '1', report], { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number)
  return { wall, cpu: user + system, megabytes: kilobytes / 1024 }
}

const steps = [
  ['init', (repository) => ['init', '-e', 'repokey-blake2', repository]],
  ['create', (repository) => ['create', `${repository}::one`, 'tree']],
  ['create again', (repository) => ['create', `${repository}::two`, 'tree']],
  ['extract', (repository) => ['extract', `${repository}::two`]],
  ['check --verify-data', (repository) => ['check', '--verify-data', repository]],
]

try {
  console.log(
    `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, ${execFileSync('borg', ['--version'], { encoding: 'utf8' }).trim()}`,
  )
  makeTree()
  console.log(
    `tree: ${execFileSync('du', ['-sh', '--apparent-size', tree], { encoding: 'utf8' }).split('\t')[0]}, ${execFileSync('sh', ['-c', `find "${tree}" -type f | wc -l`], { encoding: 'utf8' }).trim()} files`,
  )
  console.log('step                 | borg wall   cpu  MB     | tsborg wall   cpu  MB    | wall ratio')
  for (const [name, argsFor] of steps) {
    const results = {}
    for (const program of Object.keys(programs)) {
      const out = name === 'extract' ? join(work, `out-${program}`) : work
      mkdirSync(out, { recursive: true })
      results[program] = measure(program, argsFor(join(work, `repository-${program}`)), out)
      if (name !== 'extract') continue
      execFileSync('diff', ['-r', tree, join(out, 'tree')])
      rmSync(out, { recursive: true })
    }
    const cell = ({ wall, cpu, megabytes }) =>
      `${wall.toFixed(1).padStart(8)} ${cpu.toFixed(1).padStart(6)} ${megabytes.toFixed(0).padStart(5)}`
    const ratio = results.tsborg.wall / results.borg.wall
    console.log(`${name.padEnd(20)} | ${cell(results.borg)}   | ${cell(results.tsborg)}   | ${ratio.toFixed(2)}`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
