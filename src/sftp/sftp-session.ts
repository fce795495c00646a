/**
 * One conversation with an SFTP server: requests under way, their answers, and how it ends.
 *
 * Source: draft-ietf-secsh-filexfer-02; OpenSSH PROTOCOL, "sftp protocol changes".
 */
import { BorgError } from '../base/errors.ts'
import type { SshExecChannel, SshExit } from '../ssh/connection.ts'
import {
  type Attributes,
  openFlag,
  PacketReader,
  PacketStream,
  PacketWriter,
  packetType,
  sftpVersion,
  statusCode,
} from './packets.ts'
import { isMissing, statusError } from './sftp-errors.ts'

/** Longest packet a server may send: OpenSSH's own limit is 256 KiB. */
const packetLengthMax = 512 * 1024
/** What every server takes in one request, in bytes of a file. */
const pieceSizeDefault = 32 * 1024
/** More than this in one request gains nothing and makes others wait. */
const pieceSizeMax = 128 * 1024

export interface FolderEntry {
  readonly name: string
  readonly attributes: Attributes
  /** As `ls -l` would show it, from servers that know how. */
  readonly longName: string
}

/** What is asked, for error messages. */
interface Asked {
  readonly operation: string
  readonly path: string
}

interface Waiting extends Asked {
  readonly resolve: (answer: PacketReader) => void
  readonly reject: (error: Error) => void
}

export class SftpSession {
  readonly #name: string
  readonly #channel: SshExecChannel
  readonly #waiting = new Map<number, Waiting>()
  readonly #extensions = new Map<string, string>()
  readonly #packets = new PacketStream(packetLengthMax)
  #version: ((answer: PacketReader) => void) | undefined
  #nextId = 0
  #failure: BorgError | undefined
  #said = ''
  #writeSize = pieceSizeDefault
  #readSize = pieceSizeDefault

  /** `name` is the place, for messages. @throws BorgError 'ConnectionClosedWithHint' when no SFTP server answers. */
  static async open(channel: SshExecChannel, name: string): Promise<SftpSession> {
    const session = new SftpSession(channel, name)
    await session.#start()
    return session
  }

