/**
 * The parts that --json documents are made of.
 * Source: CLI contract "JSON documents"; fixtures/cli/format-vectors.json.
 */
import { type Nanoseconds, type PythonJson, pythonFloat } from '../../parsing.ts'
import type { RepositoryTotals, ThreeSizes } from './statistics.ts'
import { archiveTimeIso } from './times.ts'

type JsonObject = Record<string, PythonJson>

export interface RepositoryFacts {
  readonly id: string
  readonly location: string
  readonly lastModified: Nanoseconds
  /** The word of --encryption. */
  readonly mode: string
  /** For key-file modes. */
  readonly keyFile?: string | undefined
}

/** "encryption" and "repository", which every document has. */
export function repositoryPart(facts: RepositoryFacts): JsonObject {
  const { id, location, lastModified, mode, keyFile } = facts
  return {
    encryption: keyFile === undefined ? { mode } : { mode, keyfile: keyFile },
    repository: { id, location, last_modified: archiveTimeIso(lastModified) },
  }
}

export interface CacheFacts extends RepositoryTotals {
  readonly path: string
  readonly uniqueSize: number | undefined
}

export function cachePart(facts: CacheFacts): JsonObject {
  return {
    cache: {
      path: facts.path,
      stats: {
        total_chunks: facts.totalChunks ?? null,
        total_csize: facts.totalStoredSize ?? null,
        total_size: facts.totalSize ?? null,
        total_unique_chunks: facts.uniqueChunks,
        unique_csize: facts.uniqueStoredSize ?? null,
        unique_size: facts.uniqueSize ?? null,
      },
    },
  }
}

export interface ArchiveFacts {
  readonly name: string
  readonly id: string
  readonly start: Nanoseconds
  readonly end: Nanoseconds
  readonly durationSeconds: number
  readonly commandLine: readonly string[]
  readonly files: number
  /** Share of the largest archive there can be, 0 to 1. */
  readonly utilization: number
  readonly sizes: ThreeSizes
}

/** "archive" of create and import-tar. */
export function archiveObject(facts: ArchiveFacts): JsonObject {
  return {
    command_line: facts.commandLine,
    // Python clients tell floats from integers.
    duration: pythonFloat(facts.durationSeconds),
    end: archiveTimeIso(facts.end),
    id: facts.id,
    limits: { max_archive_size: pythonFloat(facts.utilization) },
    name: facts.name,
    start: archiveTimeIso(facts.start),
    stats: {
      compressed_size: facts.sizes.compressedSize,
      deduplicated_size: facts.sizes.deduplicatedSize,
      nfiles: facts.files,
      original_size: facts.sizes.originalSize,
    },
  }
}

export interface DescribedFacts extends ArchiveFacts {
  /** ['buzhash', 19, 23, 21, 4095]; empty where very old archives do not say. */
  readonly chunkerParams: readonly (string | number)[]
  readonly comment: string
  readonly currentFolder: string
  readonly hostname: string
  readonly username: string
}

/** An element of "archives" of info. */
export function describedArchiveObject(facts: DescribedFacts): JsonObject {
  return {
    ...archiveObject(facts),
    chunker_params: facts.chunkerParams,
    comment: facts.comment,
    cwd: facts.currentFolder,
    hostname: facts.hostname,
    username: facts.username,
  }
}
