/**
 * GET and HEAD of a file, whole or in part. Source: RFC 9110 §13, §14.
 */
import { type Exchange, refuse, write } from './exchange.ts'
import { contentType, entityTag, httpDate, type Resource } from './multistatus.ts'
import { requestedRange } from './ranges.ts'

const readSize = 1024 * 1024

export async function sendFile({ tree, options, request, response }: Exchange, file: Resource): Promise<void> {
  const { node, size, modified, damaged } = file.attributes
  if (damaged && options.allowDamagedFiles !== true) {
    return refuse(response, 500, 'File has damaged (all-zero) chunks. Serve with allow_damaged_files to read it.')
  }
  const tag = entityTag(file.attributes)
  const headers = {
    'content-type': contentType,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    'accept-ranges': 'bytes',
    'last-modified': httpDate(modified),
    etag: tag,
  }
  if (names(request.headers['if-none-match'], tag)) {
    response.writeHead(304, headers)
    response.end()
    return
  }
  const conditional = request.headers['if-range']
  const asked = conditional === undefined || conditional === tag ? request.headers.range : undefined
  const range = request.method === 'GET' ? requestedRange(asked, size) : 'all'
  if (range === 'none') {
    response.writeHead(416, { 'content-range': `bytes */${size}`, 'content-length': 0 })
    response.end()
    return
  }
  const { start, end } = range === 'all' ? { start: 0, end: size } : range
  const part = range === 'all' ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }
  response.writeHead(range === 'all' ? 200 : 206, { ...headers, ...part, 'content-length': end - start })
  if (request.method === 'GET') {
    for (let offset = start; offset < end; ) {
      const bytes = await tree.read(node, offset, Math.min(readSize, end - offset))
      // The file says it is longer than its chunks are.
      if (bytes.length === 0) throw new Error(`the content ends at ${offset} of ${size} bytes`)
      if (!(await write(response, bytes))) return
      offset += bytes.length
    }
  }
  response.end()
}

/** Whether a list of entity tags has this one. */
function names(list: string | undefined, tag: string): boolean {
  return list?.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag) ?? false
}
