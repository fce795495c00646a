/** Where a repository is, parsed but not touched. Exhaustive: connect.ts switches on `scheme`. */
export type Location =
  | { scheme: 'file'; path: string }
  | { scheme: 'ssh'; user?: string; host: string; port?: number; path: string }
  | { scheme: 'sftp'; user?: string; host: string; port?: number; path: string }
  | { scheme: 's3'; endpoint: string; bucket: string; prefix: string }
  | { scheme: 'rclone'; remote: string; path: string }
/** @throws BorgError for anything borg's parser would refuse. */
export declare function parseLocation(text: string): { location: Location; archive?: string }
export declare function canonicalLocation(location: Location): string
