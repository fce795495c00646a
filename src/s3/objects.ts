/**
 * The operations on objects that the Store is made of.
 * Source: Amazon S3 API Reference; what other services leave out of it is dealt with where it is used.
 */
import { concatBytes } from '../base/bytes.ts'
import { decodeText, encodeText } from '../base/text.ts'
import type { S3Answer, S3Client } from './client.ts'
import { isTransient, isUnsupported, type S3Failure } from './failure.ts'
import { encodeUri } from './signing.ts'
import { childrenNamed, childText, escapeXml, parseXml, type XmlElement } from './xml.ts'

export interface ListedObject {
  readonly key: string
  readonly size: number
}

export interface ListPage {
  readonly objects: readonly ListedObject[]
  /** Ending with '/'. */
  readonly folders: readonly string[]
}

export interface UploadedPart {
  readonly number: number
  readonly etag: string
}

export type Condition = 'if absent' | { readonly ifMatch: string }

export interface PutOptions {
  readonly condition?: Condition | undefined
  readonly storageClass?: string | undefined
  /** Kept with the object, so that who wrote it recognises it. */
  readonly writer?: string | undefined
}

const writerHeader = 'x-amz-meta-tsborg-writer'
const deletedAtOnce = 1000
/** A body that breaks off again and again is read on this often. */
const resumptionsMax = 1000

export class S3Objects {
  readonly client: S3Client

  constructor(client: S3Client) {
    this.client = client
  }

  /** Undefined when there is no such object. Fewer bytes than `length` where it ends. */
  async get(
    key: string,
    range?: { offset: number; length: number },
  ): Promise<{ bytes: Uint8Array; etag: string } | undefined> {
    if (range?.length === 0) {
      const found = await this.head(key)
      return found === undefined ? undefined : { bytes: new Uint8Array(0), etag: found.etag }
    }
    const pieces: Uint8Array[] = []
    let received = 0
    let etag = ''
    for (let resumed = 0, attempt = 1; ; resumed++) {
      const answer = await this.#getFrom(key, range, received, etag)
      if (answer.error?.code === 'NoSuchBucket') throw this.#failed(answer, 'reading', key)
      if (answer.status === 404) return undefined
      if (answer.status === 416) return { bytes: concatBytes(...pieces), etag }
      const isOther = received > 0 && answer.headers['etag'] !== etag
      if (answer.status === 412 || isOther) {
        // Replaced while we read it: from the start.
        pieces.length = 0
        received = 0
      } else {
        const { bytes, isComplete } = wantedBytes(answer, range, received)
        etag = answer.headers['etag'] ?? ''
        pieces.push(bytes)
        received += bytes.length
        if (isComplete) return { bytes: concatBytes(...pieces), etag }
        if (bytes.length > 0) attempt = 0
      }
      attempt += 1
      if (attempt > this.client.attemptsMax || resumed >= resumptionsMax) {
        const reason = answer.cut?.message ?? 'the answer is shorter than it should be'
        throw this.client.failure(0, 'ECONNRESET', 'reading', key, reason)
      }
      await this.client.pause(attempt)
    }
  }

  async head(key: string): Promise<{ size: number; etag: string; writer: string } | undefined> {
    const answer = await this.client.request({ method: 'HEAD', key, doing: 'looking at', accept: [404] })
    if (answer.status === 404) return undefined
    const { headers } = answer
    return {
      size: Number(headers['content-length'] ?? 0),
      etag: headers['etag'] ?? '',
      writer: headers[writerHeader] ?? '',
    }
  }

  /** False when the condition did not hold, which may be our own doing: see `writer`. */
  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<boolean> {
    const headers = { ...putHeaders(options), ...conditionHeaders(options.condition) }
    const accept = options.condition === undefined ? [] : [412, 404]
    const answer = await this.client.request({ method: 'PUT', key, headers, body, doing: 'writing', accept })
    // If-Match of what is not there any more.
    if (answer.status === 404 && answer.error?.code === 'NoSuchBucket') throw this.#failed(answer, 'writing', key)
    return answer.status !== 412 && answer.status !== 404
  }

