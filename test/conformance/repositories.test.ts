/**
 * One suite for everything that is a Repository.
 */
import { join } from 'node:path'
import { afterAll, describe } from 'vitest'
import { LocalStore } from '../../src/store/local-store.ts'
import { newStore, open, prepare } from '../repository/world.ts'
import { makeTempFolder, removeTempFolder } from '../support/temp-folder.ts'
import { type RepositoryPlace, repositoryContract } from './repository-contract.ts'

describe('SegmentRepository in memory', () => {
  repositoryContract(async () => {
    const store = await newStore()
    return { open: (access) => open(store, { access }) }
  })
})

describe('SegmentRepository in memory, in tiny segments', () => {
  repositoryContract(async () => {
    const store = await newStore({ segmentSizeMax: 500, segmentsPerFolder: 3 })
    return { open: (access) => open(store, { access }) }
  })
})

describe('SegmentRepository in memory, every read a round trip', () => {
  repositoryContract(async () => {
    const store = await newStore({ segmentSizeMax: 500 })
    Object.assign(store.traits, { cheapSmallReads: false })
    return { open: (access) => open(store, { access }) }
  })
})

describe('SegmentRepository on disk', () => {
  const folder = makeTempFolder()
  afterAll(() => removeTempFolder(folder))
  let places = 0
  repositoryContract(async (): Promise<RepositoryPlace> => {
    places += 1
    const path = join(folder, `repository-${places}`)
    await prepare(new LocalStore(path), { segmentSizeMax: 100_000, segmentsPerFolder: 5 })
    return { open: (access) => open(new LocalStore(path), { access }) }
  })
})
