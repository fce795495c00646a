import type { Nanoseconds } from '../base/ids.ts'

/** The archive's own record. Optional fields are those borg < 1.2 did not write. */
export interface ArchiveMetadata {
  readonly name: string
  readonly comment: string
  readonly hostname: string
  readonly username: string
  readonly start: Nanoseconds
  readonly end: Nanoseconds
  readonly commandLine: readonly string[]
  readonly files?: number
  readonly originalSize?: number
  readonly chunkerParams?: readonly (string | number)[]
}
