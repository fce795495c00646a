/**
 * Names and numbers of users and groups: asked of the C library, or read from /etc/passwd and /etc/group without it.
 *
 * Answers are remembered for the life of the object: a backup asks the same question for every file.
 * Source: passwd(5), group(5).
 */
import { readFileSync } from 'node:fs'
import { decodeText, encodeText } from '../base/text.ts'
import type { NameLookup } from './acl.ts'
import type { Syscalls } from './syscalls.ts'
import { terminated } from './xattr.ts'

/** `folder` holds `passwd` and `group`; used only without `calls`. */
export function makeNameLookup(calls: Syscalls | undefined, folder = '/etc'): NameLookup {
  const source = calls === undefined ? fileLookup(folder) : systemLookup(calls)
  return {
    userName: remembering((uid: number) => source.userName(uid)),
    groupName: remembering((gid: number) => source.groupName(gid)),
    userId: remembering((name: string) => source.userId(name)),
    groupId: remembering((name: string) => source.groupId(name)),
  }
}

function remembering<Key, Value>(ask: (key: Key) => Value): (key: Key) => Value {
  const answers = new Map<Key, { readonly value: Value }>()
  return (key) => {
    const known = answers.get(key)
    if (known !== undefined) return known.value
    const value = ask(key)
    answers.set(key, { value })
    return value
  }
}

function systemLookup(calls: Syscalls): NameLookup {
  const asText = (name: Uint8Array | undefined): string | undefined =>
    name === undefined ? undefined : decodeText(name)
  // A name with a NUL would be cut in C and might name somebody else.
  const asName = (name: string): Uint8Array | undefined =>
    name.includes('\0') ? undefined : terminated(encodeText(name))
  return {
    userName: (uid) => asText(calls.userName(uid)),
    groupName: (gid) => asText(calls.groupName(gid)),
    userId: (name) => {
      const key = asName(name)
      return key && calls.userId(key)
    },
    groupId: (name) => {
      const key = asName(name)
      return key && calls.groupId(key)
    },
  }
}

function fileLookup(folder: string): NameLookup {
  const users = readDatabase(`${folder}/passwd`)
  const groups = readDatabase(`${folder}/group`)
  return {
    userName: (uid) => users.names.get(uid),
    groupName: (gid) => groups.names.get(gid),
    userId: (name) => users.ids.get(name),
    groupId: (name) => groups.ids.get(name),
  }
}

interface Database {
  readonly names: ReadonlyMap<number, string>
  readonly ids: ReadonlyMap<string, number>
}

/** Both files: `name:password:number:...`; the first line wins for a name and for a number, as in the C library. */
function readDatabase(file: string): Database {
  const names = new Map<number, string>()
  const ids = new Map<string, number>()
  for (const line of readLines(file)) {
    const [name = '', , number = ''] = line.split(':')
    if (name === '' || !/^\d+$/.test(number)) continue
    const id = Number(number)
    if (!names.has(id)) names.set(id, name)
    if (!ids.has(name)) ids.set(name, id)
  }
  return { names, ids }
}

function readLines(file: string): readonly string[] {
  try {
    return decodeText(readFileSync(file)).split('\n')
  } catch {
    return []
  }
}
