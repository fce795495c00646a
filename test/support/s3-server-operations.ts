/**
 * What s3-server.ts does with a request whose signature holds: objects, ranges, conditions, uploads in parts, lists.
 */
import { createHash } from 'node:crypto'

export interface S3Reply {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer
}

export interface S3Operation {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

export interface StoredObject {
  readonly body: Buffer
  readonly etag: string
  readonly metadata: Record<string, string>
  readonly storageClass: string
}

interface Upload {
  readonly key: string
  readonly metadata: Record<string, string>
  readonly storageClass: string
  readonly parts: Map<number, Buffer>
}

const partSizeMin = 5 * 1024 * 1024

export class S3World {
  readonly buckets: Map<string, Map<string, StoredObject>>
  readonly uploads = new Map<string, Upload>()
  readonly conditions: 'honoured' | 'ignored' | 'refused'
  readonly pageSize: number
  /** Keys for which deletion and overwriting is denied, as by a legal hold. */
  readonly held = new Set<string>()
  /** Without: services that cannot copy parts. */
  canCopyParts = true
  canDeleteMany = true
  #named = 0

  constructor(buckets: readonly string[], conditions: S3World['conditions'], pageSize: number) {
    this.buckets = new Map(buckets.map((name) => [name, new Map()]))
    this.conditions = conditions
    this.pageSize = pageSize
  }

  objects(bucket = 'bucket'): Map<string, StoredObject> {
    const objects = this.buckets.get(bucket)
    if (objects === undefined) throw new Error(`no bucket ${bucket}`)
    return objects
  }

  nextName(): string {
    this.#named += 1
    return `upload-${this.#named}`
  }
}

export function operate(world: S3World, operation: S3Operation): S3Reply {
  const { method, key, query } = operation
  const objects = world.buckets.get(operation.bucket)
  if (objects === undefined) return problem(404, 'NoSuchBucket', 'The specified bucket does not exist')
  if (key === '') {
    if (method === 'GET' && query.get('list-type') === '2') return list(world, objects, query)
    if (method === 'POST' && query.has('delete')) return deleteMany(world, objects, operation)
    return problem(501, 'NotImplemented', 'not here')
  }
  switch (method) {
    case 'GET':
    case 'HEAD':
      return get(objects, operation)
    case 'PUT':
      if (!query.has('partNumber')) return put(world, objects, operation)
      return operation.headers['x-amz-copy-source'] === undefined
        ? putPart(world, operation)
        : copyPart(world, objects, operation)
    case 'POST':
      return query.has('uploads') ? createUpload(world, operation) : completeUpload(world, objects, operation)
    case 'DELETE':
      if (!query.has('uploadId')) return remove(world, objects, operation)
      if (!world.uploads.delete(query.get('uploadId') ?? '')) return problem(404, 'NoSuchUpload', 'no such upload')
      return nothing(204)
    default:
      return problem(405, 'MethodNotAllowed', 'not so')
  }
}

function get(objects: Map<string, StoredObject>, { key, headers }: S3Operation): S3Reply {
  const found = objects.get(key)
  if (found === undefined) return problem(404, 'NoSuchKey', 'The specified key does not exist.')
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined && ifMatch !== found.etag) return problem(412, 'PreconditionFailed', 'another etag')
  const common = { etag: found.etag, 'accept-ranges': 'bytes', ...found.metadata }
  const range = /^bytes=(\d+)-(\d*)$/.exec(String(headers['range'] ?? ''))
  if (range === null) return { status: 200, headers: common, body: found.body }
  const first = Number(range[1])
  const last = Math.min(range[2] === '' ? Number.POSITIVE_INFINITY : Number(range[2]), found.body.length - 1)
  if (first >= found.body.length || first > last) return problem(416, 'InvalidRange', 'not satisfiable')
  const contentRange = `bytes ${first}-${last}/${found.body.length}`
  return {
    status: 206,
    headers: { ...common, 'content-range': contentRange },
    body: found.body.subarray(first, last + 1),
  }
}

function put(world: S3World, objects: Map<string, StoredObject>, operation: S3Operation): S3Reply {
  const refused = refusal(world, objects, operation)
  if (refused !== undefined) return refused
  const etag = `"${md5(operation.body)}"`
  objects.set(operation.key, { body: operation.body, etag, ...described(operation) })
  return { ...nothing(200), headers: { etag } }
}

function remove(world: S3World, objects: Map<string, StoredObject>, operation: S3Operation): S3Reply {
  const found = objects.get(operation.key)
  if (world.held.has(operation.key))
    return problem(403, 'AccessDenied', 'Access Denied because object protected by object lock.')
  const ifMatch = operation.headers['if-match']
  if (ifMatch !== undefined && world.conditions === 'refused') return problem(501, 'NotImplemented', 'a header')
  if (ifMatch !== undefined && world.conditions === 'honoured') {
    if (found === undefined) return problem(404, 'NoSuchKey', 'no such key')
    if (found.etag !== ifMatch) return problem(412, 'PreconditionFailed', 'another etag')
  }
  objects.delete(operation.key)
  return nothing(204)
}

function createUpload(world: S3World, operation: S3Operation): S3Reply {
  const id = world.nextName()
  world.uploads.set(id, { key: operation.key, parts: new Map(), ...described(operation) })
  return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
}

function putPart(world: S3World, { key, query, body }: S3Operation): S3Reply {
  const upload = world.uploads.get(query.get('uploadId') ?? '')
  if (upload?.key !== key) return problem(404, 'NoSuchUpload', 'no such upload')
  upload.parts.set(Number(query.get('partNumber')), body)
  return { ...nothing(200), headers: { etag: `"${md5(body)}"` } }
}

