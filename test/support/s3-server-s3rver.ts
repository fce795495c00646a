/**
 * s3rver, an S3 service by other people, in a process of its own making inside ours. It overlooks conditions on writing,
 * accepts any signature of version 4, and cannot copy parts.
 */
import { makeTempFolder, removeTempFolder } from './temp-folder.ts'

interface Running {
  readonly endpoint: string
  stop(): Promise<void>
}

interface S3rverModule {
  default: new (options: object) => { run(): Promise<{ port: number }>; close(): Promise<void> }
}

/** With a bucket of the name 'bucket'. Its credentials are S3RVER, S3RVER. */
export async function startS3rver(): Promise<Running> {
  const module = 's3rver'
  const { default: S3rver } = (await import(module)) as S3rverModule
  const directory = makeTempFolder()
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: 'bucket' }],
  })
  const { port } = await server.run()
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      await server.close()
      removeTempFolder(directory)
    },
  }
}
