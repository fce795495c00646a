import type { ObjectId } from '../base/ids.ts'
import type { RepositoryReader } from '../repository/repository.ts'
import type { LanePool } from '../workers/lane-pool.ts'

/** Repository objects in the clear: fetched, authenticated, decrypted, decompressed, id checked. */
export interface ObjectReader {
  read(id: ObjectId): Promise<Uint8Array>
  readMany(ids: Iterable<ObjectId> | AsyncIterable<ObjectId>): AsyncIterable<Uint8Array>
}
export declare function makeObjectReader(repository: RepositoryReader, lanes: LanePool): ObjectReader
