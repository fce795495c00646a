/**
 * Names that a new archive may have.
 */
import { BorgError } from '../base/errors.ts'
import { hasLoneSurrogate, printableText } from '../base/text.ts'
import type { WriteSession } from '../session/session.ts'

/**
 * Names are bytes to the manifest, but no borg opens one whose names are not UTF-8.
 * @throws BorgError 'CommandError' | 'Archive.AlreadyExists'
 */
export function requireFreeName(session: Pick<WriteSession, 'archives'>, name: string): void {
  if (hasLoneSurrogate(name)) {
    throw new BorgError('CommandError', [`Invalid archive name: "${printableText(name)}" is not valid UTF-8`])
  }
  if (session.archives.get(name) !== undefined) throw new BorgError('Archive.AlreadyExists', [name])
}
