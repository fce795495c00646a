/**
 * The built project as its users get it: packed by npm, unpacked among its declared dependencies and nothing else, under
 * a path with spaces. `npm run build` comes first.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const project = fileURLToPath(new URL('../..', import.meta.url))

export interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

export const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest

/** The packed and unpacked package in `folder`. */
export function unpackPackage(folder: string): string {
  if (!existsSync(join(project, 'dist', 'cli', 'tsborg.js'))) throw new Error('not built: npm run build')
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: project,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder])
  return join(folder, 'package')
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A project that depends on the package. */
export class Consumer {
  readonly folder: string
  /** As npm links it. */
  readonly bin: string

  /** `without` are packages that could not be installed. */
  constructor(folder: string, unpacked: string, without: readonly string[] = []) {
    this.folder = folder
    const modules = join(folder, 'node_modules')
    cpSync(unpacked, join(modules, 'tsborg'), { recursive: true })
    const wanted = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    // Types of Node are what a TypeScript project has of its own.
    for (const name of [...wanted, '@types/node']) {
      if (without.includes(name)) continue
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(project, 'node_modules', name), join(modules, name))
    }
    mkdirSync(join(modules, '.bin'))
    this.bin = join(modules, '.bin', 'tsborg')
    symlinkSync(join('..', 'tsborg', manifest.bin['tsborg'] ?? ''), this.bin)
    mkdirSync(join(folder, 'home'))
    this.write('package.json', '{ "type": "module" }')
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts)
  }

  write(name: string, text: string | Uint8Array): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), text)
  }

  run(command: string, args: readonly string[], environment: Record<string, string> = {}): Run {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: this.folder,
      encoding: 'utf8',
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        HOME: this.path('home'),
        BORG_BASE_DIR: this.path('home'),
        BORG_PASSPHRASE: 'correct horse',
        ...environment,
      },
    })
    if (error !== undefined) throw error
    return { code: status, stdout, stderr }
  }

  node(...args: readonly string[]): Run {
    return this.run(process.execPath, args)
  }

  tsborg(...args: readonly string[]): Run {
    return this.run(this.bin, args)
  }
}
