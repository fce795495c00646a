/**
 * The config file of a repository: one section of an ini file, with the key of repokey modes in it.
 * Source: format/repository.md §3; the `config` command: cli/commands.md §13.
 */
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import { type ObjectId, objectIdFromHex, storePath } from '../base/ids.ts'
import { segmentSizeMaxDefault, segmentSizeMaxLimit, segmentsPerFolderDefault } from '../base/limits.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { formatIni, type Ini, iniBoolean, parseIni } from '../format/ini.ts'
import { isStoreNotFound, type Store } from '../store/store.ts'
import { parseSize } from '../location/sizes.ts'

export const configPath = storePath('config')
const oldConfigPath = storePath('config.old')
const section = 'repository'
/** Smallest quota or reserve other than 0 that people may set. */
const reserveMin = 10_000_000

export interface NewRepositoryConfig {
  readonly id: ObjectId
  readonly appendOnly: boolean
  readonly quotaBytes: number
}

export class RepositoryConfig {
  readonly #ini: Ini
  readonly #location: string

  static create({ id, appendOnly, quotaBytes }: NewRepositoryConfig, location: string): RepositoryConfig {
    const options: readonly [string, string][] = [
      ['version', '1'],
      ['segments_per_dir', String(segmentsPerFolderDefault)],
      ['max_segment_size', String(segmentSizeMaxDefault)],
      ['append_only', appendOnly ? '1' : '0'],
      ['storage_quota', String(quotaBytes)],
      ['additional_free_space', '0'],
      ['id', toHex(id)],
    ]
    return new RepositoryConfig(new Map([[section, new Map(options)]]), location)
  }

  /** @throws BorgError 'Repository.InvalidRepository' without the file, 'Repository.InvalidRepositoryConfig' for nonsense. */
  static async load(store: Store, location: string): Promise<RepositoryConfig> {
    let bytes: Uint8Array
    try {
      bytes = await store.read(configPath)
    } catch (error) {
      if (!isStoreNotFound(error)) throw error
      throw new BorgError('Repository.InvalidRepository', [location], { cause: error })
    }
    let ini: Ini
    try {
      ini = parseIni(decodeText(bytes))
    } catch (error) {
      throw invalid(location, 'not an ini file', error)
    }
    if (ini.get(section)?.get('version') !== '1') throw invalid(location, 'no repository section or invalid version')
    return new RepositoryConfig(ini, location)
  }

  private constructor(ini: Ini, location: string) {
    this.#ini = ini
    this.#location = location
    if (this.segmentSizeMax >= segmentSizeMaxLimit)
      throw invalid(location, `max_segment_size >= ${segmentSizeMaxLimit}`)
    if (this.segmentsPerFolder < 1) throw invalid(location, 'segments_per_dir < 1')
    void this.id
  }

  get id(): ObjectId {
    const text = this.#required('id')
    if (!/^[0-9a-fA-F]{64}$/.test(text)) throw invalid(this.#location, 'id is not 64 hex digits')
    return objectIdFromHex(text)
  }

  get segmentsPerFolder(): number {
    return this.#integer('segments_per_dir', this.#required('segments_per_dir'))
  }

  get segmentSizeMax(): number {
    return this.#size('max_segment_size', this.#required('max_segment_size'))
  }

  get appendOnly(): boolean {
    const text = this.get('append_only')
    if (text === undefined) return false
    const value = iniBoolean(text)
    if (value === undefined) throw invalid(this.#location, 'append_only is not a boolean')
    return value
  }

  /** 0: none. */
  get quotaBytes(): number {
    return this.#size('storage_quota', this.get('storage_quota') ?? '0')
  }

  /** To be left free on the disk besides what a commit needs. */
  get additionalFreeBytes(): number {
    return this.#size('additional_free_space', this.get('additional_free_space') ?? '0')
  }

  /** Where the next partial check begins, less one. */
  get lastSegmentChecked(): number | undefined {
    const text = this.get('last_segment_checked')
    return text === undefined ? undefined : this.#integer('last_segment_checked', text)
  }

  /** The key blob of repokey and authenticated modes, lines joined by newlines; undefined if absent or empty. */
  get key(): string | undefined {
    return this.get('key') || undefined
  }

  /** The text of any option. */
  get(name: string): string | undefined {
    return this.#options.get(name.toLowerCase())
  }

  set(name: string, value: string): void {
    this.#options.set(name.toLowerCase(), value)
  }

  /** False when there was no such option. */
  delete(name: string): boolean {
    return this.#options.delete(name.toLowerCase())
  }

  /** Replaces the file; the old one, which may have held a key, is overwritten. */
  async save(store: Store, run: RunOptions): Promise<void> {
    if ((await store.stat(oldConfigPath)) !== undefined) {
      reportLog(
        run,
        'warning',
        'Erasing config.old, which an interrupted update of the config left behind.',
        'borg.repository',
      )
    }
    await store.write(configPath, encodeText(formatIni(this.#ini)), { secret: true })
  }

  get #options(): Map<string, string> {
    const options = this.#ini.get(section)
    if (options === undefined) throw invalid(this.#location, 'no repository section')
    return options
  }

  #required(name: string): string {
    const text = this.get(name)
    if (text === undefined) throw invalid(this.#location, `no ${name}`)
    return text
  }

  #integer(name: string, text: string): number {
    if (!/^\d{1,15}$/.test(text)) throw invalid(this.#location, `${name} is not a number`)
    return Number(text)
  }

  #size(name: string, text: string): number {
    const size = parseSize(text)
    if (size === undefined || size < 0) throw invalid(this.#location, `${name} is not a size`)
    return size
  }
}

/** What people may set with `config`, and which values make sense. */
const settable: Readonly<Record<string, (value: string) => boolean>> = {
  segments_per_dir: (value) => /^\d+$/.test(value) && Number(value) > 0,
  last_segment_checked: (value) => /^\d+$/.test(value),
  max_segment_size: (value) => sizeWithin(value, 1, segmentSizeMaxLimit - 1),
  additional_free_space: isReserve,
  storage_quota: isReserve,
  append_only: (value) => value === '0' || value === '1',
  id: (value) => /^[0-9a-fA-F]{64}$/.test(value),
}

/** @throws BorgError 'Error' for names that are not for people to set, and values that make no sense. */
export function requireSettable(name: string, value: string): void {
  const accepts = settable[name]
  if (accepts === undefined) throw new BorgError('Error', [`Invalid config key name: ${name}`])
  if (!accepts(value)) throw new BorgError('Error', [`Invalid value for ${name}: ${value}`])
}

/** Without these nobody opens the repository again, the key's owner included. */
const indispensable: ReadonlySet<string> = new Set(['id', 'key', 'version', 'segments_per_dir', 'max_segment_size'])

/** @throws BorgError 'Error' for what must never be deleted; borg would. */
export function requireDeletable(name: string): void {
  if (!indispensable.has(name)) return
  throw new BorgError('Error', [`Without its ${name} the repository could not be opened again: it is not deleted`])
}

function isReserve(value: string): boolean {
  return parseSize(value) === 0 || sizeWithin(value, reserveMin, Number.MAX_SAFE_INTEGER)
}

function sizeWithin(value: string, min: number, max: number): boolean {
  const size = parseSize(value)
  return size !== undefined && size >= min && size <= max
}

function invalid(location: string, reason: string, cause?: unknown): BorgError {
  return new BorgError('Repository.InvalidRepositoryConfig', [location, reason], { cause })
}
