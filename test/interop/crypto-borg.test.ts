/**
 * Keys, objects and authentication against the borgs installed here, both directions: their programs write and we read,
 * we write and their modules read. Says so and skips where there is no borg.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { systemHost } from '../../src/base/host.ts'
import { manifestId, type ObjectId, objectId, objectIdFromHex } from '../../src/base/ids.ts'
import { makeCompressor } from '../../src/compress/registry.ts'
import { idHash, open, seal } from '../../src/crypto/envelope.ts'
import { generateKey, keyFileText, legacyPassphraseKey, sealKeyBlob } from '../../src/crypto/key-blob.ts'
import type { KeyMaterial, KeyMode } from '../../src/crypto/key-material.ts'
import { modes } from '../../src/crypto/modes.ts'
import { packWithTam, type TamContext, verifyTam } from '../../src/crypto/tam.ts'
import { metadataLimits, type UnpackedMap, unpack } from '../../src/format/msgpack-decode.ts'
import { changePassphrase, exportKey, importKey, importPaperKey } from '../../src/operations/keys.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { openStoreRepository } from '../../src/repository/segment-repository.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { type KeyFiles, keyFileName, localKeyFiles } from '../../src/session/keyfiles.ts'
import { type Unlocked, unlock } from '../../src/session/unlock.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { allModes } from '../crypto/key-vectors.ts'
import { FakeHost } from '../support/fake-host.ts'
import { BorgWorld, findBorgs, type RealBorg } from '../support/real-borg.ts'

const borgs = findBorgs()
if (borgs.length === 0) {
  console.warn('SKIPPED: no borg. NOT checked: that borg reads our keys, objects and TAMs, and we read its.')
}
const host = new FakeHost({ seed: 77 })
const random = (length: number): Uint8Array => host.randomBytes(length)
const passphrase = 'correct hörse'

/** One mode of each storage, hash and MAC, because every run of borg takes a second; its modules get all modes. */
const storedModes: readonly KeyMode[] = ['repokey', 'keyfile-blake2']

