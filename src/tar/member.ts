/**
 * One member of a tarball, as readers give it and writers take it. Texts are surrogateescape (base/text.ts).
 */
export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo'

export interface TarMember {
  /** 'unsupported': a type that is no file, a volume label say; `typeFlag` tells which. */
  readonly type: TarType | 'unsupported'
  readonly typeFlag: number
  /** As in the tarball, without slashes at its end. */
  readonly name: string
  /** Of a 'symlink', or the member a 'link' is another name of; else empty. */
  readonly linkName: string
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Empty: unknown. */
  readonly userName: string
  readonly groupName: string
  /** Nanoseconds since 1970, also before it. */
  readonly modified: bigint
  /** Bytes of content, holes of sparse files included. */
  readonly size: number
  readonly major: number
  readonly minor: number
}

export const typeFlags: Readonly<Record<TarType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

const typesByFlag = new Map(Object.entries(typeFlags).map(([type, flag]) => [flag.charCodeAt(0), type as TarType]))

/** Flag 0 is what v7 wrote for files, '7' a file that wants to be contiguous, 'S' GNU's sparse file. */
export function typeOfFlag(flag: number): TarMember['type'] {
  if (flag === 0 || flag === 0x37 || flag === 0x53) return 'file'
  return typesByFlag.get(flag) ?? 'unsupported'
}

/** The tarball is not what it should be; the message says where and why. */
export class TarFormatError extends Error {
  override readonly name = 'TarFormatError'
  /** Bytes before the block that is wrong. */
  readonly position: number

  constructor(position: number, reason: string) {
    super(`${reason} at byte ${position}`)
    this.position = position
  }
}
