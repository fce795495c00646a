/**
 * The main job, start to end, with nothing but this program: an encrypted repository, two backups of a real tree, list,
 * full verification, restore, comparison, and what deduplication saved. Everything happens in a temporary folder.
 *
 * Usage: node bench/main-job.mjs [FOLDER TO BACK UP]; default: this project's own dependencies.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const tsborg = join(project, 'dist', 'cli', 'tsborg.js')
const tree = resolve(process.argv[2] ?? join(project, 'node_modules'))
const work = mkdtempSync(join(tmpdir(), 'tsborg-main-job-'))
const repository = join(work, 'repository')
const note = join(work, 'note.txt')
const restored = join(work, 'restored')

const env = {
  ...process.env,
  BORG_BASE_DIR: join(work, 'base'),
  BORG_PASSPHRASE: 'correct horse battery staple',
}

function run(title, args, options = {}) {
  console.log(`\n$ tsborg ${args.join(' ').replaceAll(work, '…')}`)
  const result = spawnSync(process.execPath, [tsborg, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    ...options,
  })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd()
  if (output !== '' && options.quiet !== true) console.log(output)
  if (result.status !== 0) {
    console.error(`${title} failed with exit code ${result.status}\n${output}`)
    process.exit(1)
  }
  return result.stdout ?? ''
}

try {
  mkdirSync(env.BORG_BASE_DIR)
  mkdirSync(restored)
  console.log(`Backing up ${tree} into ${repository}`)
  run('init', ['init', '--encryption', 'repokey-blake2', repository])
  writeFileSync(note, 'first version\n')
  run('first backup', ['create', '--stats', '--compression', 'zstd,3', `${repository}::monday`, tree, note])
  writeFileSync(note, 'second version\n')
  run('second backup', ['create', '--stats', '--compression', 'zstd,3', `${repository}::tuesday`, tree, note])
  run('list', ['list', repository])
  run('check', ['check', '--verify-data', '--verbose', repository])
  run('restore', ['extract', `${repository}::tuesday`], { cwd: restored })

  const comparison = spawnSync('diff', ['-r', '--no-dereference', tree, join(restored, tree)], { encoding: 'utf8' })
  const same = comparison.status === 0
  console.log(
    `\n$ diff -r ${tree} …/restored${tree}\n${same ? 'no differences' : comparison.stdout + comparison.stderr}`,
  )

  const info = JSON.parse(run('info', ['info', '--json', repository], { quiet: true }))
  const { total_size: total, unique_csize: stored } = info.cache.stats
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`
  console.log(
    `Two backups hold ${megabytes(total)}; the repository stores ${megabytes(stored)} (${((100 * stored) / total).toFixed(1)} %).`,
  )
  console.log(same ? 'The restored tree is identical.' : 'THE RESTORED TREE DIFFERS.')
  process.exitCode = same ? 0 : 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
