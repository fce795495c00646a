/**
 * `debug get-obj`, `put-obj`, `delete-obj`, `refcount-obj` and `id-hash`. Source: CLI contract, commands §22.
 */
import { BorgError, isBorgError, toHex } from '../../parsing.ts'
import {
  debugDeleteObjTable,
  debugGetObjTable,
  debugIdHashTable,
  debugPutObjTable,
  debugRefcountObjTable,
} from '../args/tables/debug.ts'
import type { Command } from '../command.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { idProblem, requireId } from '../hex-argument.ts'
import { readNamedFile, writeNamedFile } from '../named-files.ts'

export const debugGetObj: Command<typeof debugGetObjTable> = {
  table: debugGetObjTable,
  async run({ location, id, path }, io) {
    const engine = await loadEngine()
    await using repository = await engine.connectRepository(location, openOptions(engine, io, 'read'), io.run)
    requireId(id)
    try {
      await writeNamedFile(path, await repository.get(engine.objectIdFromHex(id)))
    } catch (error) {
      if (!isBorgError(error, 'Repository.ObjectNotFound')) throw error
      throw new BorgError('RTError', [`object ${id} not found.`], { cause: error })
    }
    io.write(`object ${id} fetched.\n`)
    return undefined
  },
}

export const debugPutObj: Command<typeof debugPutObjTable> = {
  table: debugPutObjTable,
  async run({ location, id, path }, io) {
    const engine = await loadEngine()
    await using repository = await engine.connectRepository(location, openOptions(engine, io, 'write'), io.run)
    const bytes = await readNamedFile(path)
    requireId(id)
    await repository.put(engine.objectIdFromHex(id), bytes)
    await repository.commit()
    io.write(`object ${id} put.\n`)
    return undefined
  },
}

export const debugDeleteObj: Command<typeof debugDeleteObjTable> = {
  table: debugDeleteObjTable,
  async run({ location, ids }, io) {
    const engine = await loadEngine()
    await using repository = await engine.connectRepository(location, openOptions(engine, io, 'write'), io.run)
    for (const id of ids) {
      if (idProblem(id) !== undefined) io.write(`object id ${id} is invalid.\n`)
      else if (await engine.deleteStoredObject(repository, engine.objectIdFromHex(id)))
        io.write(`object ${id} deleted.\n`)
      else io.write(`object ${id} not found.\n`)
    }
    await repository.commit()
    io.write('Done.\n')
    return undefined
  },
}

export const debugRefcountObj: Command<typeof debugRefcountObjTable> = {
  table: debugRefcountObjTable,
  async run({ location, ids }, io) {
    const engine = await loadEngine()
    await using session = await engine.openRepository(location, openOptions(engine, io, 'write'), io.run)
    await using cache = await session.openCache({ files: 'disabled' }, io.run)
    for (const id of ids) {
      if (idProblem(id) !== undefined) {
        io.write(`object id ${id} is invalid.\n`)
        continue
      }
      const known = cache.chunks.find(engine.objectIdFromHex(id))
      const said = known === undefined ? 'not found' : `has ${known.references} referrers`
      io.write(`object ${id} ${said} [info from chunks cache].\n`)
    }
    return undefined
  },
}

export const debugIdHash: Command<typeof debugIdHashTable> = {
  table: debugIdHashTable,
  async run({ location, path }, io) {
    const engine = await loadEngine()
    await using session = await engine.openRepository(location, openOptions(engine, io, 'read'), io.run)
    io.write(`${toHex(engine.contentId(session.key, await readNamedFile(path)))}\n`)
    return undefined
  },
}
