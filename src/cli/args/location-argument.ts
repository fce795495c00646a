/**
 * REPOSITORY, ARCHIVE and the like: a location, its placeholders expanded, BORG_REPO standing in for what is missing.
 */
import { expandPlaceholders, type Location, type Nanoseconds, parseLocation } from '../../parsing.ts'
import { refusal } from './value-types.ts'
import type { ValueContext, ValueType } from './value-type.ts'

/** What commands get of a location on their command line. */
export interface RepositoryArgument {
  readonly location: Location
  /** As typed or as in BORG_REPO, without archive: what error messages call an ssh repository. */
  readonly typed: string
  readonly archive: string | undefined
  /** The word itself, placeholders and all. */
  readonly raw: string
}

export interface ArchiveArgument extends RepositoryArgument {
  readonly archive: string
}

export const repository: ValueType<RepositoryArgument> = {
  name: 'location_validator',
  parse(word, context) {
    const parsed = readLocation(word, context)
    if (parsed.archive !== undefined) throw refusal(`"${word}": No archive can be specified`)
    return parsed
  },
}

export const localRepository: ValueType<RepositoryArgument> = {
  name: 'location_validator',
  parse(word, context) {
    const parsed = repository.parse(word, context)
    if (parsed.location.scheme !== 'file') throw refusal(`"${word}": Repository must be local`)
    return parsed
  },
}

export const archive: ValueType<ArchiveArgument> = {
  name: 'location_validator',
  parse(word, context) {
    const parsed = readLocation(word, context)
    if (parsed.archive === undefined) throw refusal(`"${word}": No archive specified`)
    return { ...parsed, archive: parsed.archive }
  },
}

export const repositoryOrArchive: ValueType<RepositoryArgument> = {
  name: 'location_validator',
  parse: (word, context) => readLocation(word, context),
}

/** The same location when {now} and {utcnow} mean `timestamp`. The archive is there if it was there before. */
export function atTimestamp<A extends RepositoryArgument>(
  argument: A,
  timestamp: Nanoseconds,
  context: ValueContext,
): A {
  return { ...argument, ...readLocation(argument.raw, context, timestamp) }
}

function readLocation(word: string, context: ValueContext, timestamp?: Nanoseconds): RepositoryArgument {
  const { hostname, username, repository: fromEnvironment } = context.environment
  const expand = (text: string): string => expandPlaceholders(text, context.host, { hostname, username, timestamp })
  const defaults = fromEnvironment === undefined ? {} : { repository: expand(fromEnvironment) }
  const { location, typed, archive: name } = parseLocation(expand(word), defaults)
  return { location, typed, archive: name, raw: word }
}
