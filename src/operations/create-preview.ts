/**
 * What a backup would take, without a repository: `create --dry-run`.
 */
import { type RunOptions, reportWarning } from '../base/events.ts'
import { EventLoopTurns } from '../base/flow.ts'
import { type Host, systemHost } from '../base/host.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { openNodeFileSystem } from '../platform/node-file-system.ts'
import { FinishedRoots } from '../source/finished-roots.ts'
import { walk } from '../source/walk.ts'
import { reportStatus } from './create-entry.ts'
import type { SourceOptions, StreamContent } from './create-options.ts'
import { sourceMatcher } from './source-matcher.ts'

export interface PreviewOptions extends SourceOptions {
  /** Name of what '-' among the roots stands for. */
  readonly content?: Pick<StreamContent, 'name'> | undefined
  readonly files?: FileSystem | undefined
  readonly host?: Host | undefined
}

/** Walks and matches only; says '-' for everything that would be stored and 'x' for what is left out. */
export async function previewArchive(options: PreviewOptions, run: RunOptions = {}): Promise<void> {
  const files = options.files ?? openNodeFileSystem()
  const host = options.host ?? systemHost
  const { patterns, roots, exactPaths, ...choices } = options
  const walking = {
    ...choices,
    exactPaths,
    matcher: sourceMatcher(patterns ?? []),
    finished: new FinishedRoots(),
    dryRun: true,
  }
  const turns = new EventLoopTurns(() => host.monotonicMs())
  for await (const root of roots) {
    if (root === '-' && exactPaths !== true && options.content !== undefined) {
      reportStatus(run, '-', options.content.name ?? 'stdin')
      continue
    }
    for (const step of walk(files, { ...walking, roots: [root] }, run)) {
      run.signal?.throwIfAborted()
      if (step.step === 'warning') reportWarning(run, step.code, ...step.args)
      else if (step.step === 'status') reportStatus(run, step.status === 'd' ? '-' : step.status, step.path)
      else if (step.entry.stat.kind !== 'directory') reportStatus(run, '-', step.entry.walkedPath)
      await turns.take()
    }
  }
}
