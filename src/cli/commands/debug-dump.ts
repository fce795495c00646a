/**
 * `debug dump-archive-items`, `dump-archive`, `dump-manifest` and `dump-hints`. Source: CLI contract, commands §22.
 */
import { pythonString, stringifyPython, toHex } from '../../parsing.ts'
import {
  debugDumpArchiveItemsTable,
  debugDumpArchiveTable,
  debugDumpHintsTable,
  debugDumpManifestTable,
} from '../args/tables/debug.ts'
import type { Command } from '../command.ts'
import { openTextOutput, writeNamedFile } from '../named-files.ts'
import { loadEngine, openOptions } from '../engine.ts'
import { rawJson, rawJsonPart } from '../render/raw-json.ts'

export const debugDumpArchiveItems: Command<typeof debugDumpArchiveItemsTable> = {
  table: debugDumpArchiveItemsTable,
  async run(args, io) {
    const engine = await loadEngine()
    await using session = await engine.openRepository(args.location, openOptions(engine, io, 'read'), io.run)
    let number = 0
    for await (const { id, plain } of engine.archiveItemChunks(session, args.location.archive)) {
      const name = `${String(number++).padStart(6, '0')}_${toHex(id)}.items`
      io.write(`Dumping ${name}\n`)
      await writeNamedFile(name, plain)
      io.signal.throwIfAborted()
    }
    io.write('Done.\n')
    return undefined
  },
}

export const debugDumpArchive: Command<typeof debugDumpArchiveTable> = {
  table: debugDumpArchiveTable,
  async run(args, io) {
    const engine = await loadEngine()
    const { archive: name, location } = args.location
    await using session = await engine.openRepository(location, openOptions(engine, io, 'read'), io.run)
    const archive = await engine.rawArchive(session, name)
    await using dump = await openTextOutput(args.path, io)
    await dump.write(`{\n    "_name": ${pythonString(name)},\n`)
    await dump.write(`    "_manifest_entry":\n${rawJsonPart(archive.manifestEntry)},\n`)
    await dump.write(`    "_meta":\n${rawJsonPart(archive.metadata)},\n    "_items": [\n`)
    let between = ''
    for await (const item of archive.items()) {
      io.signal.throwIfAborted()
      await dump.write(between + rawJsonPart(item))
      between = ',\n'
    }
    await dump.write('\n    ]\n}\n')
    return undefined
  },
}

export const debugDumpManifest: Command<typeof debugDumpManifestTable> = {
  table: debugDumpManifestTable,
  async run(args, io) {
    const engine = await loadEngine()
    await using session = await engine.openRepository(args.location, openOptions(engine, io, 'read'), io.run)
    const manifest = await engine.rawManifest(session)
    await using dump = await openTextOutput(args.path, io)
    await dump.write(rawJson(manifest))
    return undefined
  },
}

export const debugDumpHints: Command<typeof debugDumpHintsTable> = {
  table: debugDumpHintsTable,
  async run(args, io) {
    const engine = await loadEngine()
    const open = openOptions(engine, io, 'write')
    const { segments, compact, quotaUsed, shadows } = await engine.repositoryHints(args.location, open, io.run)
    const counts = (counted: ReadonlyMap<number, number>): ReadonlyMap<string, number> =>
      new Map([...counted].map(([segment, count]) => [String(segment), count]))
    const shadowIndex = new Map([...shadows].map(([id, places]) => [toHex(id), places]))
    const hints = {
      segments: counts(segments),
      compact: counts(compact),
      storage_quota_use: quotaUsed,
      shadow_index: shadowIndex,
    }
    await using dump = await openTextOutput(args.path, io)
    await dump.write(stringifyPython(hints, { indent: 4 }))
    return undefined
  },
}
