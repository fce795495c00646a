/**
 * The public face of places: Stores for where repositories may be, and wrappers around them. Apart from `index.ts`, because
 * a backup to a disk shall not wait for the clients of far places to load. Re-exports only.
 */
export type { RcloneOptions, RclonePlace } from './rclone/rclone-remote.ts'
export { RcloneStore } from './rclone/rclone-store.ts'
export type { S3StoreOptions } from './s3/s3-store.ts'
export { S3Store } from './s3/s3-store.ts'
export type { S3Credentials } from './s3/signing.ts'
export type { CachingOptions } from './store/caching-store.ts'
export { CachingStore } from './store/caching-store.ts'
export type { RetryOptions } from './store/retrying-store.ts'
export { RetryingStore } from './store/retrying-store.ts'
export type { ThrottleOptions } from './store/throttled-store.ts'
export { LineRates, ThrottledStore } from './store/throttled-store.ts'
