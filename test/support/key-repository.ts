/** As much of a repository as keys need: a manifest to look at, and a place for one key. */
import { BorgError } from '../../src/base/errors.ts'
import { manifestId, type ObjectId, objectIdFromHex } from '../../src/base/ids.ts'
import { decodeText, encodeText } from '../../src/base/text.ts'

export const someRepositoryId = '278a99c1082db415ae1d9a0d4ae6290121c4aca110ef7bc585c58c1330b01335'

export class KeyRepository {
  readonly id: ObjectId
  readonly location = '/srv/repo'
  manifest: Uint8Array | undefined
  /** The text in its config. */
  key: string

  constructor(options: { manifest?: Uint8Array; key?: string; id?: string } = {}) {
    this.id = objectIdFromHex(options.id ?? someRepositoryId)
    this.manifest = options.manifest
    this.key = options.key ?? ''
  }

  async get(id: ObjectId): Promise<Uint8Array> {
    if (this.manifest === undefined || Buffer.compare(id, manifestId) !== 0) {
      throw new BorgError('Repository.ObjectNotFound', [Buffer.from(id).toString('hex'), this.location])
    }
    return this.manifest
  }
  async loadKey(): Promise<Uint8Array> {
    return encodeText(this.key)
  }
  async saveKey(blob: Uint8Array): Promise<void> {
    this.key = decodeText(blob)
  }
}
