/**
 * A repository in memory with real archives in it, and whatever a cache needs to know of it.
 */
import { writeArchive } from '../../src/archive/archive-writer.ts'
import type { ChunkRef } from '../../src/archive/item.ts'
import { emptyManifest, encodeManifest, type Manifest } from '../../src/archive/manifest.ts'
import { toHex } from '../../src/base/bytes.ts'
import { BorgError } from '../../src/base/errors.ts'
import type { EngineEvent, Question, RunOptions } from '../../src/base/events.ts'
import { itemPath, nanoseconds, type ObjectId, objectId, objectIdFromHex } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import type { CacheSource, OpenCacheOptions } from '../../src/cache/cache.ts'
import { SecurityDirectory } from '../../src/cache/security.ts'
import { makeCompressor } from '../../src/compress/registry.ts'
import { idHash, open, seal } from '../../src/crypto/envelope.ts'
import { generateKey } from '../../src/crypto/key-blob.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { FakeHost } from '../support/fake-host.ts'

const repositoryId = objectId(new Uint8Array(32).fill(7))
const host = new FakeHost()
const compressor = await makeCompressor('none', (length) => host.randomBytes(length))

export class RepositoryWorld {
  readonly key: KeyMaterial
  security: SecurityDirectory
  /** Stored bytes by hex id. */
  readonly objects = new Map<string, Uint8Array>()
  location = '/srv/repo'
  manifest: Manifest
  #nonce = 0n
  /** Objects read, to see what a synchronisation costs. */
  reads = 0

  constructor(mode: KeyMode = 'repokey') {
    this.key = generateKey(mode, repositoryId, (length) => host.randomBytes(length))
    this.security = new SecurityDirectory(new MemoryStore('security'))
    this.manifest = emptyManifest(false)
    this.writeManifest()
  }

  /** Stores `plain` unless it is there already. */
  put(plain: Uint8Array): ChunkRef {
    const id = idHash(this.key, plain)
    const known = this.objects.get(toHex(id))
    const stored = known ?? seal(this.key, compressor, plain, this.#nextNonce(plain.length))
    this.objects.set(toHex(id), stored)
    return { id, size: plain.length, storedSize: stored.length }
  }

  /** An archive of files with these contents, one chunk each; the manifest names it afterwards. */
  async addArchive(
    name: string,
    contents: readonly string[],
    options: { totals?: boolean; unknownSizes?: boolean } = {},
  ): Promise<ObjectId> {
    const sink = { add: async (plain: Uint8Array) => this.put(plain) }
    const writer = writeArchive({ sink, key: this.key, host })
    let size = 0
    let storedSize = 0
    for (const [i, content] of contents.entries()) {
      const chunk = this.put(encodeText(content))
      size += chunk.size
      storedSize += chunk.storedSize
      const chunks = [options.unknownSizes === true ? { ...chunk, storedSize: 0 } : chunk]
      await writer.add({ path: itemPath(`file-${i}`), mode: 0o100644, modified: nanoseconds(5n), chunks })
    }
    const totals = {
      originalSize: size,
      compressedSize: storedSize,
      files: contents.length,
      partsOriginalSize: 0,
      partsCompressedSize: 0,
      partsFiles: 0,
    }
    const { entry } = await writer.save({
      name,
      comment: '',
      hostname: 'h',
      username: 'u',
      start: host.now(),
      end: host.now(),
      commandLine: ['borg'],
      ...(options.totals === false ? {} : { totals }),
    })
    this.manifest.archives.set(entry)
    this.writeManifest()
    return entry.id
  }

  /** As on another client: nothing is remembered of what the repository was. */
  forgetSecurity(): void {
    this.security = new SecurityDirectory(new MemoryStore('security'))
  }

  removeArchive(name: string): void {
    this.manifest.archives.delete(name)
    this.writeManifest()
  }

  writeManifest(): ObjectId {
    const { manifest } = encodeManifest(this.manifest, this.key, host.now(), host.randomBytes(64))
    this.manifest = manifest
    if (manifest.id === undefined) throw new Error('a written manifest has an id')
    return manifest.id
  }

  /** What a session would show; follows this world's changes. */
  get source(): CacheSource {
    const world = this
    return {
      key: this.key,
      logicallyEncrypted: this.key.mode !== 'none',
      host,
      lanes: { width: 2, next: () => ({ open: (id, stored) => open(world.key, id, stored) }) },
      get location() {
        return world.location
      },
      get manifest() {
        return world.manifest
      },
      get archives() {
        return world.manifest.archives
      },
      repository: {
        id: repositoryId,
        count: async () => world.objects.size,
        list: async (limit, after) => world.#list(limit, after),
        get: async (id) => world.#get(id),
        async *getMany(ids) {
          for await (const id of ids) yield world.#get(id)
        },
      },
    }
  }

  options(more: Partial<OpenCacheOptions> = {}): OpenCacheOptions {
    return { files: 'ctime,size,inode', lockWaitSeconds: 1, security: this.security, ...more }
  }

  #get(id: ObjectId): Uint8Array {
    this.reads += 1
    const stored = this.objects.get(toHex(id))
    if (stored === undefined) throw new BorgError('Repository.ObjectNotFound', [toHex(id), this.location])
    return stored
  }

  #list(limit: number, after: ObjectId | undefined): readonly ObjectId[] {
    const all = [...this.objects.keys(), '0'.repeat(64)]
    const start = after === undefined ? 0 : all.indexOf(toHex(after)) + 1
    return all.slice(start, start + limit).map(objectIdFromHex)
  }

  #nextNonce(size: number): bigint {
    const nonce = this.#nonce
    this.#nonce += BigInt(Math.ceil(size / 16) + 1)
    return nonce
  }
}

/** Collects what is said and answers what is asked. */
export function listener(answer = true): RunOptions & {
  readonly events: EngineEvent[]
  readonly questions: Question[]
  messages(): string[]
} {
  const events: EngineEvent[] = []
  const questions: Question[] = []
  return {
    events,
    questions,
    onEvent: (event) => void events.push(event),
    ask: async (question) => {
      questions.push(question)
      return answer
    },
    messages: () => events.flatMap((event) => (event.type === 'log' && event.level !== 'debug' ? [event.message] : [])),
  }
}
