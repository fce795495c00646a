import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const project = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(project, 'README.md'), 'utf8')
const snippets = [...readme.matchAll(/```ts\n\/\/ snippet: (\w+)\n([\s\S]*?)```/g)].map((match) => ({
  name: match[1] ?? '',
  code: match[2] ?? '',
}))

let work = ''

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'tsborg-readme-'))
  mkdirSync(join(work, 'node_modules'))
  symlinkSync(project, join(work, 'node_modules', 'tsborg'))
  symlinkSync(join(project, 'node_modules', '@types'), join(work, 'node_modules', '@types'))
  mkdirSync(join(work, 'photos', '.thumbnails'), { recursive: true })
  mkdirSync(join(work, 'backup'))
  writeFileSync(join(work, 'photos', 'cat.jpg'), 'a cat')
  writeFileSync(join(work, 'photos', '.thumbnails', 'cat.jpg'), 'a small cat')
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  for (const { name, code } of snippets) writeFileSync(join(work, `${name}.ts`), localised(code))
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    outDir: 'out',
  }
  writeFileSync(
    join(work, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: snippets.map(({ name }) => `${name}.ts`) }),
  )
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

/** The same snippet on folders of this test. */
function localised(code: string): string {
  const places: Record<string, string> = {
    '/srv/backup/photos': join(work, 'backup', 'photos'),
    '/home/ada/photos': join(work, 'photos'),
    '/tmp/': `${work}/`,
  }
  return code.replace(/\/srv\/backup\/photos|\/home\/ada\/photos|\/tmp\//g, (place) => places[place] ?? place)
}

describe('the snippets of the README', () => {
  test('are the five it promises', () => {
    expect(snippets.map(({ name }) => name)).toEqual(['create', 'stream', 'restore', 'prune', 'store'])
  })

  // One after the other: each works on what the one before has left. They use the built package, as readers will.
  test('compile under strict rules, and do what they say', () => {
    const compiler = spawnSync(join(project, 'node_modules', '.bin', 'tsc'), ['-p', work], { encoding: 'utf8' })
    expect(compiler.stdout).toBe('')
    expect(compiler.status).toBe(0)
    const environment = { ...process.env, BORG_BASE_DIR: join(work, 'base'), HOME: work }
    const outputs = snippets.map(({ name }) => {
      const run = spawnSync(process.execPath, [join(work, 'out', `${name}.js`)], { encoding: 'utf8', env: environment })
      expect(`${name}: ${run.status} ${run.stderr}`).toBe(`${name}: 0 `)
      return run.stdout
    })
    expect(outputs[0]).toMatch(/photos-2026-08-23: \d+ bytes new/)
    expect(readFileSync(join(work, 'cat.jpg'), 'utf8')).toBe('a cat')
    expect(outputs[2]).toMatch(/(\d+) of \1 items restored/)
    expect(outputs[3]).toContain('keep   photos-2026-08-23 (daily #1)')
    expect(outputs[4]).toContain('# fail 0')
  })
})
