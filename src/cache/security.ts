/**
 * What this client remembers of a repository outside of it: where it was, what key it had, how new its manifest was.
 * A repository that changed in a way only an attacker or a mix-up can explain is refused.
 *
 *   location            canonical, as last confirmed
 *   key-type            decimal type byte
 *   manifest-timestamp  of the newest manifest seen; compared as text
 *   nonce               first AES block nobody has reserved, 16 hex digits
 *   tam_required        empty: a manifest without authentication was ruled out once and for all
 * Source: format sheet crypto.md §8, §9; contract sheet common.md §8; checked against borg 1.2.4.
 */
import { BorgError } from '../base/errors.ts'
import { type RunOptions, reportLog } from '../base/events.ts'
import type { Host } from '../base/host.ts'
import { type StorePath, storePath } from '../base/ids.ts'
import { encodeText } from '../base/text.ts'
import type { KeyMode } from '../crypto/key-material.ts'
import { modes } from '../crypto/modes.ts'
import type { NonceLedger } from '../crypto/nonces.ts'
import { acquireLock, type LockOptions } from '../repository/lock.ts'
import { loadFreeNonce, reserveNonce } from '../repository/nonce-file.ts'
import type { Store } from '../store/store.ts'
import type { CacheConfig } from './cache-config.ts'
import { configPath, loadConfig, readIfThere, rollBack, saveConfig } from './cache-files.ts'

const locationPath = storePath('location')
const keyTypePath = storePath('key-type')
const timestampPath = storePath('manifest-timestamp')
const tamPath = storePath('tam_required')

/** What is true of the repository now. */
export interface RepositoryFacts {
  /** Canonical: an absolute path or a URL. */
  readonly location: string
  readonly mode: KeyMode
  /** False also where the key lies in the repository under an empty passphrase. */
  readonly logicallyEncrypted: boolean
  /** Undefined before the first manifest. */
  readonly manifestTimestamp: string | undefined
}

/** One repository's folder in the security directory. */
export class SecurityDirectory {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /** For messages and for `info`. */
  get name(): string {
    return this.#store.name
  }

  location(): Promise<string | undefined> {
    return this.#read(locationPath)
  }

  /** As written: decimal text. */
  keyType(): Promise<string | undefined> {
    return this.#read(keyTypePath)
  }

  manifestTimestamp(): Promise<string | undefined> {
    return this.#read(timestampPath)
  }

  /** Whether this client has met the repository: location, key type and timestamp are there. */
  async known(): Promise<boolean> {
    const facts = await Promise.all([this.location(), this.keyType(), this.manifestTimestamp()])
    return facts.every((fact) => fact !== undefined)
  }

  /** After each write to the repository, and at first sight. */
  async save(facts: RepositoryFacts): Promise<void> {
    await this.saveLocation(facts.location)
    await this.#write(keyTypePath, String(modes[facts.mode].typeByte))
    if (facts.manifestTimestamp !== undefined) await this.#write(timestampPath, facts.manifestTimestamp)
  }

  async saveLocation(location: string): Promise<void> {
    await this.#write(locationPath, location)
  }

