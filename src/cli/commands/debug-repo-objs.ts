/**
 * `debug dump-repo-objs` and `debug search-repo-objs`. Source: CLI contract, commands §22.
 */
import type { Finding, LoggedObject } from '../../index.ts'
import { BorgError, encodeText, hasLoneSurrogate, toHex } from '../../parsing.ts'
import type { ArgsOf } from '../args/argument.ts'
import { debugDumpRepoObjsTable, debugSearchRepoObjsTable } from '../args/tables/debug.ts'
import type { CliIo, Command } from '../command.ts'
import { type Engine, loadEngine, openOptions } from '../engine.ts'
import { parseHex } from '../hex-argument.ts'
import { writeNamedFile } from '../named-files.ts'
import { pythonBytes } from '../render/python-bytes.ts'

export const debugDumpRepoObjs: Command<typeof debugDumpRepoObjsTable> = {
  table: debugDumpRepoObjsTable,
  async run(args, io) {
    const engine = await loadEngine()
    if (args.ghost) await dumpLog(args, engine, io)
    else await dumpObjects(args, engine, io)
    io.write('Done.\n')
    return undefined
  },
}

async function dumpObjects(args: ArgsOf<typeof debugDumpRepoObjsTable>, engine: Engine, io: CliIo): Promise<void> {
  const open = openOptions(engine, io, 'read')
  await using repository = await engine.connectRepository(args.location, open, io.run)
  for await (const { number, id, plain } of engine.plainObjects(repository, open, io.run)) {
    await dump(`${String(number).padStart(8, '0')}_${toHex(id)}.obj`, plain, io)
  }
}

async function dumpLog(args: ArgsOf<typeof debugDumpRepoObjsTable>, engine: Engine, io: CliIo): Promise<void> {
  const { location, segment, offset } = args
  const open = openOptions(engine, io, 'read')
  for await (const entry of engine.loggedObjects(location, open, { segment, offset }, io.run)) {
    await dump(logFileName(entry), entry.plain, io)
  }
}

function logFileName({ number, segment, offset, tag, id }: LoggedObject): string {
  const words = [String(number).padStart(8, '0'), segment, offset, tag === 'delete' ? 'del' : tag]
  return `${[...words, ...(id === undefined ? [] : [toHex(id)])].join('_')}.obj`
}

async function dump(name: string, bytes: Uint8Array, io: CliIo): Promise<void> {
  io.write(`Dumping ${name}\n`)
  await writeNamedFile(name, bytes)
}

export const debugSearchRepoObjs: Command<typeof debugSearchRepoObjsTable> = {
  table: debugSearchRepoObjsTable,
  async run(args, io) {
    const wanted = parseWanted(args.wanted)
    const engine = await loadEngine()
    const open = openOptions(engine, io, 'read')
    await using repository = await engine.connectRepository(args.location, open, io.run)
    let processed = 0
    for await (const findings of engine.searchObjects(repository, open, wanted, io.run)) {
      for (const finding of findings) io.write(findingLine(finding, wanted))
      processed++
      if (processed % 10_000 === 0) io.write(`${processed} objects processed.\n`)
    }
    io.write('Done.\n')
    return undefined
  },
}

/** @throws BorgError 'CommandError' */
function parseWanted(term: string): Uint8Array {
  const content = term.slice('hex:'.length)
  const wanted = term.startsWith('hex:') ? parseHex(content) : term.startsWith('str:') ? textBytes(content) : ''
  if (typeof wanted !== 'string' && wanted.length > 0) return wanted
  throw new BorgError('CommandError', ['search term needs to be hex:123abc or str:foobar style'])
}

function textBytes(text: string): Uint8Array | string {
  return hasLoneSurrogate(text) ? 'not UTF-8' : encodeText(text)
}

function findingLine({ number, id, previous, count, before, after }: Finding, wanted: Uint8Array): string {
  const place = previous === undefined ? `${toHex(id)} #${count}` : `${toHex(previous)} | ${toHex(id)}`
  const parts = [before, wanted, after]
  return `${number} ${place}: ${parts.map(toHex).join(' ')} == ${parts.map(pythonBytes).join(' ')}\n`
}
