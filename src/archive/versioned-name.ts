/**
 * Names of the versions view: 'report.txt' of version 2 is 'report.00002.txt', so that programs still know the kind of
 * file. Source: CLI contract, commands §19; the extension is what Python's os.path.splitext takes for one.
 */
import { concatBytes } from '../base/bytes.ts'
import { encodeText } from '../base/text.ts'

const dot = 0x2e

export function versionedName(name: Uint8Array, version: number): Uint8Array {
  const extension = extensionStart(name)
  const number = encodeText(`.${String(version).padStart(5, '0')}`)
  return concatBytes(name.subarray(0, extension), number, name.subarray(extension))
}

/** The last dot, unless only dots stand before it. */
function extensionStart(name: Uint8Array): number {
  const last = name.lastIndexOf(dot)
  const firstOther = name.findIndex((byte) => byte !== dot)
  return last > firstOther && firstOther >= 0 ? last : name.length
}