  /** Fine without such an object. False when there is another one than `ifMatch` says. */
  async delete(key: string, ifMatch?: string): Promise<boolean> {
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch }
    const accept = [404, ...(ifMatch === undefined ? [] : [412])]
    const answer = await this.client.request({ method: 'DELETE', key, headers, doing: 'removing', accept })
    if (answer.error?.code === 'NoSuchBucket') throw this.#failed(answer, 'removing', key)
    return answer.status !== 412
  }

  /** Fine for keys that are not there. @throws S3Failure for the first one that was refused. */
  async deleteMany(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += deletedAtOnce) {
      const batch = keys.slice(at, at + deletedAtOnce)
      try {
        await this.#deleteBatch(batch)
      } catch (error) {
        // Some services delete one by one only.
        if (!isUnsupported(error)) throw error
        for (const key of batch) await this.delete(key)
      }
    }
  }

  /** Everything under `prefix`, page by page; with `delimiter` what lies deeper is summed up as folders. */
  async *list(
    prefix: string,
    options: { delimiter?: '/' | undefined; limit?: number | undefined } = {},
  ): AsyncGenerator<ListPage> {
    let token: string | undefined
    do {
      const answer = await this.client.request({
        method: 'GET',
        query: [
          ['list-type', '2'],
          ['encoding-type', 'url'],
          ['prefix', prefix],
          ...(options.delimiter === undefined ? [] : ([['delimiter', options.delimiter]] as const)),
          ...(options.limit === undefined ? [] : ([['max-keys', String(options.limit)]] as const)),
          ...(token === undefined ? [] : ([['continuation-token', token]] as const)),
        ],
        doing: 'listing',
      })
      const root = this.#xml(answer, 'ListBucketResult', 'listing')
      yield listPage(root)
      token = childText(root, 'IsTruncated') === 'true' ? childText(root, 'NextContinuationToken') : undefined
      if (token === '') throw this.client.failure(200, '', 'listing', undefined, 'a page does not name the next one')
    } while (token !== undefined)
  }

  async createUpload(key: string, options: PutOptions): Promise<string> {
    const answer = await this.client.request({
      method: 'POST',
      key,
      query: [['uploads', '']],
      headers: putHeaders(options),
      doing: 'beginning',
    })
    const id = childText(this.#xml(answer, 'InitiateMultipartUploadResult', 'beginning', key), 'UploadId')
    if (id === '') throw this.client.failure(200, '', 'beginning', key, 'the upload got no name')
    return id
  }

  async putPart(
    key: string,
    upload: string,
    number: number,
    body: Uint8Array,
    signal?: AbortSignal,
  ): Promise<UploadedPart> {
    const query = [
      ['partNumber', String(number)],
      ['uploadId', upload],
    ] as const
    const answer = await this.client.request({ method: 'PUT', key, query, body, signal, doing: 'writing' })
    return { number, etag: answer.headers['etag'] ?? '' }
  }

  /** A part made of bytes that are in the bucket already. @throws S3Failure, also where the service cannot do it. */
  async copyPart(
    key: string,
    upload: string,
    number: number,
    source: { key: string; offset: number; length: number },
  ): Promise<UploadedPart> {
    const answer = await this.client.request({
      method: 'PUT',
      key,
      query: [
        ['partNumber', String(number)],
        ['uploadId', upload],
      ],
      headers: {
        'x-amz-copy-source': `/${encodeUri(this.client.address.bucket)}/${source.key.split('/').map(encodeUri).join('/')}`,
        'x-amz-copy-source-range': `bytes=${source.offset}-${source.offset + source.length - 1}`,
      },
      doing: 'writing',
    })
    // A service that overlooks the header would have stored an empty part.
    const etag = childText(this.#xml(answer, 'CopyPartResult', 'writing', key), 'ETag')
    return { number, etag }
  }

  /** As `put`, for the parts uploaded. Repeats itself where the answer is an error under status 200, as documented. */
  async completeUpload(
    key: string,
    upload: string,
    parts: readonly UploadedPart[],
    condition?: Condition,
  ): Promise<'done' | 'refused' | 'no such upload'> {
    const list = parts.map(
      ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
    )
    const body = encodeText(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`)
    for (let attempt = 1; ; attempt++) {
      const answer = await this.client.request({
        method: 'POST',
        key,
        query: [['uploadId', upload]],
        headers: { 'content-type': 'application/xml', ...conditionHeaders(condition) },
        body,
        doing: 'completing',
        accept: [404, 412],
      })
      if (answer.status === 412) return 'refused'
      if (answer.error?.code === 'NoSuchUpload') return 'no such upload'
      if (answer.status === 404) throw this.#failed(answer, 'completing', key)
      const failure = this.#embeddedFailure(answer, key)
      if (failure === undefined) return 'done'
      if (failure.s3Code === 'NoSuchUpload') return 'no such upload'
      if (failure.s3Code === 'PreconditionFailed') return 'refused'
      if (!isTransient(failure) || attempt >= this.client.attemptsMax) throw failure
      await this.client.pause(attempt)
    }
  }

  /** Parts of it go, and are no longer paid for. Fine if it is over. */
  async abortUpload(key: string, upload: string): Promise<void> {
    const query = [['uploadId', upload]] as const
    await this.client.request({ method: 'DELETE', key, query, doing: 'giving up', accept: [404], attemptsMax: 3 })
  }

  #getFrom(
    key: string,
    range: { offset: number; length: number } | undefined,
    received: number,
    etag: string,
  ): Promise<S3Answer> {
    const start = (range?.offset ?? 0) + received
    const end = range === undefined ? '' : range.offset + range.length - 1
    const headers: Record<string, string> = {}
    if (range !== undefined || received > 0) headers['range'] = `bytes=${start}-${end}`
    if (received > 0 && etag !== '') headers['if-match'] = etag
    return this.client.request({ method: 'GET', key, headers, doing: 'reading', accept: [404, 412, 416] })
  }

  async #deleteBatch(keys: readonly string[]): Promise<void> {
    const list = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('')
    const body = encodeText(`<Delete><Quiet>true</Quiet>${list}</Delete>`)
    const answer = await this.client.request({
      method: 'POST',
      query: [['delete', '']],
      headers: { 'content-type': 'application/xml' },
      body,
      doing: 'removing',
    })
    for (const refused of childrenNamed(this.#xml(answer, 'DeleteResult', 'removing'), 'Error')) {
      const [key, code] = [childText(refused, 'Key'), childText(refused, 'Code')]
      const failure = this.client.failure(200, code, 'removing', key, `${code}: ${childText(refused, 'Message')}`)
      if (!isTransient(failure)) throw failure
      // By itself it is tried again until it works or really fails.
      await this.delete(key)
    }
  }

  #xml(answer: S3Answer, name: string, doing: string, key?: string): XmlElement {
    try {
      if (answer.cut !== undefined) throw answer.cut
      const root = parseXml(new TextDecoder().decode(answer.body))
      if (root.name === name) return root
    } catch {
      // Said below: whatever it is, it is not what was asked for.
    }
    throw this.client.failure(answer.status, '', doing, key, `the answer is not S3's ${name}`)
  }

  #failed(answer: S3Answer, doing: string, key: string): S3Failure {
    const { code = '', message = '' } = answer.error ?? {}
    return this.client.failure(answer.status, code, doing, key, `${code}: ${message} (HTTP ${answer.status})`)
  }

  /** Of an answer that began with status 200 before its end was known. */
  #embeddedFailure(answer: S3Answer, key: string): S3Failure | undefined {
    try {
      const root = parseXml(new TextDecoder().decode(answer.body))
      if (root.name !== 'Error') return undefined
      const code = childText(root, 'Code')
      return this.client.failure(200, code, 'completing', key, `${code}: ${childText(root, 'Message')}`)
    } catch {
      return this.client.failure(0, 'ECONNRESET', 'completing', key, 'the answer broke off')
    }
  }
}

