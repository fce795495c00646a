/**
 * Makes an archive of a tarball.
 */
import { sumSizes } from '../archive/item.ts'
import { isFileProblem } from '../base/errno.ts'
import { BorgError } from '../base/errors.ts'
import { type FileStatus, reportLog, reportWarning, type RunOptions } from '../base/events.ts'
import { printableText } from '../base/text.ts'
import type { WriteSession } from '../session/session.ts'
import { TarFormatError, type TarMember } from '../tar/member.ts'
import { readTar, type TarEntry } from '../tar/tar-reader.ts'
import { storeContent } from './create-content.ts'
import { reportStatus } from './create-entry.ts'
import type { CreateResult, NewArchiveOptions } from './create-options.ts'
import { makeArchive, type NewArchive } from './new-archive.ts'
import { itemOfMember } from './tar-items.ts'
import { untilAborted } from './until-aborted.ts'

export interface ImportTarOptions extends NewArchiveOptions {
  /** The tarball, not compressed: v7, ustar, GNU or PAX. */
  readonly input: AsyncIterable<Uint8Array>
  /** What the tarball is called in error texts. Default 'tarball'. */
  readonly inputName?: string | undefined
  /** Read on behind the end of the tarball: several may have been put together. */
  readonly ignoreZeros?: boolean | undefined
}

/**
 * A tarball that is damaged or cut off makes no archive. Members that are no files are warnings. Asked to stop soon, it
 * goes on to its end, as borg does.
 * @throws BorgError 'Archive.AlreadyExists' | 'Error' when the tarball is none, repository errors
 */
export async function importTar(
  session: WriteSession,
  options: ImportTarOptions,
  run: RunOptions = {},
): Promise<CreateResult> {
  const toTheEnd = { ...run, stopSoon: undefined }
  return await makeArchive(session, options, { files: 'disabled' }, toTheEnd, (archive) =>
    importMembers(archive, options, run),
  )
}

async function importMembers(archive: NewArchive, options: ImportTarOptions, run: RunOptions): Promise<void> {
  const { input, ignoreZeros, inputName = 'tarball' } = options
  const onOddity = (what: keyof typeof oddities, position: number): void => {
    const text = `${printableText(inputName)}: ${oddities[what]} at byte ${position}`
    if (what === 'no-end-mark') reportWarning(run, 'GenericWarning', text)
    else reportLog(run, 'warning', text)
  }
  const { content } = archive
  try {
    for await (const entry of readTar(untilAborted(input, run.signal), { ignoreZeros, onOddity })) {
      run.signal?.throwIfAborted()
      content.progress.show(entry.member.name)
      reportStatus(run, await importMember(entry, archive, run), entry.member.name)
      if (content.checkpoints.due()) await content.checkpoints.save()
      await content.turns.take()
    }
  } catch (error) {
    // What create would skip with a warning is all there is here.
    if (isFileProblem(error)) throw error.cause
    if (!(error instanceof TarFormatError)) throw error
    throw new BorgError('Error', [`${inputName}: ${error.message}`], { cause: error })
  }
}

const oddities = {
  'no-end-mark': 'ends without an end mark, it may have been cut off,',
  'more-behind-end': 'there is more behind the end of the tarball (--ignore-zeros reads on)',
} as const

const statuses: Readonly<Record<TarMember['type'], FileStatus>> = {
  file: 'A',
  directory: 'd',
  symlink: 's',
  link: 'h',
  block: 'b',
  character: 'c',
  fifo: 'f',
  unsupported: 'E',
}

async function importMember(entry: TarEntry, archive: NewArchive, run: RunOptions): Promise<FileStatus> {
  const { member } = entry
  const item = itemOfMember(member)
  if (item === undefined) {
    const type = `b'${printableFlag(member.typeFlag)}'`
    reportWarning(run, 'GenericWarning', `${printableText(member.name)}: Unsupported tarinfo type ${type}`)
  } else if (member.type === 'file') {
    const cut = archive.content.chunks.addStream({ kind: 'stream', bytes: entry.content }, archive.chunkerParams)
    const chunks = await storeContent({ chunks: cut, fileName: undefined, size: member.size }, item, archive.content)
    await archive.content.archive.add({ ...item, chunks, size: sumSizes(chunks) })
    archive.content.statistics.files += 1
  } else {
    await archive.content.archive.add(item)
  }
  return statuses[member.type]
}

/** As Python shows a byte. */
function printableFlag(flag: number): string {
  return flag > 0x20 && flag < 0x7f ? String.fromCharCode(flag) : `\\x${flag.toString(16).padStart(2, '0')}`
}
