/**
 * Reading through a mount, ours and borg's side by side: a large file, a thousand small ones, a folder of a hundred
 * thousand. Each program mounts the same repository anew for each figure, so that no cache is warm but the disk's.
 *
 * Usage: npm run build && node bench/mount.mjs [rounds]. Linux, as root. Borg is left out where it cannot mount.
 */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { randomFillSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const tsborg = join(project, 'dist', 'cli', 'tsborg.js')
const rounds = Number(process.argv[2] ?? 3)
const work = mkdtempSync(join(tmpdir(), 'tsborg-bench-mount-'))
const repository = join(work, 'repo')
const mountPoint = join(work, 'mnt')
const env = { ...process.env, BORG_BASE_DIR: join(work, 'base'), BORG_PASSPHRASE: 'benchmark' }
const largeMegabytes = 512
const programs = { tsborg: [process.execPath, tsborg], borg: ['borg'] }

function run(command, args) {
  const start = performance.now()
  const result = spawnSync(command, args, { env, encoding: 'utf8', cwd: work, maxBuffer: 2 ** 28 })
  const seconds = (performance.now() - start) / 1000
  return { seconds, code: result.status, output: `${result.stdout}${result.stderr}` }
}

function must(command, args) {
  const done = run(command, args)
  if (done.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.output}`)
  return done
}

function makeTree() {
  const tree = join(work, 'tree')
  mkdirSync(join(tree, 'small'), { recursive: true })
  mkdirSync(join(tree, 'many'))
  const file = openSync(join(tree, 'large'), 'w')
  for (let megabyte = 0; megabyte < largeMegabytes; megabyte++) writeSync(file, randomFillSync(Buffer.alloc(2 ** 20)))
  closeSync(file)
  for (let number = 0; number < 1000; number++) {
    writeFileSync(join(tree, 'small', `file-${number}`), randomFillSync(Buffer.alloc(4096)))
  }
  for (let number = 0; number < 100_000; number++) writeFileSync(join(tree, 'many', `file-${number}`), '')
}

/** What is measured; each is a shell command in the mounted archive. */
const jobs = {
  [`dd of ${largeMegabytes} MB`]: 'dd if=tree/large of=/dev/null bs=1M status=none',
  'the same again': 'dd if=tree/large of=/dev/null bs=1M status=none',
  'cat of 1,000 small files': 'cat tree/small/* > /dev/null',
  'ls of 100,000 entries': 'ls -f tree/many > /dev/null',
  'ls -l of 100,000 entries': 'ls -l tree/many > /dev/null',
}

function ended(processId) {
  while (existsSync(`/proc/${processId}`)) spawnSync('sleep', ['0.05'])
}

/** Seconds by job, and the memory the serving process had at most. */
function measure([command, ...words]) {
  const mount = must(command, [...words, 'mount', `${repository}::all`, mountPoint])
  const processId = /, (\d+), 0\]/.exec(readFileSync(join(repository, 'lock.roster'), 'utf8'))[1]
  const times = { mount: mount.seconds }
  for (const [name, job] of Object.entries(jobs)) times[name] = must('sh', ['-c', `cd ${mountPoint} && ${job}`]).seconds
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))[1]
  must('umount', [mountPoint])
  ended(processId)
  return { times, megabytes: Number(peak) / 1024 }
}

try {
  mkdirSync(mountPoint)
  makeTree()
  must(process.execPath, [tsborg, 'init', '-e', 'repokey', repository])
  must(process.execPath, [tsborg, 'create', `${repository}::all`, 'tree'])
  const rows = new Map()
  for (const [name, program] of Object.entries(programs)) {
    try {
      for (let round = 0; round < rounds; round++) {
        const { times, megabytes } = measure(program)
        for (const [job, seconds] of Object.entries({ ...times, 'memory at most, MB': megabytes })) {
          const row = rows.get(job) ?? {}
          row[name] = [...(row[name] ?? []), seconds]
          rows.set(job, row)
        }
      }
    } catch (error) {
      console.warn(`${name} is left out: ${error.message.split('\n').at(0)}`)
    }
  }
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
  const table = [...rows].map(([job, row]) => {
    const figures = Object.entries(row).map(([name, values]) => [name, median(values).toFixed(2)])
    return [job, Object.fromEntries(figures)]
  })
  console.table(Object.fromEntries(table))
} finally {
  spawnSync('umount', ['-l', mountPoint])
  rmSync(work, { recursive: true, force: true })
}
