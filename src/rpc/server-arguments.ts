/**
 * The arguments of one call, by the table of methods. Nothing a client sends may do more harm than a TypeError.
 */
import { type ObjectId, objectId } from '../base/ids.ts'
import { decodeText } from '../base/text.ts'
import type { Unpacked } from '../format/msgpack-decode.ts'
import type { Packable } from '../format/msgpack-encode.ts'
import { type ArgumentSpec, type MethodName, methodSpec } from './methods.ts'
import { compareVersions, parseVersion } from './versions.ts'
import type { Request } from './wire.ts'

/** Clients from here on name their arguments. */
const namingSince = parseVersion('1.1.0b1')

/** One typed reader for each kind of argument. What the client left out has its default; what it sent too much is ignored. */
export class CallArguments {
  readonly #method: MethodName
  readonly #given: Request['args']

  constructor(method: MethodName, given: Request['args']) {
    this.#method = method
    this.#given = given
  }

  bytes(name: string): Uint8Array {
    const value = this.value(name)
    if (!(value instanceof Uint8Array)) throw this.#wrong(name, 'bytes')
    return value
  }

  /** A copy: the frame it came in is forgotten. */
  id(name: string): ObjectId {
    return objectId(this.bytes(name))
  }

  optionalId(name: string): ObjectId | undefined {
    return this.value(name) === null ? undefined : this.id(name)
  }

  text(name: string): string {
    const value = this.value(name)
    if (typeof value === 'string') return value
    if (!(value instanceof Uint8Array)) throw this.#wrong(name, 'text')
    return decodeText(value)
  }

  /** borg takes what Python takes for true. */
  boolean(name: string): boolean {
    const value = this.value(name)
    if (typeof value === 'number') return value !== 0
    if (typeof value !== 'boolean' && value !== null) throw this.#wrong(name, 'true or false')
    return value === true
  }

  number(name: string): number {
    const value = this.value(name)
    if (typeof value !== 'number') throw this.#wrong(name, 'a number')
    return value
  }

  optionalNumber(name: string): number | undefined {
    return this.value(name) === null ? undefined : this.number(name)
  }

  integer(name: string): bigint {
    const value = this.value(name)
    if (typeof value === 'bigint') return value
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.#wrong(name, 'an integer')
    return BigInt(value)
  }

  optionalInteger(name: string): bigint | undefined {
    return this.value(name) === null ? undefined : this.integer(name)
  }

  /** @throws TypeError when it is missing and has no default. */
  value(name: string): Unpacked | Packable {
    const { spec, given } = this.#find(name)
    if (given !== undefined) return given
    if (spec?.default !== undefined) return spec.default
    throw new TypeError(`${this.#method}() needs the argument '${name}'`)
  }

  #find(name: string): { spec: ArgumentSpec | undefined; given: Unpacked | undefined } {
    const { args } = methodSpec(this.#method)
    const position = args.findIndex((spec) => spec.name === name)
    const spec = args[position]
    if (this.#given instanceof Map) return { spec, given: this.#given.get(name) }
    // Who sends them by position knows none that came later, and borg takes none from there.
    const isKnown = spec?.since === undefined || compareVersions(parseVersion(spec.since), namingSince) < 0
    return { spec, given: isKnown && Array.isArray(this.#given) ? this.#given[position] : undefined }
  }

  #wrong(name: string, wanted: string): TypeError {
    return new TypeError(`${this.#method}(): the argument '${name}' must be ${wanted}`)
  }
}