describe.each(borgs.map((borg) => [borg.version, borg] as const))('borg %s', (_version, borg) => {
  const world = new BorgWorld({ passphrase })
  const keyFiles = localKeyFiles(defaultDirectories(world.environment))
  afterAll(() => world.remove())

  function archivesBy(secret: string, repository: string): string {
    const { code, stdout } = world.run(borg.command, ['list', '--short', repository], {
      environment: { BORG_PASSPHRASE: secret },
    })
    return code === 0 ? stdout : `refused with ${code}`
  }

  describe.each(storedModes)('%s', (mode) => {
    const path = world.path(mode)

    test('its repository unlocks, and what it authenticated verifies', async () => {
      writeFileSync(world.path('file'), 'hello world')
      world.must(borg.command, ['init', '-e', mode, path])
      world.must(borg.command, ['create', `${path}::first`, 'file'])
      await using repository = await openHere(path)

      const { key } = await unlockHere(repository, keyFiles, passphrase)

      expect(key.mode).toBe(mode)
      expect(key.tamRequired).toBe(true)
      const manifest = await verified(repository, key, manifestId, 'manifest')
      const archive = (manifest.get('archives') as UnpackedMap).get('first') as UnpackedMap
      const metadata = await verified(repository, key, objectId(archive.get('id') as Uint8Array), 'archive')
      expect(metadata.get('version')).toBe(1)
    })

    test('its exports are ours, and a key put back by us, from text or paper, is as it was', async () => {
      const plain = world.must(borg.command, ['key', 'export', path]).stdout
      const paper = world.must(borg.command, ['key', 'export', '--paper', path]).stdout
      await using repository = await openHere(path)
      const places = { keyFiles, location: { scheme: 'file', path } } as const
      const exported = (): Promise<string> => exportKey(repository, { keyFiles })

      expect(await exported()).toBe(plain)
      expect(await exportKey(repository, { keyFiles, format: 'paper' })).toBe(paper)

      await changeHere(repository, keyFiles, passphrase, 'something else')
      expect(await exported()).not.toBe(plain)
      await importKey(repository, plain, places)
      expect(await exported()).toBe(plain)

      await changeHere(repository, keyFiles, passphrase, 'something else')
      const lines = paper.split('\n').filter((line) => line.includes(' - '))
      await importPaperKey(
        repository,
        {
          ask: async () => lines.shift()?.slice(4),
          complain: (complaint) => expect.fail(complaint),
          confirmAbort: async () => true,
        },
        places,
      )
      expect(await exported()).toBe(plain)
    })

    test('it takes the passphrase we set, and imports what we export', async () => {
      const backup = world.path(`${mode}.backup`)
      {
        await using repository = await openHere(path)
        writeFileSync(backup, await exportKey(repository, { keyFiles }))
        await changeHere(repository, keyFiles, passphrase, 'nëw')
      }
      expect(archivesBy('nëw', path)).toBe('first\n')
      expect(archivesBy(passphrase, path)).toMatch(/^refused/)

      world.must(borg.command, ['key', 'import', path, backup])
      expect(archivesBy(passphrase, path)).toBe('first\n')
    })
  })

  test('its modules read every key, object and TAM that we make from nothing, and we what they make', async () => {
    const questions = await Promise.all(allModes.map((mode) => questionFor(mode, world)))

    const answers = askModules(borg, world, readEverything, questions) as readonly ModuleAnswer[]

    expect(answers).toHaveLength(allModes.length)
    for (const [i, answer] of answers.entries()) {
      const question = questions[i]
      if (question === undefined) return expect.fail('more answers than questions')
      const { key, archive } = question
      expect(answer, key.mode).toMatchObject({
        type: modes[key.mode].typeByte,
        name: modes[key.mode].name,
        wrong: [],
        verified: true,
        seed: key.chunkSeed,
        required: key.tamRequired,
        archive,
      })
      expect(answer.theirs).toHaveLength(question.objects.length)
      for (const { plain, stored } of answer.theirs) {
        expect(toHex(await open(key, idHash(key, fromHex(plain)), fromHex(stored)))).toBe(plain)
      }
    }
  })

  test('it derives the same key from a passphrase in passphrase mode', () => {
    const id = objectIdFromHex(toHex(random(32)))
    const key = legacyPassphraseKey(id, passphrase)
    const answer = askModules(borg, world, deriveLegacy, { id: toHex(id) })
    expect(answer).toEqual({
      enc: toHex(key.encryptionKey),
      mac: toHex(key.macKey),
      id: toHex(key.idKey),
      seed: key.chunkSeed,
    })
  })

  test('it names key files as we do', () => {
    const paths = ['/srv/repo', '/ü/(x)_', '/a b/ç-ñ', '/漢字/²³', `/${'long/'.repeat(40)}x`, '/_x_', '/a\u0301', '/x٣']
    const answer = askModules(borg, world, nameKeyFiles, { paths })
    expect(answer).toEqual(paths.map((path) => keyFileName({ scheme: 'file', path })))
  })

  test.each<[string, (folder: string) => Record<string, string>]>([
    ['HOME', () => ({})],
    ['a base', (folder) => ({ BORG_BASE_DIR: join(folder, 'b') })],
    ['XDG', (folder) => ({ XDG_CONFIG_HOME: join(folder, 'x'), XDG_CACHE_HOME: join(folder, 'y') })],
    ['XDG and a base', (folder) => ({ BORG_BASE_DIR: join(folder, 'b'), XDG_CONFIG_HOME: join(folder, 'x') })],
    ['its own and a base', (folder) => ({ BORG_BASE_DIR: join(folder, 'b'), BORG_CONFIG_DIR: join(folder, 'c') })],
    ['keys apart', (folder) => ({ BORG_KEYS_DIR: join(folder, 'k'), BORG_SECURITY_DIR: join(folder, 's') })],
  ])('it looks in the same directories, given %s', (name, variables) => {
    const folder = world.path('directories', name)
    for (const made of ['home', 'b', 'x', 'y', 'c']) mkdirSync(join(folder, made), { recursive: true })
    const env = { HOME: join(folder, 'home'), BORG_BASE_DIR: '', ...variables(folder) }
    const ours = defaultDirectories(env)
    expect(askModules(borg, world, listDirectories, {}, env)).toEqual([
      ours.config,
      ours.keys,
      ours.security,
      ours.cache,
    ])
  })
})

function openHere(path: string): Promise<Repository> {
  const options = { location: path, access: 'write', lockWaitSeconds: 1 } as const
  return openStoreRepository(new LocalStore(path), options, systemHost, {})
}

async function unlockHere(repository: Repository, keyFiles: KeyFiles, secret: string): Promise<Unlocked> {
  return unlock(repository, await repository.get(manifestId), { keyFiles, passphrase: secret })
}

async function changeHere(repository: Repository, keyFiles: KeyFiles, from: string, to: string): Promise<void> {
  const unlocked = await unlockHere(repository, keyFiles, from)
  await changePassphrase(repository, unlocked, { newPassphrase: to, keyFiles, host: systemHost })
}

/** Opens a metadata object, and insists on its TAM. */
async function verified(
  repository: Repository,
  key: KeyMaterial,
  id: ObjectId,
  context: TamContext,
): Promise<UnpackedMap> {
  const packed = await open(key, context === 'manifest' ? undefined : id, await repository.get(id))
  const fields = unpack(packed, metadataLimits)
  if (!(fields instanceof Map)) throw new Error(`the ${context} is no map`)
  expect(verifyTam(key, context, packed, fields).tam).toBe('verified')
  return fields
}

