/**
 * SftpStore keeps the contract of src/store/store.ts: over SSH with a real server, and on servers that offer less.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { SftpSession } from '../../src/sftp/sftp-session.ts'
import { type SftpLocation, SftpStore } from '../../src/sftp/sftp-store.ts'
import { encodeText } from '../../src/base/text.ts'
import { openSshConnection, type SshConnection } from '../../src/ssh/connection.ts'
import { storeContract } from '../../src/store/contract.ts'
import type { Store } from '../../src/store/store.ts'
import { everyExtension, haveSftpServer, sftpStoreOn } from '../support/sftp-server.ts'
import { haveSshd, type Sshd, startSshd } from '../support/sshd.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'

const folder = makeTempFolder()
afterAll(() => removeTempFolder(folder))

let made = 0
function nextPath(): string {
  made += 1
  return join(folder, String(made), 'repository')
}

function contract(makeStore: (path: string) => Store, path: () => string): void {
  let current = ''
  const cases = storeContract(
    () => {
      current = path()
      return makeStore(current)
    },
    { reopen: () => makeStore(current) },
  )
  for (const { promise, run } of cases) test(promise, run)
}

describe.skipIf(!haveSshd('SftpStore over SSH'))('internal-sftp over SSH', () => {
  let sshd: Sshd
  let connection: SshConnection
  beforeAll(async () => {
    sshd = await startSshd()
    const { host, port, user, knownHostsFile, identityFile } = sshd
    const [knownHostsFiles, identityFiles] = [[knownHostsFile], [identityFile]]
    connection = await openSshConnection({ host, port, user, settings: 'none', knownHostsFiles, identityFiles })
  })
  afterAll(async () => {
    await connection[Symbol.asyncDispose]()
    await sshd.stop()
  })

  // One connection for all: what is looked at here is the Store, and each has a server process of its own.
  contract((path) => {
    const location: SftpLocation = { scheme: 'sftp', host: sshd.host, port: sshd.port, path }
    return new SftpStore(location, async () => ({ session: await SftpSession.open(await connection.sftp(), path) }))
  }, nextPath)
})

describe.skipIf(!haveSftpServer('SftpStore on a server that offers little'))('a server', () => {
  describe('with fsync and posix-rename only, and a folder whose name is not UTF-8', () => {
    const without = everyExtension.filter((name) => name !== 'fsync' && name !== 'posix-rename')
    contract(
      (path) => sftpStoreOn(path, { without }),
      () => {
        const path = `${nextPath()}\udcff\u00e9`
        mkdirSync(Buffer.from(encodeText(path)), { recursive: true })
        return path
      },
    )
  })
})
