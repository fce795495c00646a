/**
 * What `COMMAND --help` explains under the options, by command.
 */
import { archiveTexts } from './archives.ts'
import { createTexts } from './create.ts'
import { debugTexts } from './debug.ts'
import { keyTexts } from './key.ts'
import { otherTexts } from './other.ts'
import { readTexts } from './read.ts'
import { repositoryTexts } from './repository.ts'

export const commandTexts: Readonly<Record<string, string>> = {
  ...createTexts,
  ...readTexts,
  ...archiveTexts,
  ...repositoryTexts,
  ...keyTexts,
  ...debugTexts,
  ...otherTexts,
}
