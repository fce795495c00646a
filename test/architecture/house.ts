/**
 * The floor plan as data, and the rules as functions from files to violations, so that each rule can be shown to fail.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface SourceFile {
  /** Relative to src/, '/'-separated. */
  readonly path: string
  readonly text: string
}

/** Folder (or file directly in src/) -> floor. ARCHITECTURE.md has the same table in prose. */
export const floors: Readonly<Record<string, number>> = {
  base: 0,
  kernels: 1,
  format: 2,
  chunker: 2,
  compress: 2,
  patterns: 2,
  location: 2,
  crypto: 3,
  store: 3,
  platform: 3,
  ssh: 3,
  sftp: 4,
  s3: 4,
  rclone: 4,
  workers: 4,
  repository: 4,
  rpc: 5,
  objects: 5,
  archive: 6,
  cache: 7,
  source: 7,
  target: 7,
  tar: 7,
  fuse: 7,
  webdav: 7,
  dedup: 8,
  session: 9,
  operations: 10,
  'index.ts': 11,
  'testing.ts': 11,
  'parsing.ts': 11,
  'serving.ts': 11,
  'stores.ts': 11,
  cli: 12,
  runner: 12,
  web: 12,
}

const publicFaces: ReadonlySet<string> = new Set(['index.ts', 'testing.ts', 'parsing.ts', 'serving.ts', 'stores.ts'])
const faces: ReadonlySet<string> = new Set(['cli', 'runner', 'web'])
const ioRooms: ReadonlySet<string> = new Set([
  'store',
  'platform',
  'ssh',
  'sftp',
  's3',
  'rclone',
  'rpc',
  'fuse',
  'webdav',
  'cli',
  'runner',
  'web',
])

/** File -> what the rule lets it do all the same, and why. */
export const exceptions: Readonly<Record<string, readonly string[]>> = {
  // The one real machine: everyone else is handed a Host.
  'base/host.ts': ['clock', 'chance', 'environment', 'processes'],
  // Defaults of the public functions: BORG_*_DIR and the home folder.
  'session/directories.ts': ['environment'],
}

export const sourceRoot = fileURLToPath(new URL('../../src', import.meta.url))

export function readHouse(root = sourceRoot): SourceFile[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(root, file).replaceAll('\\', '/'), text: readFileSync(file, 'utf8') }))
    .filter(({ path }) => !path.startsWith('kernels/assembly/') && !path.startsWith('kernels/generated/'))
}

export function roomOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** Paths of the files a file imports, types included; packages are left out. */
export function importsOf(file: SourceFile): string[] {
  const found = withoutComments(file.text).matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)
  return [...found].map((match) => normalize(join(dirname(file.path), match[1] ?? '')))
}

export function packagesOf(file: SourceFile): string[] {
  const found = withoutComments(file.text).matchAll(/(?:from|import|require)\s*\(?\s*'([^.'][^']*)'/g)
  return [...found].map((match) => match[1] ?? '')
}

/** Imports that go up or sideways, and rooms that are not on the plan. */
export function floorViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path)
    const floor = floors[room]
    if (floor === undefined) return [`${file.path}: '${room}' is not on the floor plan`]
    return importsOf(file).flatMap((target) => {
      const targetRoom = roomOf(target)
      const targetFloor = floors[targetRoom]
      if (targetRoom === room && !publicFaces.has(room)) return []
      if (targetFloor === undefined) return [`${file.path} imports ${target}, which is not on the floor plan`]
      if (faces.has(room)) return publicFaces.has(targetRoom) ? [] : [`${file.path} reaches into the engine: ${target}`]
      if (publicFaces.has(targetRoom)) return [`${file.path} imports the public face ${target}`]
      return targetFloor < floor ? [] : [`${file.path} (floor ${floor}) imports ${target} (floor ${targetFloor})`]
    })
  })
}

