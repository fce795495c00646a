/**
 * `list --format` and `--json-lines` for the contents of an archive.
 * Source: CLI contract "Format keys"; fixtures/cli/format-vectors.json.
 */
import {
  fieldNames,
  type FormatPart,
  type FormatValue,
  type Nanoseconds,
  parsePythonFormat,
  PythonFormatError,
  type PythonJson,
  pythonRepr,
  renderPythonFormat,
} from '../../parsing.ts'
import { fixedKeys } from './fixed-keys.ts'
import { type DigestName, digestNames, type ItemRecord, type UniqueUse } from './item-record.ts'
import { modeText, typeLetter } from './mode.ts'
import { formatItemTime, itemTimeIso } from './times.ts'

export const defaultItemFormat = '{mode} {user:6} {group:6} {size:8} {mtime} {path}{extra}{NL}'
export const shortItemFormat = '{path}{NL}'

/** The archive all items are from. */
export interface ItemFormatContext {
  readonly archiveName: string
  readonly archiveId: string
}

type Simple = (item: ItemRecord, context: ItemFormatContext) => string | number | undefined

/** Keys whose value is at hand. Undefined is Python's None. */
const simpleKeys: Readonly<Record<string, Simple>> = {
  archivename: (_, context) => context.archiveName,
  archiveid: (_, context) => context.archiveId,
  type: (item) => typeLetter(item.mode),
  mode: itemModeText,
  user: (item) => item.user ?? item.uid,
  group: (item) => item.group ?? item.gid,
  uid: (item) => item.uid,
  gid: (item) => item.gid,
  path: (item) => item.path,
  bpath: (item) => item.path,
  source: (item) => item.source,
  linktarget: (item) => item.source,
  flags: (item) => item.flags,
  extra: extraText,
  health: (item) => (item.isHealthy ? 'healthy' : 'broken'),
  size: (item) => item.size,
  csize: (item) => item.storedSize,
  num_chunks: (item) => item.chunks,
  isomtime: (item) => itemTimeIso(item.modified),
  isoctime: (item) => itemTimeIso(item.changed ?? item.modified),
  isoatime: (item) => itemTimeIso(item.accessed ?? item.modified),
}

/** Keys that take a strftime format behind the colon. */
const timeKeys: Readonly<Record<string, (item: ItemRecord) => Nanoseconds>> = {
  mtime: (item) => item.modified,
  ctime: (item) => item.changed ?? item.modified,
  atime: (item) => item.accessed ?? item.modified,
}

/** Keys that need the cache. */
const uniqueKeys: Readonly<Record<string, (use: UniqueUse) => number>> = {
  dsize: (use) => use.size,
  dcsize: (use) => use.storedSize,
  unique_chunks: (use) => use.chunks,
}

/** Always in a JSON line, in this order. */
const jsonKeys = ['type', 'mode', 'user', 'group', 'uid', 'gid', 'path', 'healthy', 'source', 'linktarget', 'flags']
const jsonFrontKeys = ['archivename', 'archiveid']
/** Bytes and texts for people: not in JSON. */
const neverInJson: ReadonlySet<string> = new Set([...jsonKeys, ...jsonFrontKeys, 'bpath', 'extra', 'health'])

export class ItemFormat {
  readonly #parts: readonly FormatPart[]
  readonly #names: readonly string[]
  readonly #digests: readonly DigestName[]
  readonly #context: ItemFormatContext
  /** Whether the cache must be open to print this. */
  readonly needsCache: boolean
  /** Whether the content of items is read to print this. */
  readonly needsContent: boolean

  /** @throws PythonFormatError for a malformed format. Unknown keys show when an item is printed as text. */
  constructor(format: string, context: ItemFormatContext) {
    this.#parts = parsePythonFormat(format)
    this.#names = fieldNames(this.#parts)
    this.#context = context
    this.#digests = digestNames.filter((name) => this.#names.includes(name))
    this.needsCache = this.#names.some((name) => name in uniqueKeys)
    this.needsContent = this.#digests.length > 0
  }

  /** Without waiting where everything is at hand. @throws PythonFormatError for unknown keys and specs that do not fit. */
  text(item: ItemRecord): string | Promise<string> {
    if (!this.needsCache && !this.needsContent) return this.#render(item, new Map())
    return this.#costly(item).then((costly) => this.#render(item, costly))
  }

  /** One object of --json-lines. Keys nobody knows are left out. */
  async json(item: ItemRecord): Promise<ReadonlyMap<string, PythonJson>> {
    const line = new Map<string, PythonJson>()
    const costly = this.needsCache || this.needsContent ? await this.#costly(item) : new Map<string, FormatValue>()
    for (const key of jsonFrontKeys) if (this.#names.includes(key)) line.set(key, this.#simple(key, item))
    for (const key of jsonKeys) line.set(key, key === 'healthy' ? item.isHealthy : this.#simple(key, item))
    for (const key of this.#names) {
      if (neverInJson.has(key)) continue
      const time = timeKeys[key]
      const value = costly.get(key)
      if (typeof value === 'string' || typeof value === 'number') line.set(key, value)
      else if (time !== undefined) line.set(key, itemTimeIso(time(item)))
      else if (key in simpleKeys) line.set(key, this.#simple(key, item))
    }
    return line
  }

  #simple(key: string, item: ItemRecord): string | number | null {
    return simpleKeys[key]?.(item, this.#context) ?? null
  }

  #render(item: ItemRecord, costly: ReadonlyMap<string, FormatValue>): string {
    return renderPythonFormat(this.#parts, (name) => {
      const fixed = fixedKeys[name] ?? costly.get(name)
      if (fixed !== undefined) return fixed
      const time = timeKeys[name]
      if (time !== undefined) return { format: (spec) => formatItemTime(time(item), spec) }
      return name in simpleKeys ? (this.#simple(name, item) ?? none) : undefined
    })
  }

  async #costly(item: ItemRecord): Promise<ReadonlyMap<string, FormatValue>> {
    const values = new Map<string, FormatValue>()
    for (const name of this.#digests) values.set(name, await item.digest(name))
    if (!this.needsCache) return values
    const use = await item.unique()
    for (const [name, of] of Object.entries(uniqueKeys)) if (this.#names.includes(name)) values.set(name, of(use))
    return values
  }
}

const none: FormatValue = {
  format(spec) {
    if (spec === '') return 'None'
    throw new PythonFormatError(
      'TypeError',
      `unsupported format string passed to NoneType.__format__: ${pythonRepr(spec)}`,
    )
  },
}

function itemModeText(item: ItemRecord): string {
  const text = modeText(item.mode)
  return item.isHardLink ? `h${text.slice(1)}` : text
}

function extraText(item: ItemRecord): string {
  if (item.source === '') return ''
  return item.isHardLink ? ` link to ${item.source}` : ` -> ${item.source}`
}
