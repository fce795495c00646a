/**
 * The words after `mount -o`: borg's own, and those for FUSE. Source: CLI contract, commands §19.
 */
import { BorgError } from '../parsing.ts'

export interface MountWords {
  readonly versions: boolean
  readonly allowDamagedFiles: boolean
  readonly ignorePermissions: boolean
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly umask: number | undefined
  readonly mountOptions: readonly string[]
}

const own = /^(versions|allow_damaged_files|ignore_permissions|uid|gid|umask)(?:=(.*))?$/s

/** @throws BorgError 'Error' for a value that is none */
export function parseMountWords(text: string | undefined): MountWords {
  const found = new Map<string, { readonly value: string | undefined; readonly word: string }>()
  const mountOptions: string[] = []
  for (const word of text?.split(',') ?? []) {
    const [, name = '', value] = own.exec(word) ?? []
    if (name === '') mountOptions.push(word)
    else found.set(name, { value, word })
  }
  const flag = (name: string): boolean => {
    const option = found.get(name)
    if (option?.value === undefined) return option !== undefined
    const value = option.value.toLowerCase()
    if (['y', 'yes', 'true', '1'].includes(value)) return true
    if (['n', 'no', 'false', '0'].includes(value)) return false
    throw unsupported(option.word)
  }
  const number = (name: string, digits: RegExp, base: number): number | undefined => {
    const option = found.get(name)
    if (option === undefined) return undefined
    const value = Number.parseInt(digits.exec(option.value ?? '')?.[1] ?? '', base)
    if (Number.isNaN(value)) throw unsupported(option.word)
    return value
  }
  return {
    versions: flag('versions'),
    allowDamagedFiles: flag('allow_damaged_files'),
    ignorePermissions: flag('ignore_permissions'),
    uid: number('uid', /^(\d{1,10})$/, 10),
    gid: number('gid', /^(\d{1,10})$/, 10),
    umask: number('umask', /^(?:0o)?([0-7]{1,4})$/i, 8),
    mountOptions,
  }
}

function unsupported(word: string): BorgError {
  return new BorgError('Error', [`unsupported value in option: ${word}`])
}
