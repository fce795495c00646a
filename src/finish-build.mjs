/** After the compiler: what has no source any more leaves dist/, the program may be executed, and shells learn it. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('.', import.meta.url))
const built = fileURLToPath(new URL('../dist', import.meta.url))

for (const path of readdirSync(built, { recursive: true })) {
  const name = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(path)?.[1]
  if (name !== undefined && !existsSync(join(source, `${name}.ts`))) rmSync(join(built, path))
}
chmodSync(join(built, 'cli', 'tsborg.js'), 0o755)

const { completionScript, completionShells } = await import('../dist/cli/completion/shells.js')
mkdirSync(join(built, 'completions'), { recursive: true })
for (const shell of completionShells) {
  writeFileSync(join(built, 'completions', `tsborg.${shell}`), await completionScript(shell))
}
