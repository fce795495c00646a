import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join, posix } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'
import { Consumer, manifest, project, unpackPackage } from './consumer.ts'

let work = ''
let unpacked = ''
let consumer: Consumer
let bare: Consumer

beforeAll(() => {
  work = makeTempFolder()
  unpacked = unpackPackage(work)
  consumer = new Consumer(join(work, 'a program with spaces'), unpacked)
  bare = new Consumer(join(work, 'no optional packages'), unpacked, Object.keys(manifest.optionalDependencies))
})

afterAll(() => removeTempFolder(work))

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

const isCode = (path: string): boolean => path.endsWith('.js')
const packed = (path: string): string => readFileSync(join(unpacked, path), 'utf8')

const importForms = [
  /^(?:import|export)\b[^'"]*?from ['"]([^'"]+)['"]/gm,
  /^import ['"]([^'"]+)['"]/gm,
  /\bimport\(['"]([^'"]+)['"]\)/g,
  /\bcreateRequire\([^)]*\)\(['"]([^'"]+)['"]\)/g,
]

function importsIn(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '')
  return importForms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''))
}

const relativeImports = (text: string): string[] => importsIn(text).filter((specifier) => specifier.startsWith('.'))

/** Of a source file with nothing but types in it. */
function isEmptyModule(text: string): boolean {
  return /^(export \{\};)?$/.test(text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').trim())
}

/** The packages a built file imports, by name. */
function packagesIn(text: string): string[] {
  return importsIn(text)
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
}

/** How each face is imported, and its file. */
const faces = Object.entries(manifest.exports).flatMap(([path, target]): [string, string][] =>
  typeof target === 'string' ? [] : [[posix.join('tsborg', path), target.default]],
)
/** Code whose command is still to come. */
const ahead: ReadonlySet<string> = new Set(['dist/cli/render/diff-line.js'])
/** Rooms whose door is still to come: nobody opens far sides yet. */
const roomsAhead = /^dist\/(ssh|sftp)\//

/** Variants that no picker picks: for tests and benchmarks, not for users. */
const oracles: ReadonlySet<string> = new Set(['kernels/aes-ctr-noble.ts', 'kernels/sha2-noble.ts'])

describe('the packed package', () => {
  test('holds what the source files were compiled to, completions, four documents, and nothing else', () => {
    const sources = filesBelow(join(project, 'src'))
      .filter((path) => path.endsWith('.ts') && !path.startsWith('kernels/assembly/') && !oracles.has(path))
      .map((path) => path.slice(0, -'.ts'.length))
    const compiled = sources.flatMap((name) => ['.d.ts', '.js', '.js.map'].map((ending) => `dist/${name}${ending}`))
    const completions = ['bash', 'fish', 'zsh'].map((shell) => `dist/completions/tsborg.${shell}`)
    const expected = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', ...compiled, ...completions].sort()

    expect(sources.length).toBeGreaterThan(100)
    // A difference in dist/ only: the build is older than the sources.
    expect(filesBelow(unpacked)).toEqual(expected)
  })

  test('says what it was compiled from: every map carries its source', () => {
    const maps = filesBelow(unpacked).filter((path) => path.endsWith('.map'))
    const empty = maps.filter((path) => {
      const { sourcesContent } = JSON.parse(packed(path)) as { sourcesContent?: readonly string[] }
      return sourcesContent?.[0] === undefined
    })
    expect(empty).toEqual([])
  })

  test('imports exactly the packages it declares', () => {
    const found = new Set(
      filesBelow(unpacked)
        .filter(isCode)
        .flatMap((path) => packagesIn(packed(path))),
    )
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }).sort()

    expect([...found].sort()).toEqual(declared)
  })

  test('has no file that nothing leads to', () => {
    const entries = [...faces.map(([, file]) => file), manifest.bin['tsborg'] ?? ''].map((file) =>
      file.slice('./'.length),
    )
    const reached = new Set<string>()
    const waiting = [...entries]
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (reached.has(path)) continue
      reached.add(path)
      const folder = posix.dirname(path)
      waiting.push(...relativeImports(packed(path)).map((specifier) => posix.join(folder, specifier)))
    }
    // Compiled from files of nothing but types.
    const lost = filesBelow(unpacked).filter(
      (path) => isCode(path) && !reached.has(path) && !isEmptyModule(packed(path)),
    )
    expect(lost.filter((path) => !ahead.has(path) && !roomsAhead.test(path))).toEqual([])
  })

  test('runs nothing when it is installed', () => {
    const { scripts } = JSON.parse(packed('package.json')) as { scripts: Record<string, string> }
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare'].filter((hook) => hook in scripts)

    expect(hooks).toEqual([])
  })

  test('stays small', () => {
    const size = filesBelow(unpacked).reduce((sum, path) => sum + statSync(join(unpacked, path)).size, 0)
    expect(size).toBeLessThan(8 * 1024 * 1024)
  })
})

