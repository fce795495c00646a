/**
 * Stands in for src/store/local-store.ts, so that a session keeps cache, security directory and keys on a test's machine.
 * The session opens those folders itself and takes no Store for them, hence the mock.
 */
import { machineFolder } from './machine.ts'

export class LocalStore {
  constructor(folder: string) {
    // biome-ignore lint/correctness/noConstructorReturn: whoever says `new LocalStore` gets a folder of a machine.
    return machineFolder(folder)
  }
}
