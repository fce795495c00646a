/**
 * Claims as objects that are written only if absent.
 *
 * The claim `lock.exclusive` is the object `lock.exclusive/tsborg-claim`; its content names the owner. In a copy of the
 * bucket on a disk that is a folder with a file in it: a lock to borg, of an owner it cannot know and will not remove by
 * itself. Files beside it are claims of a borg whose repository was copied up.
 *
 * Whether the service honours conditions is found out with the first claim: it is written twice, and the second time must
 * be refused. Why and how: docs/decisions/027-s3.md.
 */
import type { StorePath } from '../base/ids.ts'
import { decodeText, encodeText } from '../base/text.ts'
import { isUnsupported } from './failure.ts'
import type { Condition, S3Objects } from './objects.ts'

const claimName = 'tsborg-claim'

export class S3Claims {
  readonly #objects: S3Objects
  #conditions: 'unknown' | 'honoured' | 'ignored' = 'unknown'

  constructor(objects: S3Objects) {
    this.#objects = objects
  }

  /** Whether S6 holds here; false also as long as nobody knows. */
  get areAtomic(): boolean {
    return this.#conditions === 'honoured'
  }

  async claim(path: StorePath, owner: string): Promise<boolean> {
    if (this.#conditions !== 'honoured') {
      // A service that ignores the condition would overwrite somebody's claim: look first.
      const owners = await this.owners(path)
      if (owners.length > 0) return owners.includes(owner)
    }
    const isNew = await this.#write(path, owner, 'if absent')
    if (this.#conditions === 'unknown') this.#conditions = await this.#find(path, owner, isNew)
    if (isNew && this.#conditions === 'honoured') return true
    return (await this.#holder(path))?.owner === owner
  }

  async owners(path: StorePath): Promise<readonly string[]> {
    const prefix = `${this.#objects.client.address.key(path)}/`
    const owners: string[] = []
    for await (const { objects } of this.#objects.list(prefix)) {
      for (const { key } of objects) {
        const name = key.slice(prefix.length)
        const owner = name === claimName ? (await this.#holder(path))?.owner : name
        if (owner !== undefined && owner !== '') owners.push(owner)
      }
    }
    return owners
  }

  async unclaim(path: StorePath, owner: string): Promise<void> {
    const holder = await this.#holder(path)
    if (holder?.owner !== owner) {
      await this.#objects.delete(`${this.#objects.client.address.key(path)}/${owner}`)
      return
    }
    try {
      // Refused: it is not this owner's any more, which is what was wanted.
      await this.#objects.delete(this.#key(path), this.areAtomic ? holder.etag : undefined)
    } catch (error) {
      // Conditional removal is newer than conditional writing.
      if (!isUnsupported(error)) throw error
      await this.#objects.delete(this.#key(path))
    }
  }

  async passClaim(path: StorePath, from: string, to: string): Promise<boolean> {
    const holder = await this.#holder(path)
    if (holder?.owner !== from) return false
    await this.#write(path, to, { ifMatch: holder.etag })
    return (await this.#holder(path))?.owner === to
  }

  /** False when the condition did not hold. */
  async #write(path: StorePath, owner: string, condition: Condition): Promise<boolean> {
    const body = encodeText(owner)
    if (this.#conditions === 'ignored') return this.#objects.put(this.#key(path), body)
    try {
      return await this.#objects.put(this.#key(path), body, { condition })
    } catch (error) {
      if (!isUnsupported(error)) throw error
      this.#conditions = 'ignored'
      return await this.#objects.put(this.#key(path), body)
    }
  }

  /** A refusal proves it; after a success the same write has to be refused. */
  async #find(path: StorePath, owner: string, isNew: boolean): Promise<'honoured' | 'ignored'> {
    if (!isNew) return 'honoured'
    return (await this.#write(path, owner, 'if absent')) ? 'ignored' : 'honoured'
  }

  async #holder(path: StorePath): Promise<{ owner: string; etag: string } | undefined> {
    const found = await this.#objects.get(this.#key(path))
    return found === undefined ? undefined : { owner: decodeText(found.bytes), etag: found.etag }
  }

  #key(path: StorePath): string {
    return `${this.#objects.client.address.key(path)}/${claimName}`
  }
}
