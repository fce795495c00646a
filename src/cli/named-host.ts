/**
 * The machine under the id that BORG_HOST_ID gives it.
 *
 * Only locks with that id are this machine's then: whoever else left one behind cannot be asked whether it still runs.
 */
import type { Host } from '../parsing.ts'

/** Undefined or empty: the machine's own id. */
export function namedHost(host: Host, hostId: string | undefined): Host {
  if (!hostId) return host
  return {
    now: () => host.now(),
    monotonicMs: () => host.monotonicMs(),
    randomBytes: (length) => host.randomBytes(length),
    sleep: (milliseconds, signal) => host.sleep(milliseconds, signal),
    get hostname() {
      return host.hostname
    },
    get fqdn() {
      return host.fqdn
    },
    get username() {
      return host.username
    },
    processId: host.processId,
    hostId,
    isProcessAlive: (id, processId) => id !== hostId || host.isProcessAlive(host.hostId, processId),
  }
}