function copyPart(world: S3World, objects: Map<string, StoredObject>, operation: S3Operation): S3Reply {
  if (!world.canCopyParts) return problem(501, 'NotImplemented', 'no copies here')
  const { headers } = operation
  const source = decodeURIComponent(String(headers['x-amz-copy-source'])).replace(`/${operation.bucket}/`, '')
  const found = objects.get(source)
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(String(headers['x-amz-copy-source-range'])) ?? []
  if (found === undefined) return problem(404, 'NoSuchKey', source)
  if (found.body.length <= partSizeMin) return problem(400, 'InvalidRequest', 'the source is too small for a range')
  const body = found.body.subarray(Number(first), Number(last) + 1)
  const reply = putPart(world, { ...operation, body })
  return reply.status === 200 ? xml(`<CopyPartResult><ETag>"${md5(body)}"</ETag></CopyPartResult>`) : reply
}

function completeUpload(world: S3World, objects: Map<string, StoredObject>, operation: S3Operation): S3Reply {
  const id = operation.query.get('uploadId') ?? ''
  const upload = world.uploads.get(id)
  if (upload?.key !== operation.key) return problem(404, 'NoSuchUpload', 'no such upload')
  const refused = refusal(world, objects, operation)
  if (refused !== undefined) return refused
  const wanted = [...operation.body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)]
  const bodies: Buffer[] = []
  for (const [i, [, number, etag = '']] of wanted.entries()) {
    const part = upload.parts.get(Number(number))
    if (part === undefined || etag.replaceAll('&#34;', '') !== md5(part))
      return problem(400, 'InvalidPart', `part ${number}`)
    if (i < wanted.length - 1 && part.length < partSizeMin) return problem(400, 'EntityTooSmall', `part ${number}`)
    // R2 wants them equal.
    if (i < wanted.length - 1 && part.length !== upload.parts.get(1)?.length)
      return problem(400, 'InvalidPart', 'sizes')
    bodies.push(part)
  }
  if (bodies.length === 0) return problem(400, 'MalformedXML', 'no parts')
  world.uploads.delete(id)
  const etag = `"${md5(Buffer.concat(bodies.map((body) => createHash('md5').update(body).digest())))}-${bodies.length}"`
  const { metadata, storageClass } = upload
  objects.set(operation.key, { body: Buffer.concat(bodies), etag, metadata, storageClass })
  return xml(`<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`)
}

function deleteMany(world: S3World, objects: Map<string, StoredObject>, { headers, body }: S3Operation): S3Reply {
  if (!world.canDeleteMany) return problem(501, 'NotImplemented', 'one by one')
  if (headers['content-md5'] === undefined)
    return problem(400, 'InvalidRequest', 'Missing required header: Content-MD5')
  const keys = [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => unescaped(key))
  if (keys.length > 1000) return problem(400, 'MalformedXML', 'too many keys')
  const errors = keys.filter((key) => world.held.has(key))
  for (const key of keys) if (!world.held.has(key)) objects.delete(key)
  const told = errors.map(
    (key) =>
      `<Error><Key>${escaped(key)}</Key><Code>AccessDenied</Code><Message>Access Denied because object protected by object lock.</Message></Error>`,
  )
  return xml(`<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${told.join('')}</DeleteResult>`)
}

function list(world: S3World, objects: Map<string, StoredObject>, query: URLSearchParams): S3Reply {
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter')
  const after = query.get('continuation-token') ?? ''
  const limit = Math.min(world.pageSize, Number(query.get('max-keys') ?? 1000))
  const names = new Map<string, string>()
  for (const key of [...objects.keys()].sort()) {
    if (!key.startsWith(prefix)) continue
    const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length)
    const name = end < 0 ? key : key.slice(0, end + 1)
    if (name > after) names.set(name, key)
  }
  const page = [...names].slice(0, limit)
  const isTruncated = names.size > page.length
  const entries = page.map(([name, key]) =>
    name === key
      ? `<Contents><Key>${encoded(key)}</Key><Size>${objects.get(key)?.body.length}</Size></Contents>`
      : `<CommonPrefixes><Prefix>${encoded(name)}</Prefix></CommonPrefixes>`,
  )
  const next = isTruncated ? `<NextContinuationToken>${escaped(page.at(-1)?.[0] ?? '')}</NextContinuationToken>` : ''
  return xml(
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`,
  )
}

function refusal(
  world: S3World,
  objects: Map<string, StoredObject>,
  { key, headers }: S3Operation,
): S3Reply | undefined {
  const found = objects.get(key)
  const [ifNoneMatch, ifMatch] = [headers['if-none-match'], headers['if-match']]
  if (world.conditions === 'ignored') return undefined
  if (world.conditions === 'refused' && (ifNoneMatch ?? ifMatch) !== undefined) {
    return problem(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented')
  }
  if (ifNoneMatch === '*' && found !== undefined) return problem(412, 'PreconditionFailed', 'it is there')
  if (ifMatch !== undefined && found === undefined) return problem(404, 'NoSuchKey', 'no such key')
  if (ifMatch !== undefined && found?.etag !== ifMatch) return problem(412, 'PreconditionFailed', 'another etag')
  return undefined
}

function described({ headers }: S3Operation): { metadata: Record<string, string>; storageClass: string } {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'))
  return {
    metadata: Object.fromEntries(own.map(([name, value]) => [name, String(value)])),
    storageClass: String(headers['x-amz-storage-class'] ?? 'STANDARD'),
  }
}

function problem(status: number, code: string, message: string): S3Reply {
  return { ...xml(`<Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`), status }
}

function xml(text: string): S3Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: Buffer.from(`<?xml version="1.0"?>\n${text}`),
  }
}

function nothing(status: number): S3Reply {
  return { status, headers: {}, body: Buffer.alloc(0) }
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

function encoded(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function unescaped(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
