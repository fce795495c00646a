/**
 * Our client over pipes to `borg serve` of each real borg: the contract of a Repository.
 */
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { systemHost } from '../../src/base/host.ts'
import { openRemoteRepository, type RemoteOpenOptions } from '../../src/rpc/remote-repository.ts'
import { openCommandTransport, serverWords } from '../../src/rpc/ssh-transport.ts'
import type { Repository } from '../../src/repository/repository.ts'
import { LocalStore } from '../../src/store/local-store.ts'
import { type RepositoryPlace, repositoryContract } from '../conformance/repository-contract.ts'
import { prepare } from '../repository/world.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'

const borgs = findBorgs()
const chosen = process.env['TSBORG_LONG'] === '1' ? borgs : borgs.slice(-1)
if (chosen.length < borgs.length) {
  console.warn('SHORT: against the newest borg only, each connection takes a second; TSBORG_LONG=1 takes all')
}

for (const borg of chosen) {
  describe(`RemoteRepository over pipes to borg serve ${borg.version}`, () => {
    const world = new BorgWorld()
    afterAll(() => world.remove())
    let places = 0
    const connect = (path: string, access: RemoteOpenOptions['access']): Promise<Repository> => {
      const transport = openCommandTransport(serverWords({ remoteBorg: borg.command }), world.environment, systemHost)
      const named = `ssh://host${path}`
      return openRemoteRepository(
        transport,
        { path, named, location: named, lockWaitSeconds: 5, access },
        {},
        systemHost,
      )
    }
    repositoryContract(
      async (): Promise<RepositoryPlace> => {
        places += 1
        const path = join(world.folder, `repository-${places}`)
        await prepare(new LocalStore(path))
        return { open: (access) => connect(path, access) }
      },
      { runs: 2, acts: 20 },
    )
  })
}
