/**
 * What one extraction holds from its first item to its last.
 */
import { type RunOptions, reportWarning } from '../base/events.ts'
import { decodeText } from '../base/text.ts'
import type { FileSystem } from '../platform/file-system.ts'
import { HardLinkPlan } from './hard-links.ts'
import type { RestoreOptions } from './restore-metadata.ts'
import { TargetFolders } from './target-folders.ts'

export interface ExtractTarget extends RestoreOptions {
  readonly files: FileSystem
  /** An existing folder; everything lands in it. */
  readonly root: Uint8Array
  /** Chunks of zeros become holes. */
  readonly sparse: boolean
  /** Leading parts to cut from every path; default 0. */
  readonly stripComponents?: number | undefined
}

/** Open folders and hard links of one extraction. Dispose of it. */
export class Extraction implements Disposable {
  readonly target: ExtractTarget
  /** Tell it of every item of the archive, in order. */
  readonly links: HardLinkPlan
  readonly folders: TargetFolders
  /** A second way down, for the other end of hard links. */
  readonly linkFolders: TargetFolders
  readonly #run: RunOptions

  constructor(target: ExtractTarget, run: RunOptions) {
    this.target = target
    this.#run = run
    this.links = new HardLinkPlan(target.stripComponents)
    this.folders = new TargetFolders(target.files, target.root)
    try {
      this.linkFolders = new TargetFolders(target.files, target.root)
    } catch (error) {
      this.folders.close()
      throw error
    }
  }

  /** Something of a file was not restored, and the file still counts as extracted. */
  warn(line: string): void {
    reportWarning(this.#run, 'GenericWarning', line)
  }

  /** `path` as error texts show it: below the destination. */
  shown(path: string): string {
    return `${decodeText(this.target.root)}/${path}`
  }

  [Symbol.dispose](): void {
    this.folders.close()
    this.linkFolders.close()
  }
}

/** @throws system errors when `target.root` cannot be entered */
export function openExtraction(target: ExtractTarget, run: RunOptions = {}): Extraction {
  return new Extraction(target, run)
}
