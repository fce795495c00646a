/**
 * Claims on an SFTP server, in borg's protocol: src/store/local-claims.ts says how and why, decision 028 why this holds.
 */
import { isBorgError } from '../base/errors.ts'
import { isDenied, isMissing } from './sftp-errors.ts'
import type { SftpFiles } from './sftp-files.ts'
import { newFileFlags } from './sftp-session.ts'

const claimFolderMode = 0o700
/** Others who come and go while we look are no reason to give up; a server that says no each time is. */
const attemptsMax = 5

/** False when another owner has it. */
export async function claimFolder(files: SftpFiles, folder: string, owner: string): Promise<boolean> {
  const { session } = files
  const temporary = files.temporaryName(`${folder}.`)
  await session.mkdir(temporary, claimFolderMode).catch(async (error: unknown) => {
    throw await files.explain(error, temporary)
  })
  let claimed = false
  try {
    const mark = `${temporary}/${owner}`
    await session.closeHandle(await session.open(mark, newFileFlags, files.fileMode), mark)
    for (let attempt = 1; ; attempt++) {
      const failure = await renamePrepared(files, temporary, folder)
      claimed = failure === undefined
      if (claimed) return true
      const owners = await ownersOf(files, folder)
      if (owners.length > 0) return owners.includes(owner)
      if (attempt === attemptsMax) throw failure
      // What a crash left between the two steps of giving up. Never one with an owner in it: that cannot be removed.
      await files.removeFolder(folder)
    }
  } finally {
    if (!claimed) {
      await files.removeQuietly(`${temporary}/${owner}`)
      await session.rmdir(temporary).catch(() => {})
    }
  }
}

/** The reason when it was refused. @throws what no other owner can be the reason of. */
async function renamePrepared(files: SftpFiles, temporary: string, folder: string): Promise<unknown> {
  try {
    if (files.replaces) await files.session.posixRename(temporary, folder)
    else await files.session.rename(temporary, folder)
    return undefined
  } catch (error) {
    if (isBorgError(error) || isDenied(error) || isMissing(error)) throw error
    return error
  }
}

export async function ownersOf(files: SftpFiles, folder: string): Promise<readonly string[]> {
  const owners: string[] = []
  for await (const { name } of files.session.list(folder)) owners.push(name)
  return owners
}

/** Removes the owner's file and then the folder, unless someone else is in it. */
export async function unclaimFolder(files: SftpFiles, folder: string, owner: string): Promise<void> {
  await files.removeFile(`${folder}/${owner}`)
  await files.removeFolder(folder)
}

/** The new owner's file comes before the old one's goes: the folder is never empty, so nobody can rename over it. */
export async function passClaimFolder(files: SftpFiles, folder: string, from: string, to: string): Promise<boolean> {
  if (!(await ownersOf(files, folder)).includes(from)) return false
  await files.touch(`${folder}/${to}`)
  if (from !== to) await files.removeFile(`${folder}/${from}`)
  return true
}
