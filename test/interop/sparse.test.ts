import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idKey } from '../../src/base/ids.ts'
import { parseChunkerParams } from '../../src/chunker/chunker.ts'
import { createArchive } from '../../src/operations/create.ts'
import { listItems } from '../../src/operations/list.ts'
import { defaultDirectories } from '../../src/session/directories.ts'
import { openRepository } from '../../src/session/open.ts'
import { BorgWorld, findBorgs } from '../support/real-borg.ts'

const borgs = findBorgs()

describe.each(borgs)('a sparse file is cut where borg $version cuts it', ({ command }) => {
  let world: BorgWorld

  beforeAll(() => {
    world = new BorgWorld()
    mkdirSync(world.path('tree'))
    const file = openSync(join(world.path('tree'), 'sparse'), 'w')
    for (const [at, size] of [
      [0, 5000],
      [1_000_000, 70_000],
      [5_000_000, 1],
    ] as const) {
      writeSync(file, Buffer.alloc(size, 'x'), 0, size, at)
    }
    ftruncateSync(file, 7_000_001)
    closeSync(file)
    world.must(command, ['init', '-e', 'none', 'repository'])
  })

  afterAll(() => world.remove())

  test.each(['fixed,65536', 'fixed,16384,512', 'fixed,1048576'])('%s', async (text) => {
    const name = text.replaceAll(',', '-')
    world.must(command, ['create', '--sparse', '--chunker-params', text, `repository::theirs-${name}`, 'tree'])
    const directories = defaultDirectories(world.environment, world.path('base'))
    const run = { ask: async () => true }
    await using session = await openRepository(world.path('repository'), { access: 'write', directories }, run)
    const chunkerParams = parseChunkerParams(text)
    const roots = [world.path('tree')]
    await createArchive(
      session,
      { name: `ours-${name}`, roots, sparse: true, chunkerParams, filesCache: 'disabled' },
      run,
    )

    const chunks = async (archive: string): Promise<string[]> => {
      for await (const item of listItems(session, archive)) {
        if (item.path.endsWith('sparse')) return (item.chunks ?? []).map((chunk) => `${chunk.size} ${idKey(chunk.id)}`)
      }
      return []
    }
    const theirs = await chunks(`theirs-${name}`)
    expect(theirs.length).toBeGreaterThan(7)
    expect(await chunks(`ours-${name}`)).toEqual(theirs)
  })
})
