/**
 * Claims on disk, in borg's protocol, so that borg and we respect each other's locks.
 *
 * A claim is a folder with one empty file in it, named after the owner. It comes into being by renaming a prepared
 * folder: that fails on a folder with an owner in it, and replaces an empty one, which is what a crash between the two
 * steps of giving up leaves. Making the folder first and the file second would not do: borg would rename over the empty
 * folder in between. Source: format sheet repository, section 15.
 */
import { nativePath } from '../base/text.ts'
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { systemErrorCode } from '../base/errors.ts'
import { isMissing, removeQuietly } from './local-files.ts'

/** False when another owner has it. `temporary` is a name beside `folder` that nobody uses. */
export function claimFolder(folder: string, owner: string, temporary: string, fileMode: number): boolean {
  mkdirSync(nativePath(temporary), 0o700)
  try {
    closeSync(openSync(nativePath(`${temporary}/${owner}`), 'wx', fileMode))
    renameSync(nativePath(temporary), nativePath(folder))
    return true
  } catch (error) {
    removeQuietly(`${temporary}/${owner}`)
    removeFolder(temporary)
    if (!isOccupied(error)) throw error
    return ownersOf(folder).includes(owner)
  }
}

export function ownersOf(folder: string): readonly string[] {
  try {
    return readdirSync(nativePath(folder))
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []
    throw error
  }
}

/** Removes the owner's file and then the folder, unless someone else is in it. */
export function unclaimFolder(folder: string, owner: string): void {
  try {
    unlinkSync(nativePath(`${folder}/${owner}`))
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
  }
  removeFolder(folder)
}

/** The new owner's file comes before the old one's goes: the folder is never empty, so nobody can rename over it. */
export function passClaimFolder(folder: string, from: string, to: string, fileMode: number): boolean {
  if (!ownersOf(folder).includes(from)) return false
  closeSync(openSync(nativePath(`${folder}/${to}`), 'w', fileMode))
  if (from !== to) unlinkSync(nativePath(`${folder}/${from}`))
  return true
}

/** Only if it is there, empty, and no symbolic link. */
export function removeFolder(folder: string): void {
  try {
    rmdirSync(nativePath(folder))
  } catch (error) {
    if (!isOccupied(error) && !isMissing(error)) throw error
  }
}

function isOccupied(error: unknown): boolean {
  const code = systemErrorCode(error)
  return code === 'ENOTEMPTY' || code === 'EEXIST'
}