function conditionHeaders(condition: Condition | undefined): Record<string, string> {
  if (condition === undefined) return {}
  return condition === 'if absent' ? { 'if-none-match': '*' } : { 'if-match': condition.ifMatch }
}

function putHeaders({ storageClass, writer }: PutOptions): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(writer === undefined ? {} : { [writerHeader]: writer }),
  }
}

function listPage(root: XmlElement): ListPage {
  // Services that do not know the parameter send keys as they are.
  const decode = childText(root, 'EncodingType') === 'url' ? decodeUrl : (text: string) => text
  return {
    objects: childrenNamed(root, 'Contents').map((entry) => ({
      key: decode(childText(entry, 'Key')),
      size: Number(childText(entry, 'Size')),
    })),
    folders: childrenNamed(root, 'CommonPrefixes').map((entry) => decode(childText(entry, 'Prefix'))),
  }
}

/** What an answer to a GET holds of the bytes that are still wanted. */
function wantedBytes(
  answer: S3Answer,
  range: { offset: number; length: number } | undefined,
  received: number,
): { bytes: Uint8Array; isComplete: boolean } {
  const start = (range?.offset ?? 0) + received
  const end = range === undefined ? Number.POSITIVE_INFINITY : range.offset + range.length
  const { body, cut } = answer
  if (answer.status === 206) {
    const [, first = '', total = ''] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers['content-range'] ?? '') ?? []
    // Bytes of somewhere else are worse than none.
    if (Number(first) !== start || first === '') return { bytes: new Uint8Array(0), isComplete: false }
    const wanted = Math.max(0, Math.min(end, Number(total)) - start)
    return { bytes: body.subarray(0, wanted), isComplete: body.length >= wanted }
  }
  // The whole object, though a part may have been asked for.
  const bytes = body.subarray(Math.min(start, body.length), Math.min(end, body.length))
  return { bytes, isComplete: cut === undefined || body.length >= end }
}

function decodeUrl(text: string): string {
  const bytes: number[] = []
  for (const [, hex, other] of text.matchAll(/%([0-9a-fA-F]{2})|([^%]+|%)/g)) {
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else bytes.push(...encodeText((other ?? '').replaceAll('+', ' ')))
  }
  return decodeText(Uint8Array.from(bytes))
}
