/** Absolute paths, borg's rules. Keys and security are shared with borg; whether the cache is too is decision 009. */
export interface Directories {
  readonly config: string
  readonly cache: string
  readonly security: string
  readonly keys: string
}
export declare function defaultDirectories(
  env?: Readonly<Record<string, string | undefined>>,
  home?: string,
): Directories