/** Circles of imports between files, one line each. */
export function cycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file)]))
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '))
      return
    }
    state.set(path, 'open')
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of graph.keys()) visit(path, [])
  return found
}

interface BannedName {
  readonly what: string
  readonly pattern: RegExp
  readonly allowedIn: (room: string) => boolean
}

const inFaces = (room: string): boolean => faces.has(room)

export const bannedNames: readonly BannedName[] = [
  { what: 'terminal', pattern: /\bconsole\.|process\.(stdout|stderr|stdin|exit\b|exitCode)/, allowedIn: inFaces },
  { what: 'environment', pattern: /process\.env\b/, allowedIn: inFaces },
  { what: 'clock', pattern: /\bDate\.now\(|new Date\(\)|performance\.now\(|process\.hrtime/, allowedIn: inFaces },
  {
    what: 'chance',
    pattern:
      /Math\.random\(|import \{[^}]*\brandomBytes\b[^}]*\} from 'node:crypto'|randomFill|randomUUID|getRandomValues/,
    allowedIn: inFaces,
  },
]

/** Names that engine code must not use: no terminal, no environment, no clock, no chance. */
export function nameViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const code = withoutComments(file.text)
    return bannedNames
      .filter((rule) => !rule.allowedIn(roomOf(file.path)) && !(exceptions[file.path] ?? []).includes(rule.what))
      .filter((rule) => rule.pattern.test(code))
      .map((rule) => `${file.path} touches the ${rule.what}: ${rule.pattern.exec(code)?.[0] ?? ''}`)
  })
}

const ioModules = /^(node:)?(fs|fs\/promises|net|http|https|dgram|tls|dns|child_process)$|^ssh2$|^koffi$/

/** Modules that reach a disk, a network or another process belong to few rooms. */
export function moduleViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    if (ioRooms.has(roomOf(file.path))) return []
    const excused = exceptions[file.path] ?? []
    return (
      packagesOf(file)
        .filter((name) => ioModules.test(name) && !excused.includes('processes'))
        // Commands whose output is archived are a source like any other.
        .filter((name) => !(name === 'node:child_process' && file.path === 'source/command-output.ts'))
        .map((name) => `${file.path} imports ${name}`)
    )
  })
}

export const fileLinesMax = 400
export const functionLinesMax = 70

export function lengthViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n')
    const tooLong = lines.length - 1 > fileLinesMax ? [`${file.path} has ${lines.length - 1} lines`] : []
    return [...tooLong, ...longFunctions(file, lines)]
  })
}

/** Formatted code closes a function at the indentation that opened it; tables and classes are not functions. */
function longFunctions(file: SourceFile, lines: readonly string[]): string[] {
  const opening =
    /^(\s*)(?:export )?(?:(?:async )?function\*? \w+|(?:(?:static|async|get|set|private|override) )*\*?#?\w+\(.*\).*\{$|(?:export )?const \w+ = (?:async )?\(.*\).*=> \{$)/
  return lines.flatMap((line, start) => {
    const match = opening.exec(line)
    if (match === null || /^\s*(if|for|while|switch|return|catch)\b/.test(line)) return []
    const indent = match[1] ?? ''
    const end = lines.findIndex((candidate, i) => i > start && candidate.startsWith(`${indent}}`))
    const length = end - start + 1
    return length > functionLinesMax ? [`${file.path}:${start + 1} is a function of ${length} lines`] : []
  })
}

/** Default exports, barrels inside the house, rooms for odds and ends. */
export function habitViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const code = withoutComments(file.text)
    const name = file.path.split('/').at(-1) ?? ''
    return [
      ...(/^export default\b/m.test(code) ? [`${file.path} has a default export`] : []),
      ...(/^export \* from/m.test(code) && !publicFaces.has(file.path) ? [`${file.path} is a barrel`] : []),
      ...(/^(utils?|helpers?|common|misc|types)\.ts$/.test(name) ? [`${file.path} is a room without a reason`] : []),
    ]
  })
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}
