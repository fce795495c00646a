/**
 * Reads tarballs of every usual kind, v7, ustar, GNU and PAX, in one pass and bounded memory.
 *
 * It is strict where Python's tarfile, and so borg, is not: a tarball that is damaged or cut off ends with an error and
 * never with fewer members (decision 019).
 */
import { BlockReader } from './block-reader.ts'
import { blockSize, isZeroBlock, paddingOf, parseHeader, type RawHeader, untilNul } from './header.ts'
import { TarFormatError, type TarMember, typeOfFlag } from './member.ts'
import { type PaxFields, type PaxRecords, parsePaxRecords, paxFields } from './pax.ts'
import { expanded, paxSparse, readMapInContent, readOldGnuMap, requireFitting, type SparseMap } from './sparse.ts'

export interface TarEntry {
  readonly member: TarMember
  /** Of a 'file'; read it before asking for the next entry. Its views are lent until the next one. */
  readonly content: AsyncIterable<Uint8Array>
}

export interface ReadTarOptions {
  /** Read on behind the end of the tarball: several may have been put together. */
  readonly ignoreZeros?: boolean | undefined
  /** Something is odd, and nothing is known to be lost. */
  readonly onOddity?: ((what: 'no-end-mark' | 'more-behind-end', position: number) => void) | undefined
}

/** Names and extended headers may not be larger: they are held in memory. */
const extensionSizeMax = 16 * 1024 * 1024
const globalRecordsMax = 1000

const flag = { longName: 0x4c, longLink: 0x4b, pax: 0x78, solarisPax: 0x58, globalPax: 0x67, sparse: 0x53 } as const

/** What members in front of a member say about it. */
interface Extensions {
  longName?: string
  longLink?: string
  pax?: PaxRecords
}

/** @throws TarFormatError when the tarball is damaged, or cut off */
export async function* readTar(
  input: AsyncIterable<Uint8Array>,
  options: ReadTarOptions = {},
): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new BlockReader(input)
  try {
    yield* new TarReader(reader, options).entries()
  } finally {
    await reader.close()
  }
}

class TarReader {
  readonly #reader: BlockReader
  readonly #options: ReadTarOptions
  #global: PaxRecords = []
  #extensions: Extensions = {}
  /** Of the header being read. */
  #start = 0

  constructor(reader: BlockReader, options: ReadTarOptions) {
    this.#reader = reader
    this.#options = options
  }