  async tamRequired(): Promise<boolean> {
    return (await this.#store.stat(tamPath)) !== undefined
  }

  /** Said once a manifest was seen authenticated: from then on nothing less is accepted. */
  async requireTam(): Promise<void> {
    if (!(await this.tamRequired())) await this.#write(tamPath, '')
  }

  /** borg's `upgrade --disable-tam`. */
  async forgetTam(): Promise<void> {
    await this.#store.remove(tamPath)
  }

  /** The `nonce` file. Callers hold the repository's exclusive lock, so nobody writes between look and write. */
  nonceLedger(): NonceLedger {
    return {
      free: () => loadFreeNonce(this.#store),
      reserve: async (next, expected) => {
        await this.#store.createRoot({ parents: true })
        await reserveNonce(this.#store, next, expected)
      },
    }
  }

  /** With the repository goes what we knew of it. */
  async removeAll(): Promise<void> {
    await this.#store.removeAll()
  }

  async #read(path: StorePath): Promise<string | undefined> {
    const bytes = await readIfThere(this.#store, path)
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes).trim()
  }

  async #write(path: StorePath, text: string): Promise<void> {
    await this.#store.createRoot({ parents: true })
    await this.#store.write(path, encodeText(text))
  }
}

/**
 * The checks every manifest that was loaded must pass. `config` is the cache's, which is believed before the security
 * directory about where the repository was. Returns whether `config` was changed and must be saved.
 * @throws BorgError 'Cache.CacheInitAbortedError' | 'Cache.RepositoryAccessAborted' when the user says no,
 * 'Cache.EncryptionMethodMismatch', 'Cache.RepositoryIDNotUnique' | 'Cache.RepositoryReplay'.
 */
export async function assertSecure(
  security: SecurityDirectory,
  facts: RepositoryFacts,
  config: CacheConfig | undefined,
  run: RunOptions,
): Promise<boolean> {
  const known = await security.known()
  if (!known && !facts.logicallyEncrypted) await confirmUnknown(run)
  const moved = await confirmLocation(security, facts, config, run)
  await checkKeyType(security, facts, config)
  await checkReplay(security, facts, config, run)
  reportLog(run, 'debug', 'security: repository checks ok, allowing access')
  if (!known) await security.save(facts)
  return moved
}

/**
 * `assertSecure` for commands without a cache of their own: takes the cache's lock for as long as it looks at its config.
 * `cache` need not exist.
 */
export async function checkSecurity(
  security: SecurityDirectory,
  facts: RepositoryFacts,
  cache: Store,
  lock: { readonly lockWaitSeconds: LockOptions['lockWaitSeconds']; readonly host: Host },
  run: RunOptions,
): Promise<void> {
  if ((await cache.stat(configPath)) === undefined) {
    await assertSecure(security, facts, undefined, run)
    return
  }
  await using held = await acquireLock(
    cache,
    { kind: 'exclusive', lockWaitSeconds: lock.lockWaitSeconds },
    lock.host,
    run,
  )
  void held // until the config was looked at and, if need be, written
  // What a crash left half-written must not be taken for the config, nor overwrite what is written now.
  await rollBack(cache)
  const config = await loadConfig(cache)
  if (await assertSecure(security, facts, config, run)) {
    if (config !== undefined) await saveConfig(cache, config)
  }
}

async function confirmUnknown(run: RunOptions): Promise<void> {
  const agreed = await run.ask?.({
    msgid: 'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK',
    text:
      'Warning: Attempting to access a previously unknown unencrypted repository!\n' + 'Do you want to continue? [yN] ',
  })
  if (agreed !== true) throw new BorgError('Cache.CacheInitAbortedError', [])
}

/** True when the repository moved and the user agreed. */
async function confirmLocation(
  security: SecurityDirectory,
  facts: RepositoryFacts,
  config: CacheConfig | undefined,
  run: RunOptions,
): Promise<boolean> {
  const remembered = await security.location()
  if (remembered !== undefined) reportLog(run, 'debug', `security: read previous location '${remembered}'`)
  const previous = config?.previousLocation || remembered
  if (previous === undefined || previous === facts.location) return false
  const agreed = await run.ask?.({
    msgid: 'BORG_RELOCATED_REPO_ACCESS_IS_OK',
    text:
      `Warning: The repository at location ${facts.location} was previously located at ${previous}\n` +
      'Do you want to continue? [yN] ',
  })
  if (agreed !== true) throw new BorgError('Cache.RepositoryAccessAborted', [])
  await security.saveLocation(facts.location)
  config?.setLocation(facts.location)
  return config !== undefined
}

async function checkKeyType(
  security: SecurityDirectory,
  facts: RepositoryFacts,
  config: CacheConfig | undefined,
): Promise<void> {
  const current = String(modes[facts.mode].typeByte)
  for (const remembered of [config?.keyType || undefined, await security.keyType()]) {
    if (remembered !== undefined && remembered !== current) throw new BorgError('Cache.EncryptionMethodMismatch', [])
  }
}

async function checkReplay(
  security: SecurityDirectory,
  facts: RepositoryFacts,
  config: CacheConfig | undefined,
  run: RunOptions,
): Promise<void> {
  const remembered = [(await security.manifestTimestamp()) ?? '', config?.timestamp ?? ''].sort().at(-1) ?? ''
  if (remembered !== '') reportLog(run, 'debug', `security: newest manifest seen so far is of ${remembered}`)
  if (remembered <= (facts.manifestTimestamp ?? '')) return
  throw facts.mode === 'none'
    ? new BorgError('Cache.RepositoryIDNotUnique', [])
    : new BorgError('Cache.RepositoryReplay', [])
}