  private constructor(channel: SshExecChannel, name: string) {
    this.#channel = channel
    this.#name = name
    channel.stdout.on('data', (bytes: Buffer) => this.#receive(bytes))
    channel.stdout.on('error', (error) => this.#end(error.message))
    // Only if nobody knows better within this turn of the event loop.
    channel.stdout.on('end', () => setImmediate(() => this.#end('the SFTP server stopped answering')))
    channel.stderr.on('data', (bytes: Buffer) => {
      this.#said = (this.#said + bytes.toString('latin1')).slice(-1000)
    })
    void channel.exit.then((exit) => this.#end(exitWords(exit), exit.lost))
  }

  /** Bytes of one write and one read. */
  get writeSize(): number {
    return this.#writeSize
  }

  get readSize(): number {
    return this.#readSize
  }

  offers(extension: string): boolean {
    return this.#extensions.has(extension)
  }

  close(): void {
    this.#failure ??= new BorgError('ConnectionClosedWithHint', [`${this.#name}: already closed by us.`])
    this.#channel.close()
    this.#rejectAll()
  }

  /** The handle is a copy. */
  async open(path: string, flags: number, mode?: number): Promise<Buffer> {
    const packet = this.#packet(packetType.open).text(path).u32(flags).attributes(mode)
    return await this.#handle(packet, { operation: 'open', path })
  }

  async closeHandle(handle: Buffer, path: string): Promise<void> {
    await this.#status(this.#packet(packetType.close).bytes(handle), { operation: 'close', path })
  }

  /** A view that belongs to the caller; undefined at the end of the file. May be shorter than asked for. */
  async read(handle: Buffer, offset: number, length: number, path: string): Promise<Buffer | undefined> {
    const packet = this.#packet(packetType.read).bytes(handle).u64(offset).u32(length)
    const answer = await this.#ask(packet.finish(), { operation: 'read', path })
    if (answer.type === packetType.data) return answer.bytes()
    return this.#orError(answer, { operation: 'read', path }, statusCode.eof)
  }

  /** A complete request to write that may be sent again. `parts` are copied. */
  writePacket(handle: Buffer, offset: number, bytes: Uint8Array): Buffer {
    const room = handle.length + bytes.length + 32
    return new PacketWriter(packetType.write, room).u32(0).bytes(handle).u64(offset).bytes(bytes).finish()
  }

  async sendWrite(packet: Buffer, path: string): Promise<void> {
    const asked = { operation: 'write', path }
    this.#orError(await this.#ask(packet, asked), asked)
  }

  async stat(path: string): Promise<Attributes | undefined> {
    return await this.#statAs(packetType.stat, 'stat', path)
  }

  /** Symbolic links are not followed. */
  async lstat(path: string): Promise<Attributes | undefined> {
    return await this.#statAs(packetType.lstat, 'lstat', path)
  }

  async fstat(handle: Buffer, path: string): Promise<Attributes> {
    return await this.#attributes(this.#packet(packetType.fstat).bytes(handle), { operation: 'stat', path })
  }

  async truncate(handle: Buffer, size: number, path: string): Promise<void> {
    const packet = this.#packet(packetType.fsetstat).bytes(handle).sizeAttribute(size)
    await this.#status(packet, { operation: 'truncate', path })
  }

  /** Everything but '.' and '..'. A missing folder has nothing. */
  async *list(path: string): AsyncGenerator<FolderEntry> {
    const asked = { operation: 'readdir', path }
    let handle: Buffer
    try {
      handle = await this.#handle(this.#packet(packetType.opendir).text(path), { operation: 'opendir', path })
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    try {
      for (;;) {
        const answer = await this.#ask(this.#packet(packetType.readdir).bytes(handle).finish(), asked)
        if (answer.type !== packetType.name) {
          this.#orError(answer, asked, statusCode.eof)
          return
        }
        yield* entriesIn(answer)
      }
    } finally {
      if (this.#failure === undefined) await this.closeHandle(handle, path)
    }
  }

  async remove(path: string): Promise<void> {
    await this.#status(this.#packet(packetType.remove).text(path), { operation: 'remove', path })
  }

  async mkdir(path: string, mode: number): Promise<void> {
    await this.#status(this.#packet(packetType.mkdir).text(path).attributes(mode), { operation: 'mkdir', path })
  }

  async rmdir(path: string): Promise<void> {
    await this.#status(this.#packet(packetType.rmdir).text(path), { operation: 'rmdir', path })
  }

  /** Fails when `to` is there; servers differ in what they do to an empty folder. */
  async rename(from: string, to: string): Promise<void> {
    await this.#status(this.#packet(packetType.rename).text(from).text(to), { operation: 'rename', path: to })
  }

  /** As rename(2): `to` is replaced in one step. */
  async posixRename(from: string, to: string): Promise<void> {
    const packet = this.#extended('posix-rename@openssh.com').text(from).text(to)
    await this.#status(packet, { operation: 'rename', path: to })
  }

  async link(existing: string, name: string): Promise<void> {
    const packet = this.#extended('hardlink@openssh.com').text(existing).text(name)
    await this.#status(packet, { operation: 'link', path: name })
  }

  async sync(handle: Buffer, path: string): Promise<void> {
    await this.#status(this.#extended('fsync@openssh.com').bytes(handle), { operation: 'fsync', path })
  }

  /** For those without special rights. */
  async freeBytes(path: string): Promise<number> {
    const packet = this.#extended('statvfs@openssh.com').text(path)
    const answer = await this.#extendedReply(packet, { operation: 'statvfs', path })
    answer.skip(8)
    const unit = answer.u64()
    answer.skip(16)
    return answer.u64() * unit
  }

  /** Absolute, symbolic links resolved as far as the path exists. */
  async realPath(path: string): Promise<string> {
    return await this.#pathAnswer(this.#packet(packetType.realpath).text(path), { operation: 'realpath', path })
  }

  /** '~user/...' as an absolute path. */
  async expandPath(path: string): Promise<string> {
    return await this.#pathAnswer(this.#extended('expand-path@openssh.com').text(path), { operation: 'expand', path })
  }

  async #start(): Promise<void> {
    const version = new Promise<PacketReader>((resolve, reject) => {
      this.#version = resolve
      // Its end is told to whoever waits; this one waits under no id.
      this.#waiting.set(-1, { operation: 'open', path: '', resolve, reject })
    })
    this.#send(new PacketWriter(packetType.init).u32(sftpVersion).finish())
    const answer = await version
    this.#waiting.delete(-1)
    const number = answer.u32()
    if (number < sftpVersion) throw this.#foreign(`it speaks version ${number}, not ${sftpVersion}`)
    while (answer.rest > 0) this.#extensions.set(answer.text(), answer.text())
    if (this.offers('limits@openssh.com')) await this.#askLimits()
  }

  async #askLimits(): Promise<void> {
    const answer = await this.#extendedReply(this.#extended('limits@openssh.com'), { operation: 'limits', path: '' })
    answer.skip(8)
    // 0 is "no limit known".
    const [read, write] = [answer.u64(), answer.u64()]
    if (read > 0) this.#readSize = Math.min(read, pieceSizeMax)
    if (write > 0) this.#writeSize = Math.min(write, pieceSizeMax)
  }

  /** The id is put in when it is sent. */
  #packet(type: number): PacketWriter {
    return new PacketWriter(type).u32(0)
  }

  #extended(name: string): PacketWriter {
    return this.#packet(packetType.extended).text(name)
  }

  #ask(packet: Buffer, asked: Asked): Promise<PacketReader> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const id = this.#nextId
    this.#nextId = (id + 1) % 2 ** 32
    packet.writeUInt32BE(id, 5)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { ...asked, resolve, reject })
      this.#send(packet)
    })
  }

  #send(packet: Buffer): void {
    // Who waits for the answer hears of a failure when the channel's end is known.
    this.#channel.stdin.write(packet)
  }

  async #status(packet: PacketWriter, asked: Asked): Promise<void> {
    this.#orError(await this.#ask(packet.finish(), asked), asked)
  }

  async #handle(packet: PacketWriter, asked: Asked): Promise<Buffer> {
    const answer = await this.#ask(packet.finish(), asked)
    if (answer.type === packetType.handle) return Buffer.from(answer.bytes())
    throw this.#unexpected(answer, asked)
  }

  async #attributes(packet: PacketWriter, asked: Asked): Promise<Attributes> {
    const answer = await this.#ask(packet.finish(), asked)
    if (answer.type === packetType.attributes) return answer.attributes()
    throw this.#unexpected(answer, asked)
  }

  async #statAs(type: number, operation: string, path: string): Promise<Attributes | undefined> {
    try {
      return await this.#attributes(this.#packet(type).text(path), { operation, path })
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async #extendedReply(packet: PacketWriter, asked: Asked): Promise<PacketReader> {
    const answer = await this.#ask(packet.finish(), asked)
    if (answer.type === packetType.extendedReply) return answer
    throw this.#unexpected(answer, asked)
  }

  async #pathAnswer(packet: PacketWriter, asked: Asked): Promise<string> {
    const answer = await this.#ask(packet.finish(), asked)
    if (answer.type !== packetType.name || answer.u32() !== 1) throw this.#unexpected(answer, asked)
    return answer.text()
  }

  /** Undefined for success and for `fine`. @throws the error of any other status. */
  #orError(answer: PacketReader, asked: Asked, fine: number = statusCode.ok): undefined {
    if (answer.type !== packetType.status) throw this.#unexpected(answer, asked)
    const status = answer.u32()
    if (status === statusCode.ok || status === fine) return undefined
    // Some old servers leave the words out.
    const words = answer.rest >= 4 ? answer.text() : ''
    throw statusError(status, words, `${asked.operation} '${asked.path}'`, asked.path)
  }

  /** The error of a status, or of an answer that is none to this question. */
  #unexpected(answer: PacketReader, asked: Asked): Error {
    if (answer.type !== packetType.status) return this.#foreign(`answer ${answer.type} to ${asked.operation}`)
    try {
      this.#orError(answer, asked)
    } catch (error) {
      if (error instanceof Error) return error
    }
    return this.#foreign(`'ok' is no answer to ${asked.operation}`)
  }

  #receive(bytes: Buffer): void {
    try {
      for (const packet of this.#packets.add(bytes)) this.#dispatch(new PacketReader(packet))
    } catch (error) {
      // Text instead of packets is what a login script prints.
      const start = this.#packets.pending
        .subarray(0, 60)
        .toString('latin1')
        .replaceAll(/[^\x20-\x7e]/g, '.')
      const words = error instanceof Error ? error.message : String(error)
      this.#fail(this.#foreign(`${words}, starting '${start}'`))
      this.#channel.close()
    }
  }

  #dispatch(answer: PacketReader): void {
    if (answer.type === packetType.version) {
      this.#version?.(answer)
      return
    }
    const id = answer.u32()
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) throw new RangeError(`an answer to request ${id}, which nobody made`)
    this.#waiting.delete(id)
    waiting.resolve(answer)
  }

  #end(words: string, lost?: BorgError): void {
    const said = this.#said.trim().split('\n').at(-1) ?? ''
    const hint = said === '' ? '' : ` It said: ${said.replaceAll(/\p{C}/gu, '?')}`
    const reason = lost === undefined ? words : lost.args.join(' ')
    this.#fail(new BorgError('ConnectionClosedWithHint', [`${this.#name}: ${reason}.${hint}`], { cause: lost }))
  }

  #foreign(words: string): BorgError {
    return new BorgError('ConnectionClosedWithHint', [`${this.#name}: no SFTP server that we understand (${words}).`])
  }

  /** The first reason is the reason. */
  #fail(error: BorgError): void {
    this.#failure ??= error
    this.#rejectAll()
  }

  #rejectAll(): void {
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(this.#failure as BorgError)
  }
}

function* entriesIn(answer: PacketReader): Generator<FolderEntry> {
  for (let left = answer.u32(); left > 0; left--) {
    const name = answer.text()
    const longName = answer.text()
    const attributes = answer.attributes()
    if (name !== '.' && name !== '..') yield { name, attributes, longName }
  }
}

function exitWords({ code, signal }: SshExit): string {
  if (signal !== undefined) return `the SFTP server was ended by ${signal}`
  return code === undefined ? 'the SFTP server ended' : `the SFTP server ended with exit code ${code}`
}

/** Read-only, as folders are opened to be synced. */
export const readFlags = openFlag.read
export const newFileFlags = openFlag.write | openFlag.create | openFlag.exclusive
export const anyFileFlags = openFlag.write | openFlag.create | openFlag.truncate
export const overwriteFlags = openFlag.write
