/** What borg 1.x puts into msgpack. Strings are written as UTF-8 raw; bytes as raw; there is no bin type. */
export type Packable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Packable[]
  | ReadonlyMap<string, Packable>
/** Map entries are written in iteration order; sort first where borg does. */
export declare function pack(value: Packable): Uint8Array
