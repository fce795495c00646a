/**
 * Requests and answers as msgpack values, both framings: maps {i, m, a} / {i, r}, and the old lists [1, id, method,
 * [arguments]] / [1, id, error, result]. Values follow each other without lengths. Source: format/rpc.md §2, §5.
 */
import { decodeText } from '../base/text.ts'
import type { DecodeLimits, Unpacked, UnpackedMap } from '../format/msgpack-decode.ts'
import type { Packer, Packable } from '../format/msgpack-encode.ts'

/** A server answers each request in the framing it came in. */
export type Framing = 'map' | 'list'

export interface Request {
  readonly id: number
  readonly method: string
  /** By name in the map framing, by position in the old one. */
  readonly args: UnpackedMap | readonly Unpacked[]
  readonly framing: Framing
}

/** An exception as it travels. The old framing carries its class only. */
export interface WireFailure {
  readonly className: string
  /** Texts, bytes and integers; anything else became null. Undefined from servers that do not send them. */
  readonly args: readonly (string | number | null)[] | undefined
  /** The server's traceback, line by line. */
  readonly full: readonly string[]
  readonly short: readonly string[]
  /** Whether the traceback is for people to see. */
  readonly trace: boolean
  readonly sysinfo: string
}

export type Answer =
  | { readonly id: number; readonly result: Unpacked }
  | { readonly id: number; readonly failure: WireFailure }

/** One object with its frame; ids of 100,000 objects; the text of a stack trace. What is larger is not ours. */
export const frameLimits: DecodeLimits = { bytes: 24 * 1024 * 1024, depth: 8, items: 200_000 }

/** `args` in the order of the method's table; left out ones are undefined. */
export function encodeRequest(
  packer: Packer,
  request: { readonly id: number; readonly method: string; readonly args: readonly (readonly [string, Packable])[] },
  framing: Framing,
): void {
  if (framing === 'map') {
    packer.mapHeader(3)
    packer.text('i')
    packer.number(request.id)
    packer.text('m')
    packer.text(request.method)
    packer.text('a')
    packer.mapHeader(request.args.length)
    for (const [name, value] of request.args) {
      packer.text(name)
      packer.value(value)
    }
    return
  }
  packer.arrayHeader(4)
  packer.number(1)
  packer.number(request.id)
  packer.text(request.method)
  packer.arrayHeader(request.args.length)
  for (const [, value] of request.args) packer.value(value)
}

/** Undefined for a value that is no request. */
export function decodeRequest(value: Unpacked): Request | undefined {
  if (value instanceof Map) {
    const id = value.get('i')
    const method = value.get('m')
    const args = value.get('a')
    if (typeof id !== 'number' || !(method instanceof Uint8Array) || !(args instanceof Map)) return undefined
    return { id, method: decodeText(method), args, framing: 'map' }
  }
  if (!Array.isArray(value) || value.length !== 4) return undefined
  const [, id, method, args] = value
  if (typeof id !== 'number' || !(method instanceof Uint8Array) || !Array.isArray(args)) return undefined
  return { id, method: decodeText(method), args, framing: 'list' }
}

export function encodeResult(packer: Packer, id: number, result: Packable, framing: Framing): void {
  if (framing === 'map') {
    packer.mapHeader(2)
    packer.text('i')
    packer.number(id)
    packer.text('r')
    packer.value(result)
    return
  }
  packer.arrayHeader(4)
  packer.number(1)
  packer.number(id)
  packer.nil()
  packer.value(result)
}

export function encodeFailure(packer: Packer, id: number, failure: WireFailure, framing: Framing): void {
  if (framing === 'map') {
    packer.mapHeader(7)
    packer.text('i')
    packer.number(id)
    packer.text('exception_class')
    packer.text(failure.className)
    packer.text('exception_args')
    packer.value(failure.args ?? [])
    packer.text('exception_full')
    packer.value(failure.full)
    packer.text('exception_short')
    packer.value(failure.short)
    packer.text('exception_trace')
    packer.value(failure.trace)
    packer.text('sysinfo')
    packer.text(failure.sysinfo)
    return
  }
  packer.arrayHeader(4)
  packer.number(1)
  packer.number(id)
  packer.text(failure.className)
  packer.text('The text of this error is told to newer clients only.')
}

/** Undefined for a value that is no answer. */
export function decodeAnswer(value: Unpacked): Answer | undefined {
  if (value instanceof Map) return decodeMapAnswer(value)
  if (!Array.isArray(value) || value.length !== 4) return undefined
  const [, id, error, result] = value
  if (typeof id !== 'number' || result === undefined) return undefined
  if (error === null) return { id, result }
  if (!(error instanceof Uint8Array)) return undefined
  return { id, failure: { ...noDetails, className: decodeText(error) } }
}

const noDetails = { args: undefined, full: [], short: [], trace: false, sysinfo: '' } as const

function decodeMapAnswer(value: UnpackedMap): Answer | undefined {
  const id = value.get('i')
  if (typeof id !== 'number') return undefined
  const className = value.get('exception_class')
  if (className instanceof Uint8Array) {
    const args = value.get('exception_args')
    return {
      id,
      failure: {
        className: decodeText(className),
        args: Array.isArray(args) ? args.map(argument) : undefined,
        full: lines(value.get('exception_full')),
        short: lines(value.get('exception_short')),
        trace: value.get('exception_trace') === true,
        sysinfo: text(value.get('sysinfo')),
      },
    }
  }
  const result = value.get('r')
  return result === undefined ? undefined : { id, result }
}

function argument(value: Unpacked): string | number | null {
  if (value instanceof Uint8Array) return decodeText(value)
  return typeof value === 'number' ? value : null
}

function lines(value: Unpacked | undefined): string[] {
  return Array.isArray(value) ? value.map(text) : []
}

function text(value: Unpacked | undefined): string {
  return value instanceof Uint8Array ? decodeText(value) : ''
}
