/**
 * The cache's own ini file: which repository and manifest it belongs to, and the digests of its other files.
 *
 *   [cache]      version, repository, manifest, previous_location, timestamp, ignored_features, mandatory_features, key_type
 *   [integrity]  manifest, then a digest line per file; believed only while both `manifest` are equal
 * Source: format sheet cache.md §2; fixtures/vectors/cache.json.
 */
import { toHex } from '../base/bytes.ts'
import { BorgError } from '../base/errors.ts'
import type { ObjectId } from '../base/ids.ts'
import { formatIni, type Ini, parseIni } from '../format/ini.ts'

const version = '1'

/** Unknown options are kept; order is as read. Changed in memory, written by whoever owns the directory. */
export class CacheConfig {
  readonly #ini: Ini

  /** For a repository never synchronised with. */
  static create(repositoryId: ObjectId): CacheConfig {
    const cache = new Map([
      ['version', version],
      ['repository', toHex(repositoryId)],
      ['manifest', ''],
    ])
    return new CacheConfig(new Map([['cache', cache]]))
  }

  /**
   * Undefined for a text that is no cache config: such a cache is made anew.
   * @throws BorgError 'Error' for a version we do not know: someone newer uses this directory.
   */
  static parse(text: string, where: string): CacheConfig | undefined {
    let ini: Ini
    try {
      ini = parseIni(text)
    } catch {
      return undefined
    }
    const found = ini.get('cache')?.get('version')
    if (found === undefined) return undefined
    if (found !== version) throw new BorgError('Error', [`${where} has cache version ${found}, wanted ${version}`])
    return new CacheConfig(ini)
  }

  private constructor(ini: Ini) {
    this.#ini = ini
  }

  format(): string {
    return formatIni(this.#ini)
  }

  /** Hex, as written. */
  get repositoryId(): string {
    return this.#get('repository')
  }

  /** Hex of the manifest this cache knows all chunks of; empty: of none. */
  get manifestId(): string {
    return this.#get('manifest')
  }

  /** Empty when never set. */
  get timestamp(): string {
    return this.#get('timestamp')
  }

  get keyType(): string {
    return this.#get('key_type')
  }

  get previousLocation(): string {
    return this.#get('previous_location')
  }

  /** Features of the repository that the writers of this cache did not know. */
  get ignoredFeatures(): readonly string[] {
    return names(this.#get('ignored_features'))
  }

  /** Features that every user of this cache must know. */
  get mandatoryFeatures(): readonly string[] {
    return names(this.#get('mandatory_features'))
  }

  setLocation(location: string): void {
    this.#set('previous_location', location)
  }

  setFeatures(features: { readonly ignored: readonly string[]; readonly mandatory: readonly string[] }): void {
    this.#set('ignored_features', [...features.ignored].sort().join(','))
    this.#set('mandatory_features', [...features.mandatory].sort().join(','))
  }

  /** Makes the next opening synchronise. */
  forgetManifest(): void {
    this.#set('manifest', '')
    this.#integrity().set('manifest', '')
  }

  setManifest(manifest: { readonly id: ObjectId; readonly timestamp: string; readonly keyType: number }): void {
    this.#set('manifest', toHex(manifest.id))
    this.#set('timestamp', manifest.timestamp)
    if (!this.#cache().has('ignored_features')) this.setFeatures({ ignored: [], mandatory: [] })
    this.#set('key_type', String(manifest.keyType))
    this.#integrity().set('manifest', toHex(manifest.id))
  }

  /** False when a borg too old to know about digests has used this cache since they were written. */
  get integrityKnown(): boolean {
    const digests = this.#ini.get('integrity')
    return digests !== undefined && digests.get('manifest') === this.manifestId
  }

  /** Digest line of a cache file; undefined when there is none to be believed. Names are lower-case here (ini keys). */
  integrityOf(name: string): string | undefined {
    return this.integrityKnown ? this.#ini.get('integrity')?.get(name.toLowerCase()) : undefined
  }

  setIntegrity(name: string, digests: string): void {
    this.#integrity().set(name.toLowerCase(), digests)
  }

  dropIntegrity(): void {
    const manifest = this.manifestId
    this.#ini.set('integrity', new Map([['manifest', manifest]]))
  }

  #get(key: string): string {
    return this.#ini.get('cache')?.get(key) ?? ''
  }

  #set(key: string, value: string): void {
    this.#cache().set(key, value)
  }

  #cache(): Map<string, string> {
    const section = this.#ini.get('cache') ?? new Map<string, string>()
    this.#ini.set('cache', section)
    return section
  }

  #integrity(): Map<string, string> {
    // borg fails on a section without its manifest.
    const section = this.#ini.get('integrity') ?? new Map([['manifest', this.manifestId]])
    this.#ini.set('integrity', section)
    return section
  }
}

function names(list: string): readonly string[] {
  return list.split(',').filter((name) => name !== '')
}
