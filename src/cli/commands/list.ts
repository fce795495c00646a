/**
 * `list`. Source: CLI contract, commands §4.
 */
import type { ArchiveEntry, ArchiveReader, ReadSession } from '../../index.ts'
import { BorgError, parsePathArgument, toHex } from '../../parsing.ts'
import { repositoryFacts } from '../archive-facts.ts'
import type { ArgsOf } from '../args/argument.ts'
import { listTable } from '../args/tables/list.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, loadEngine, openOptions, readAccess, selectionOf } from '../engine.ts'
import { itemRecord } from '../item-records.ts'
import {
  ArchiveFormat,
  type ArchiveRecord,
  defaultArchiveFormat,
  shortArchiveFormat,
} from '../render/archive-format.ts'
import { repositoryPart } from '../render/documents.ts'
import { defaultItemFormat, ItemFormat, shortItemFormat } from '../render/item-format.ts'
import { jsonDocument, jsonLine } from '../render/json.ts'

type Arguments = ArgsOf<typeof listTable>

export const list: Command<typeof listTable> = {
  table: listTable,
  async run(args, io) {
    const { archive } = args.location
    if (archive !== undefined && args.json) {
      throw new BorgError('CommandError', [
        'The --json option is only valid for listing archives, not archive contents.',
      ])
    }
    if (archive === undefined && args.jsonLines) {
      throw new BorgError('CommandError', [
        'The --json-lines option is only valid for listing archive contents, not archives.',
      ])
    }
    const engine = await loadEngine()
    const open = openOptions(engine, io, readAccess(io))
    await using session = await engine.openRepository(args.location, open, io.run)
    if (archive === undefined) await listRepository(args, session, engine, io)
    else await listContents(args, await engine.openArchive(session, archive), session, engine, io)
    return undefined
  },
}

async function listRepository(args: Arguments, session: ReadSession, engine: Engine, io: CliIo): Promise<void> {
  const format = new ArchiveFormat(args.format ?? (args.short ? shortArchiveFormat : defaultArchiveFormat))
  const selection = { ...selectionOf(args), considerCheckpoints: args.considerCheckpoints }
  const records = engine.listArchives(session, selection).map((entry) => archiveRecord(entry, session, engine))
  if (!args.json) {
    for (const record of records) io.write(await format.text(record))
    return
  }
  const archives = []
  for (const record of records) archives.push(await format.json(record))
  const document = { archives, ...repositoryPart(repositoryFacts(session)) }
  io.write(jsonDocument(document, io.environment.jsonIndent))
}

function archiveRecord(entry: ArchiveEntry, session: ReadSession, engine: Engine): ArchiveRecord {
  return {
    name: entry.name,
    id: toHex(entry.id),
    start: entry.time,
    async details() {
      const archive = await engine.openArchive(session, entry)
      const { comment, hostname, username, end, commandLine } = archive.metadata
      return { comment, hostname, username, end, commandLine, tam: archive.tam === 'verified' ? 'verified' : 'none' }
    },
  }
}

/** Lines gathered before they are written: one write a line costs more than listing it. */
const writeSize = 64 * 1024

async function listContents(
  args: Arguments,
  archive: ArchiveReader,
  session: ReadSession,
  engine: Engine,
  io: CliIo,
): Promise<void> {
  const context = { archiveName: archive.entry.name, archiveId: toHex(archive.entry.id) }
  const format = new ItemFormat(args.format ?? (args.short ? shortItemFormat : defaultItemFormat), context)
  await using cache = format.needsCache ? await session.openCache({ files: 'disabled' }, io.run) : undefined
  const patterns = [...args.patterns, ...args.paths.map(parsePathArgument)]
  const { considerPartFiles } = io.common
  let lines = ''
  for await (const item of engine.listItems(session, archive.entry, { patterns, considerPartFiles })) {
    io.signal.throwIfAborted()
    const record = itemRecord(item, { engine, archive, cache, signal: io.signal })
    if (args.jsonLines) lines += jsonLine(await format.json(record))
    else {
      const text = format.text(record)
      lines += typeof text === 'string' ? text : await text
    }
    if (lines.length < writeSize) continue
    io.write(lines)
    lines = ''
  }
  io.write(lines)
}
