import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BorgError } from '../../src/base/errors.ts'
import { systemHost } from '../../src/base/host.ts'
import { storePath } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'
import { RcClient } from '../../src/rclone/rc-client.ts'
import { startRclone } from '../../src/rclone/rclone-daemon.ts'
import { RcloneStore } from '../../src/rclone/rclone-store.ts'
import { isStoreNotFound } from '../../src/store/store.ts'
import { haveRclone, rcloneConfig } from '../support/rclone.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const folder = makeTempFolder()
afterAll(() => removeTempFolder(folder))

const file = storePath('config')

test('a missing rclone is named', async () => {
  await using store = new RcloneStore({ remote: 'x', path: '' }, { program: join(folder, 'no-such-rclone') })
  await expect(store.root()).rejects.toThrow(/rclone could not be started: .*no-such-rclone/)
})

describe.skipIf(!haveRclone)('rclone', () => {
  const options = haveRclone ? rcloneConfig(folder) : {}

  test('a remote that is not configured is named, and so is what rclone says', async () => {
    await using store = new RcloneStore({ remote: 'nowhere', path: 'x' }, options)
    await expect(store.root()).rejects.toThrow("rclone:nowhere:x: rclone: didn't find section in config file")
  })

  test('what exists but cannot be read is not taken for missing', async () => {
    mkdirSync(join(folder, 'crypt'), { recursive: true })
    await using store = new RcloneStore({ remote: 'secret', path: 'damaged' }, options)
    await store.createRoot()
    await store.write(file, encodeText('something that matters'))
    const [hidden = ''] = readdirSync(join(folder, 'crypt'))
    const [name = ''] = readdirSync(join(folder, 'crypt', hidden))
    const path = join(folder, 'crypt', hidden, name)
    const bytes = readFileSync(path)
    bytes[0] = (bytes[0] ?? 0) ^ 0xff
    writeFileSync(path, bytes)
    const failure = await store.read(file).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(BorgError)
    expect(isStoreNotFound(failure)).toBe(false)
  })

  test('an upload that is cut off leaves nothing that passes for the file', async () => {
    for (const size of [10, 50_000, 3_000_000]) {
      const place = join(folder, `cut${size}`)
      mkdirSync(place)
      const daemon = await startRclone(options, systemHost)
      const client = new RcClient(daemon)
      try {
        async function* half(): AsyncGenerator<Uint8Array> {
          yield new Uint8Array(size / 2)
          // Time enough for rclone to have taken it.
          await systemHost.sleep(200)
          throw new Error('the disk is gone')
        }
        const target = { fs: `disk:${place}`, folder: '', name: 'segment' }
        await expect(client.upload(target, half(), size)).rejects.toThrow('the disk is gone')
        await systemHost.sleep(300)
        expect(readdirSync(place)).toEqual([])
      } finally {
        client.close()
        await daemon[Symbol.asyncDispose]()
      }
    }
  })

  test('a crash while a file is replaced leaves the old content or the new', async () => {
    await using store = new RcloneStore({ remote: 'disk', path: join(folder, 'replaced') }, options)
    await store.createRoot()
    await store.write(file, encodeText('old'))
    await store.write(file, encodeText('new'))
    expect(readdirSync(join(folder, 'replaced'))).toEqual(['config'])
    // As rclone leaves it between removing the old file and moving the new one.
    spawnSync('mv', [join(folder, 'replaced', 'config'), join(folder, 'replaced', 'config.new')])
    expect(await store.read(file)).toEqual(encodeText('new'))
    expect(await store.stat(file)).toEqual({ path: 'config', kind: 'file', size: 3 })
    await store.remove(file)
    expect(await store.stat(file)).toBe(undefined)
  })

  test('who reads while a file is replaced meets the old content or the new, and always one', async () => {
    await using store = new RcloneStore({ remote: 'disk', path: join(folder, 'busy') }, options)
    await store.createRoot()
    await store.write(file, encodeText('0'))
    let writing = true
    const read = async (): Promise<void> => {
      while (writing) {
        expect(Number(decodeText(await store.read(file)))).toBeLessThanOrEqual(100)
        expect(await store.stat(file)).toBeDefined()
      }
    }
    const reading = Promise.all([read(), read(), read()])
    // Seen below; meanwhile it must not count as unhandled.
    reading.catch(() => {})
    for (let i = 1; i <= 100; i++) await store.write(file, encodeText(String(i)))
    writing = false
    await reading
  })

  test('no rclone stays behind when the process that started it is killed', async () => {
    const script = `
      import { RcloneStore } from ${JSON.stringify(new URL('../../src/rclone/rclone-store.ts', import.meta.url).href)}
      const store = new RcloneStore({ remote: 'disk', path: '/' }, ${JSON.stringify(options)})
      await store.root()
      console.log('up')
      setInterval(() => {}, 1000)
    `
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve)
      child.once('exit', (code) => reject(new Error(`ended early with ${code}`)))
    })
    const mine = (): string[] => rclonesWith(join(folder, 'rclone.conf'))
    expect(mine().length).toBeGreaterThan(0)
    child.kill('SIGKILL')
    for (let i = 0; i < 100 && mine().length > 0; i++) await systemHost.sleep(50)
    expect(mine()).toEqual([])
  })

  test('neither its password nor its user is among its arguments', async () => {
    await using daemon = await startRclone(options, systemHost)
    const secret = Buffer.from(daemon.authorization.slice('Basic '.length), 'base64').toString().split(':')[1] ?? ''
    expect(secret.length).toBe(48)
    for (const line of rclonesWith(join(folder, 'rclone.conf'))) expect(line).not.toContain(secret)
  })
})

/** Command lines of running processes that mention `text`. */
function rclonesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    })
    .filter((line) => line.includes(text) && line.includes('rcd'))
}