describe('the program', () => {
  test('starts through the link npm makes, from a path with spaces', () => {
    expect(consumer.tsborg('--version')).toEqual({ code: 0, stdout: 'tsborg 1.4.5\n', stderr: '' })
  })

  test('alone, explains itself', () => {
    const { code, stdout, stderr } = consumer.tsborg()

    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^usage: tsborg /)
    expect(stdout).toMatch(/^ {2}create +\S/m)
  })

  test('is called what its link is called', () => {
    symlinkSync(consumer.bin, consumer.path('borg'))
    expect(consumer.run(consumer.path('borg'), ['-V']).stdout).toBe('borg 1.4.5\n')
  })

  test('keeps what it was given, with every compression: the compiled kernels work from dist', () => {
    const text = 'Sphinx of black quartz, judge my vow.\n'.repeat(20_000)
    consumer.write('tree/text', text)
    expect(consumer.tsborg('init', '-e', 'repokey-blake2', 'repo')).toMatchObject({ code: 0 })
    const compressions = ['lz4', 'zstd,3', 'zlib,6', 'lzma,2', 'auto,lzma,0']
    for (const compression of compressions) {
      // The contents differ, so that every one is compressed again.
      consumer.write('tree/which', `${compression}\n${text.slice(compression.length)}`)
      const create = consumer.tsborg('create', '-C', compression, `repo::${compression}`, 'tree')
      expect({ compression, ...create }).toEqual({ compression, code: 0, stdout: '', stderr: '' })
      rmSync(consumer.path('tree', 'which'))
      const extract = consumer.tsborg('extract', `repo::${compression}`)
      expect({ compression, ...extract }).toEqual({ compression, code: 0, stdout: '', stderr: '' })
      expect(readFileSync(consumer.path('tree', 'which'), 'utf8').startsWith(`${compression}\n`)).toBe(true)
      expect(readFileSync(consumer.path('tree', 'text'), 'utf8') === text).toBe(true)
    }
    expect(consumer.tsborg('check', '--verify-data', 'repo')).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('where WebAssembly is forbidden (systemd services without writable code need --jitless)', () => {
  const tsborg = (...args: readonly string[]) => consumer.node('--jitless', consumer.bin, ...args)
  /** Without V8's own words about its flags. */
  const said = (output: string): string => output.replaceAll(/^Warning: disabling flag .*\n/gm, '')

  test('backups are the same', () => {
    consumer.write('some/text', 'Judge my vow.\n'.repeat(10_000))
    for (const args of [
      ['init', '-e', 'repokey-blake2', 'interpreted'],
      ['create', '-C', 'lz4', 'interpreted::a', 'some'],
      ['check', '--verify-data', 'interpreted'],
    ]) {
      expect([args[0], tsborg(...args).code]).toEqual([args[0], 0])
    }
    rmSync(consumer.path('some'), { recursive: true })
    expect(consumer.tsborg('extract', 'interpreted::a')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(consumer.path('some', 'text'), 'utf8')).toBe('Judge my vow.\n'.repeat(10_000))
    expect(consumer.tsborg('create', 'interpreted::b', 'some')).toEqual({ code: 0, stdout: '', stderr: '' })
    const extract = tsborg('extract', 'interpreted::b')
    expect([extract.code, said(extract.stderr)]).toEqual([0, ''])
  })

  test('what cannot be read for want of lzma is not taken for damage', () => {
    consumer.write('lzma/text', 'Judge my vow.\n'.repeat(10_000))
    expect(consumer.tsborg('init', '-e', 'none', 'xz')).toMatchObject({ code: 0 })
    expect(consumer.tsborg('create', '-C', 'lzma', 'xz::a', 'lzma')).toMatchObject({ code: 0 })
    const check = consumer.run(
      process.execPath,
      ['--jitless', consumer.bin, 'check', '--repair', '--verify-data', 'xz'],
      { BORG_CHECK_I_KNOW_WHAT_I_AM_DOING: 'YES' },
    )
    expect(check.code).toBe(2)
    expect(said(check.stderr)).toContain('lzma needs WebAssembly, which this process cannot run.')
    expect(consumer.tsborg('check', '--verify-data', 'xz')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(consumer.tsborg('extract', '--dry-run', 'xz::a')).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('without the optional packages', () => {
  const lacks = 'extended attributes, ACLs, file flags'

  test('it works, and says once what it cannot keep', () => {
    bare.write('tree/file', 'content')
    expect(bare.tsborg('init', '-e', 'none', 'repo')).toMatchObject({ code: 0 })
    const create = bare.tsborg('create', 'repo::one', 'tree')
    const reason = '(the optional package koffi is not there)'
    expect(create).toEqual({ code: 0, stdout: '', stderr: `Not backed up on this system: ${lacks} ${reason}.\n` })

    mkdirSync(bare.path('restored'))
    const extract = bare.run('sh', ['-c', `cd restored && exec '${bare.bin}' extract ../repo::one`])
    const more = `${lacks}, times finer than microseconds`
    expect(extract).toEqual({ code: 0, stdout: '', stderr: `Not restored on this system: ${more} ${reason}.\n` })
    expect(readFileSync(bare.path('restored', 'tree', 'file'), 'utf8')).toBe('content')
  })

  test('who does not want these hears nothing', () => {
    bare.write('tree/file', 'content')
    expect(bare.tsborg('init', '-e', 'none', 'quiet')).toMatchObject({ code: 0 })
    const create = bare.tsborg('create', '--noxattrs', '--noacls', '--noflags', 'quiet::one', 'tree')

    expect(create).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('the program with them says nothing', () => {
    consumer.write('small/file', 'content')
    expect(consumer.tsborg('init', '-e', 'none', 'complete')).toMatchObject({ code: 0 })
    expect(consumer.tsborg('create', 'complete::one', 'small')).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

describe('the library', () => {
  const specifiers = faces.map(([specifier]) => specifier)

  test('has its five faces, for import and for require', () => {
    const names = `(await Promise.all(${JSON.stringify(specifiers)}.map((face) => import(face)))).map((face) => Object.keys(face))`
    const required = `${JSON.stringify(specifiers)}.map((face) => Object.keys(require(face)).filter((name) => name !== '__esModule'))`
    const count = (expression: string): string => `console.log(JSON.stringify((${expression}).map((x) => x.length)))`
    consumer.write('faces.mjs', count(names))
    consumer.write('faces.cjs', count(required))
    const imported = consumer.node('faces.mjs')

    expect(imported).toMatchObject({ code: 0, stderr: '' })
    const counts = JSON.parse(imported.stdout) as readonly number[]
    expect(counts).toHaveLength(5)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(consumer.node('faces.cjs')).toEqual(imported)
  })

  test.each(['tsborg/dist/index.js', 'tsborg/session/open.js', 'tsborg/dist/kernels/crc32.js', 'tsborg/cli'])(
    'refuses the deep import of %s',
    (specifier) => {
      consumer.write('deep.mjs', `import '${specifier}'`)

      expect(consumer.node('deep.mjs').stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
    },
  )

  test('says who it is: its package.json may be read', () => {
    consumer.write('version.cjs', "console.log(require('tsborg/package.json').version)")

    expect(consumer.node('version.cjs').stdout).toBe(`${manifest.version}\n`)
  })

  test('has types that hold under the strictest rules, declarations included, and code that does what they say', () => {
    consumer.write('main.ts', program)
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noPropertyAccessFromIndexSignature: true,
      skipLibCheck: false,
      outDir: 'out',
    }
    consumer.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['main.ts'] }))
    const tsc = consumer.node(join(project, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json')

    expect(tsc).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(consumer.node('out/main.js')).toEqual({
      code: 0,
      stdout: 'lib-archive: 1 file, /srv/r, true, PassphraseWrong\n',
      stderr: '',
    })
  })

  test('a type that is not there is an error: the check above looks', () => {
    consumer.write('wrong.ts', "import { openRepository } from 'tsborg'\nvoid openRepository(1)\n")
    const args = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--lib',
      'es2023,esnext.disposable',
      '--types',
      'node',
    ]
    const run = (): string =>
      execFileSync(
        process.execPath,
        [join(project, 'node_modules', 'typescript', 'bin', 'tsc'), '--ignoreConfig', ...args, 'wrong.ts'],
        { cwd: consumer.folder, encoding: 'utf8', stdio: 'pipe' },
      )
    expect(run).toThrow(expect.objectContaining({ stdout: expect.stringContaining('wrong.ts(2,') }))
  })
})

const program = `
import { createArchive, type CreateResult, initRepository, isBorgError, listItems, openRepository } from 'tsborg'
import { type Location, parseLocation } from 'tsborg/parsing'
import { MemoryStore, storeContract } from 'tsborg/testing'
import { mkdirSync, writeFileSync } from 'node:fs'

mkdirSync('from-lib', { recursive: true })
writeFileSync('from-lib/file', 'content')
const store = new MemoryStore()
await initRepository({ store }, { encryption: 'repokey', passphrase: 'secret' })
let result: CreateResult
{
  await using session = await openRepository({ store }, { access: 'write', passphrase: 'secret' })
  result = await createArchive(session, { name: 'lib-archive', roots: ['from-lib'] })
}
let files = 0
await using session = await openRepository({ store }, { access: 'read', passphrase: 'secret' })
for await (const item of listItems(session, 'lib-archive')) if (item.path.endsWith('/file')) files++
const location: Location = parseLocation('/srv/r::a').location
const cases = storeContract(async () => new MemoryStore())
let code = ''
try {
  await openRepository({ store }, { access: 'read', passphrase: 'wrong' })
} catch (error) {
  if (isBorgError(error)) code = error.code
}
const path = 'path' in location ? location.path : ''
console.log(\`\${result.archive.name}: \${files} file, \${path}, \${cases.length > 10}, \${code}\`)
`
