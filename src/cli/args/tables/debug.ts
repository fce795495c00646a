/**
 * Arguments of the "debug" commands. Source: CLI contract, commands §22; fixtures/cli/options.json.
 */
import { commandTable, flag, positional, positionals, value } from '../argument.ts'
import { archive, repository } from '../location-argument.ts'
import { positiveInt, text } from '../value-types.ts'

const location = positional('REPOSITORY', repository, 'repository to look into')
const archiveLocation = positional('ARCHIVE', archive, 'REPOSITORY::NAME')
const output = positional('PATH', text, 'file to write; "-" is stdout')

export const debugInfoTable = commandTable({
  name: 'debug info',
  description: 'Show what to tell when reporting a problem.',
  arguments: {},
})

export const debugDumpArchiveItemsTable = commandTable({
  name: 'debug dump-archive-items',
  description: 'Write the metadata chunks of an archive to files.',
  arguments: { location: archiveLocation },
})

export const debugDumpArchiveTable = commandTable({
  name: 'debug dump-archive',
  description: 'Write all metadata of an archive as JSON.',
  arguments: { location: archiveLocation, path: output },
})

export const debugDumpManifestTable = commandTable({
  name: 'debug dump-manifest',
  description: 'Write the manifest as JSON.',
  arguments: { location, path: output },
})

export const debugDumpRepoObjsTable = commandTable({
  name: 'debug dump-repo-objs',
  description: 'Write all objects of a repository to files.',
  arguments: {
    location,
    ghost: flag('--ghost', 'all segment entries, also superseded ones'),
    segment: value('--segment', 'SEG', positiveInt, undefined, 'only this segment'),
    offset: value('--offset', 'OFFS', positiveInt, undefined, 'only from this place in it'),
  },
})

export const debugSearchRepoObjsTable = commandTable({
  name: 'debug search-repo-objs',
  description: 'Search all objects of a repository.',
  arguments: { location, wanted: positional('WANTED', text, 'hex:123abc or str:foobar') },
})

export const debugIdHashTable = commandTable({
  name: 'debug id-hash',
  description: 'Show the id that the content of a file has in a repository.',
  arguments: { location, path: positional('PATH', text, 'file to read') },
})

export const debugGetObjTable = commandTable({
  name: 'debug get-obj',
  description: 'Write one stored object to a file.',
  arguments: { location, id: positional('ID', text, 'its id, 64 hex digits'), path: output },
})

export const debugPutObjTable = commandTable({
  name: 'debug put-obj',
  description: 'Store a file as an object, as it is.',
  arguments: {
    location,
    id: positional('ID', text, 'its id, 64 hex digits'),
    path: positional('PATH', text, 'file to read'),
  },
})

export const debugDeleteObjTable = commandTable({
  name: 'debug delete-obj',
  description: 'Delete objects from a repository.',
  arguments: { location, ids: positionals('IDs', text, 'their ids', { arity: 'some' }) },
})

export const debugRefcountObjTable = commandTable({
  name: 'debug refcount-obj',
  description: 'Show how often objects are used.',
  arguments: { location, ids: positionals('IDs', text, 'their ids', { arity: 'some' }) },
})

export const debugDumpHintsTable = commandTable({
  name: 'debug dump-hints',
  description: 'Write the hints of a repository as JSON.',
  arguments: { location, path: output },
})

export const debugConvertProfileTable = commandTable({
  name: 'debug convert-profile',
  description: 'Convert an execution profile.',
  arguments: {
    input: positional('INPUT', text, 'profile to read'),
    output: positional('OUTPUT', text, 'file to write'),
  },
})
