/**
 * Whose process is at the other end of a connection within this machine.
 *
 * Loopback addresses keep other machines out, not other users of this one. Linux tells the owner of every TCP socket.
 * Source: proc_net_tcp(5): local and remote address as hex words of the machine's byte order, colon, port in hex; field 4
 * is the state, field 8 the uid. IPv6 has its own table, of which IPv4 clients may be part (RFC 4291, 2.5.5.2).
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { endianness } from 'node:os'

const tablePaths = ['/proc/net/tcp', '/proc/net/tcp6'] as const
/** In any other state a socket may be nobody's any more, which reads as root's. */
const established = '01'

/** One end of a connection; the address is IPv4, in dots. */
export interface End {
  readonly address: string
  readonly port: number
}

/** The user's number; 'unknown' where nobody can tell, 'none' when the tables do not know the connection. */
export async function userOfPeer(socket: Socket): Promise<number | 'unknown' | 'none'> {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  if (remoteAddress === undefined || remotePort === undefined) return 'none'
  if (localAddress === undefined || localPort === undefined) return 'none'
  const tables = await Promise.all(tablePaths.map(readIfThere))
  if (tables[0] === undefined) return 'unknown'
  const client = { address: remoteAddress, port: remotePort }
  const server = { address: localAddress, port: localPort }
  const users = tables.map((table) => userInTable(table ?? '', client, server))
  return users.find((user) => user !== undefined) ?? 'none'
}

/** The owner of the client's socket. */
export function userInTable(table: string, client: End, server: End): number | undefined {
  const from = inTable(client)
  const to = inTable(server)
  for (const line of table.split('\n')) {
    const [, local = '', remote = '', state, , , , user] = line.trim().split(/\s+/)
    if (state !== established || user === undefined) continue
    if (from.some((text, form) => text === local && to[form] === remote)) return Number(user)
  }
  return undefined
}

/** As an IPv4 socket has it, and as an IPv6 socket. */
function inTable({ address, port }: End): readonly [string, string] {
  const ending = `:${hex(port, 4)}`
  const word = address.split('.').map((byte) => hex(Number(byte), 2))
  const four = inMachineOrder(word)
  const mark = inMachineOrder(['00', '00', 'FF', 'FF'])
  return [`${four}${ending}`, `${'0'.repeat(16)}${mark}${four}${ending}`]
}

function inMachineOrder(bytes: readonly string[]): string {
  return (endianness() === 'LE' ? [...bytes].reverse() : bytes).join('')
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
