/** After the compiler: what has no source any more leaves dist/, and the program may be executed. */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('.', import.meta.url))
const built = fileURLToPath(new URL('../dist', import.meta.url))

for (const path of readdirSync(built, { recursive: true })) {
  const name = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(path)?.[1]
  if (name !== undefined && !existsSync(join(source, `${name}.ts`))) rmSync(join(built, path))
}
chmodSync(join(built, 'cli', 'tsborg.js'), 0o755)
