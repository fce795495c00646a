/**
 * /dev/fuse, read without waiting.
 */
import { closeSync, writeSync, writevSync } from 'node:fs'
import type { MountCalls } from './calls.ts'
import type { FuseDevice } from './connection.ts'

/** Takes `descriptor` over: it is closed with the device. */
export function openFuseDevice(descriptor: number, calls: MountCalls): FuseDevice {
  calls.setNonBlocking(descriptor)
  const alarm = calls.makeAlarm()
  let closed = false
  return {
    ready: () => calls.poll([descriptor, alarm]),
    readySoon: () => calls.pollShortly([descriptor, alarm]),
    read: (into) => calls.read(descriptor, into),
    write: (parts) => void writevSync(descriptor, parts as NodeJS.ArrayBufferView[]),
    wake: () => {
      if (!closed) writeSync(alarm, new Uint8Array(new BigUint64Array([1n]).buffer))
    },
    close() {
      closed = true
      closeSync(descriptor)
      closeSync(alarm)
    },
  }
}
