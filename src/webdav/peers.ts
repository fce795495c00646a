/**
 * Whose process is at the other end of a connection within this machine.
 *
 * Loopback addresses keep other machines out, not other users of this one. Linux tells the owner of every TCP socket.
 * Source: proc_net_tcp(5): local and remote address as hex of the machine's byte order, colon, port in hex; field 8 is the uid.
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

const tablePath = '/proc/net/tcp'

/** The user's number; 'unknown' where nobody can tell, 'none' when the table does not know the connection. */
export async function userOfPeer(socket: Socket): Promise<number | 'unknown' | 'none'> {
  const { remoteAddress, remotePort, localPort } = socket
  if (remoteAddress === undefined || remotePort === undefined || localPort === undefined) return 'none'
  let table: string
  try {
    table = await readFile(tablePath, 'utf8')
  } catch {
    return 'unknown'
  }
  return userInTable(table, remotePort, localPort) ?? 'none'
}

/** The owner of the socket that connects `port` of this machine to `to`. */
export function userInTable(table: string, port: number, to: number): number | undefined {
  const suffix = (number: number): string => `:${number.toString(16).toUpperCase().padStart(4, '0')}`
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[1]?.endsWith(suffix(port)) && fields[2]?.endsWith(suffix(to))) return Number(fields[7])
  }
  return undefined
}