interface Question {
  readonly id: string
  readonly key: KeyMaterial
  readonly blob: string
  readonly keyFile: string
  readonly manifest: string
  readonly archive: string
  readonly archiveSalt: string
  readonly objects: readonly { readonly id: string; readonly stored: string; readonly plain: string }[]
}
interface ModuleAnswer {
  readonly type: number
  readonly name: string
  readonly wrong: readonly string[]
  readonly verified: boolean
  readonly archive: string
  readonly seed: number
  readonly required: boolean
  readonly theirs: readonly { readonly plain: string; readonly stored: string }[]
}

/** A repository's worth of our bytes: key, manifest, archive metadata, objects of several sizes and compressions. */
async function questionFor(mode: KeyMode, world: BorgWorld): Promise<Question> {
  const id = objectIdFromHex(toHex(random(32)))
  const key = generateKey(mode, id, random)
  const blob = mode === 'none' ? '' : sealKeyBlob(key, passphrase, random(32))
  const keyFile = world.path(`ours-${mode}.key`)
  writeFileSync(keyFile, keyFileText(id, blob))
  const fields = new Map([['version', 1]])
  const none = await makeCompressor('none', random)
  const compressors = [none, await makeCompressor('lz4', random), await makeCompressor('zlib,6', random)]
  const archiveSalt = random(64)
  return {
    id: toHex(id),
    key,
    blob,
    keyFile,
    manifest: toHex(seal(key, none, packWithTam(key, 'manifest', fields, random(64)), 0n)),
    archive: toHex(packWithTam(key, 'archive', fields, archiveSalt)),
    archiveSalt: toHex(archiveSalt),
    objects: [0, 1, 15, 16, 17, 1000, 70_000].map((size, i) => {
      const plain = random(size)
      const stored = seal(key, compressors[i % compressors.length] ?? none, plain, 2n ** 40n + BigInt(i) * 10_000n)
      return { id: toHex(idHash(key, plain)), stored: toHex(stored), plain: toHex(plain) }
    }),
  }
}

/** Runs `program` on borg's own modules: `question` is JSON from us, `answer` goes back as JSON. */
function askModules(
  borg: RealBorg,
  world: BorgWorld,
  program: string,
  question: unknown,
  environment: Record<string, string> = {},
): unknown {
  // A borg that is not the system's brings its modules in a folder beside it.
  const path = borg.command.includes('/') ? join(dirname(borg.command), 'python') : ''
  const prelude = 'import json, os, sys\nquestion = json.load(sys.stdin)\n'
  const { stdout } = world.must('/usr/bin/python3', ['-c', `${prelude}${program}\nprint(json.dumps(answer))`], {
    input: JSON.stringify(question, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    environment: { ...environment, PYTHONPATH: path },
  })
  return JSON.parse(stdout)
}

const readEverything = `
from borg.crypto import key as keys
from borg.helpers import Location
from borg.logger import setup_logging
setup_logging()
class Repository:
    def __init__(self, asked):
        self.id = bytes.fromhex(asked['id'])
        self.id_str = asked['id']
        self.blob = asked['blob']
        self._location = Location('/nowhere')
    def load_key(self): return self.blob.encode()
    def get_free_nonce(self): return None
    def commit_nonce_reservation(self, *args): pass
answer = []
for asked in question:
    os.environ['BORG_KEY_FILE'] = asked['keyFile']
    manifest = bytes.fromhex(asked['manifest'])
    key = keys.key_factory(Repository(asked), manifest)
    wrong = [o['id'] for o in asked['objects'] if key.decrypt(bytes.fromhex(o['id']), bytes.fromhex(o['stored'])).hex() != o['plain']]
    verified = key.unpack_and_verify_manifest(key.decrypt(None, manifest))[1]
    # 1.2 draws the salt itself, and takes no other.
    chance, os.urandom = os.urandom, lambda size: bytes.fromhex(asked['archiveSalt'])
    archive = key.pack_and_authenticate_metadata({'version': 1}, context=b'archive')
    os.urandom = chance
    answer.append(dict(
        type=key.TYPE, name=key.NAME, wrong=wrong, verified=bool(verified), archive=archive.hex(),
        seed=key.chunk_seed, required=bool(key.tam_required),
        theirs=[dict(plain=o['plain'], stored=key.encrypt(bytes.fromhex(o['plain'])).hex()) for o in asked['objects']],
    ))
`

const deriveLegacy = `
from borg.crypto import key as keys
class Repository:
    id = bytes.fromhex(question['id'])
    id_str = question['id']
key = keys.PassphraseKey(Repository())
key.init(Repository(), keys.Passphrase(os.environ['BORG_PASSPHRASE']))
answer = dict(enc=key.enc_key.hex(), mac=key.enc_hmac_key.hex(), id=key.id_key.hex(), seed=key.chunk_seed)
`

const nameKeyFiles = `
from borg.helpers import Location
answer = [os.path.basename(Location(path).to_key_filename()) for path in question['paths']]
`

const listDirectories = `
import borg.helpers.fs as fs
answer = [fs.get_config_dir(), fs.get_keys_dir(), fs.get_security_dir(), fs.get_cache_dir()]
`
