/**
 * The public face of a server: nothing that has to do with keys or archives, and so quick to load. Whoever connects waits for
 * that. Re-exports only.
 */
export { serve, type ServePolicy, type ServeStreams } from './rpc/server.ts'
