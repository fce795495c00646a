/**
 * The S3 Store keeps the contract of src/store/store.ts: over a strict service in both ways of addressing, over services
 * that lack what newer ones have, and over s3rver, which other people wrote.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storePath } from '../../src/base/ids.ts'
import { S3Store, type S3StoreOptions } from '../../src/s3/s3-store.ts'
import { storeContract } from '../../src/store/contract.ts'
import type { Store } from '../../src/store/store.ts'
import { S3Server } from '../support/s3-server.ts'
import { startS3rver } from '../support/s3-server-s3rver.ts'

interface Service {
  readonly endpoint: string
  readonly options: S3StoreOptions
  stop(): Promise<void>
}

async function own(server: Promise<S3Server>, options: Partial<S3StoreOptions> = {}): Promise<Service> {
  const { endpoint, credentials, stop } = await server.then((started) => ({
    endpoint: started.endpoint,
    credentials: started.credentials,
    stop: () => started.stop(),
  }))
  return { endpoint, options: { credentials, ...options }, stop }
}

async function s3rver(): Promise<Service> {
  const { endpoint, stop } = await startS3rver()
  return { endpoint, stop, options: { credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' } } }
}

/** Names below localhost are not known to every resolver. */
const lookup: NonNullable<S3StoreOptions['lookup']> = (_name, options, answer) => {
  if (options.all === true) answer(null, [{ address: '127.0.0.1', family: 4 }])
  else answer(null, '127.0.0.1', 4)
}

const kinds: readonly [string, 'atomic' | 'advisory', () => Promise<Service>][] = [
  ['path style', 'atomic', () => own(S3Server.start())],
  [
    'virtual host style, pages of two keys, session token',
    'atomic',
    async () => {
      const service = await own(S3Server.start({ pageSize: 2, sessionToken: 'IQoJb3JpZ2luX2VjEA' }), {
        addressing: 'virtual',
        lookup,
      })
      return { ...service, endpoint: service.endpoint.replace('127.0.0.1', 's3.test') }
    },
  ],
  ['conditions refused', 'advisory', () => own(S3Server.start({ conditions: 'refused' }))],
  ['s3rver', 'advisory', s3rver],
]

describe.each(kinds)('%s', (_kind, claims, start) => {
  let service: Service
  let made = 0
  beforeAll(async () => {
    service = await start()
  })
  afterAll(() => service.stop())

  function open(prefix: string): S3Store {
    return new S3Store({ endpoint: service.endpoint, bucket: 'bucket', prefix }, service.options)
  }

  async function makeStore(): Promise<Store> {
    made += 1
    const store = open(`backups/über ${made}`)
    // Only after a claim it is known whether they are atomic.
    const path = storePath('first.exclusive')
    await store.claim(path, 'ada@1.1-0')
    await store.unclaim(path, 'ada@1.1-0')
    return store
  }

  function reopen(store: Store): Store {
    return open(store.name.slice(store.name.indexOf('backups/')))
  }

  test(`claims are ${claims}`, async () => {
    await using store = await makeStore()
    expect(store.traits.claims).toBe(claims)
  })

  for (const { promise, run } of storeContract(makeStore, { reopen })) test(promise, run)
})
