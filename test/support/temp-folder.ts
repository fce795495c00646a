/**
 * Folders of one test, removed after it.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty folder, gone when the running test ends. Absolute, without symbolic links in it. */
export function tempFolder(): string {
  const folder = makeTempFolder()
  onTestFinished(() => removeTempFolder(folder))
  return folder
}

/** For whole files of tests: the caller removes it. */
export function makeTempFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'tsborg-test-')))
}

export function removeTempFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}
