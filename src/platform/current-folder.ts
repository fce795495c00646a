/**
 * The working folder as bytes: process.cwd() loses those that are not UTF-8.
 */
import { readlinkSync } from 'node:fs'
import { encodeText } from '../base/text.ts'

/** Absolute. @throws the system's error when it is gone */
export function currentFolder(): Uint8Array {
  const folder = process.cwd()
  const isWhole = process.platform !== 'linux' || !folder.includes('\ufffd')
  return isWhole ? encodeText(folder) : readlinkSync('/proc/self/cwd', 'buffer')
}