  async *entries(): AsyncGenerator<TarEntry, void, undefined> {
    for (let block = await this.#nextHeader(); block !== undefined; block = await this.#nextHeader()) {
      const header = this.#checked(() => parseHeader(block))
      if (await this.#takeExtension(header)) continue
      yield* this.#entry(block, header)
      this.#extensions = {}
    }
    if (Object.keys(this.#extensions).length > 0) throw new TarFormatError(this.#start, 'a name without its member')
  }

  /** Undefined at the end. */
  async #nextHeader(): Promise<Uint8Array | undefined> {
    let ended = false
    for (;;) {
      this.#start = this.#reader.position
      const block = await this.#reader.read(blockSize)
      if (block.length === 0) {
        if (this.#start === 0) throw new TarFormatError(0, 'the tarball is empty')
        if (!ended) this.#options.onOddity?.('no-end-mark', this.#start)
        return undefined
      }
      const isZero = isZeroBlock(block)
      if (block.length < blockSize && !(ended && isZero))
        throw new TarFormatError(this.#start, 'cut off within a header')
      if (!isZero) return block
      ended = true
      if (this.#options.ignoreZeros !== true) {
        await this.#readOut()
        return undefined
      }
    }
  }

  /** Behind the first block of zeros: a program that writes to us must not find its reader gone. */
  async #readOut(): Promise<void> {
    const second = await this.#reader.read(blockSize)
    if (!isZeroBlock(second)) {
      const reason = 'a block of zeros among the members (--ignore-zeros reads on)'
      throw new TarFormatError(this.#start, reason)
    }
    let more: number | undefined
    for (;;) {
      const position = this.#reader.position
      const bytes = await this.#reader.read(128 * blockSize)
      if (bytes.length === 0) break
      if (more === undefined && !isZeroBlock(bytes)) more = position + bytes.findIndex((byte) => byte !== 0)
    }
    if (more !== undefined) this.#options.onOddity?.('more-behind-end', more)
  }

  /** Whether the member says something about those that follow, and is none itself. */
  async #takeExtension(header: RawHeader): Promise<boolean> {
    switch (header.typeFlag) {
      case flag.longName:
        this.#extensions.longName = untilNul(await this.#extension(header))
        return true
      case flag.longLink:
        this.#extensions.longLink = untilNul(await this.#extension(header))
        return true
      case flag.pax:
      case flag.solarisPax:
        this.#extensions.pax = await this.#paxRecords(header)
        return true
      case flag.globalPax:
        this.#global = [...new Map([...this.#global, ...(await this.#paxRecords(header))])]
        if (this.#global.length > globalRecordsMax) throw new TarFormatError(this.#start, 'too many global records')
        return true
      default:
        return false
    }
  }

  async #paxRecords(header: RawHeader): Promise<PaxRecords> {
    const bytes = await this.#extension(header)
    return this.#checked(() => parsePaxRecords(bytes))
  }

  async #extension({ size }: RawHeader): Promise<Uint8Array> {
    if (size > extensionSizeMax) throw new TarFormatError(this.#start, `a header of ${size} bytes`)
    const bytes = await this.#reader.readExactly(size + paddingOf(size), 'a header')
    return bytes.subarray(0, size)
  }

  async *#entry(block: Uint8Array, header: RawHeader): AsyncGenerator<TarEntry, void, undefined> {
    const start = this.#start
    const { pax: own = [], longName, longLink } = this.#extensions
    const records = [...this.#global, ...own]
    const pax = this.#checked(() => paxFields(records))
    const sparse = this.#checked(() => paxSparse(own))
    const named = { ...header, name: longName ?? header.name, linkName: longLink ?? header.linkName }
    const type = memberType(named, pax)
    const storedSize = pax.size ?? header.size
    const dataSize = hasContent(type, own.length > 0) ? storedSize : 0
    const map = await this.#sparseMap(block, header, sparse, dataSize)
    const member = {
      ...named,
      modified: header.modified * 1_000_000_000n,
      ...pax,
      type,
      name: trimSlashes(sparse?.name ?? pax.name ?? named.name),
      size: type === 'file' ? (map?.size ?? storedSize) : 0,
    }
    const what = `the content of ${JSON.stringify(member.name)}`
    const end = this.#reader.position + (map === undefined ? dataSize : storedOf(map))
    const data = map === undefined ? this.#reader.stream(dataSize, what) : expanded(map, this.#reader, what)
    yield { member, content: type === 'file' ? data : nothing() }
    const left = end - this.#reader.position
    await this.#reader.skip(left, what)
    const padding = await this.#reader.read(paddingOf(dataSize))
    if (padding.length < paddingOf(dataSize)) throw new TarFormatError(start, `cut off within ${what}, whose header is`)
  }

  async #sparseMap(
    block: Uint8Array,
    header: RawHeader,
    pax: ReturnType<typeof paxSparse>,
    dataSize: number,
  ): Promise<SparseMap | undefined> {
    const isOld = header.typeFlag === flag.sparse
    if (pax === undefined && !isOld) return undefined
    return await this.#checkedLater(async () => {
      if (pax === undefined) return fitting(await readOldGnuMap(block, this.#reader), dataSize)
      if (pax.parts !== undefined) return fitting({ parts: pax.parts, size: pax.size }, dataSize)
      const { parts, size } = await readMapInContent(this.#reader)
      return fitting({ parts, size: pax.size }, dataSize - size)
    })
  }

  /** Says where it happened. */
  #checked<T>(parse: () => T): T {
    try {
      return parse()
    } catch (error) {
      throw this.#placed(error)
    }
  }

  async #checkedLater<T>(parse: () => Promise<T>): Promise<T> {
    try {
      return await parse()
    } catch (error) {
      throw this.#placed(error)
    }
  }

  #placed(error: unknown): unknown {
    return error instanceof RangeError ? new TarFormatError(this.#start, error.message) : error
  }
}

function fitting(map: SparseMap, storedSize: number): SparseMap {
  requireFitting(map, storedSize)
  return map
}

function storedOf(map: SparseMap): number {
  return map.parts.reduce((sum, part) => sum + part.size, 0)
}

/** Old programs wrote folders as files whose names end in a slash. */
function memberType(header: RawHeader, pax: PaxFields): TarMember['type'] {
  const type = typeOfFlag(header.typeFlag)
  const isFolder = type === 'file' && (pax.name ?? header.name).endsWith('/') && (pax.size ?? header.size) === 0
  return isFolder ? 'directory' : type
}

/**
 * Links may say the size of the file without bringing it along; only PAX lets them bring it. The types POSIX gives no
 * content have none whatever their size says; unknown ones are to be passed over like files.
 */
function hasContent(type: TarMember['type'], isPax: boolean): boolean {
  return type === 'file' || type === 'unsupported' || (type === 'link' && isPax)
}

function trimSlashes(name: string): string {
  return name.replace(/\/+$/, '')
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
