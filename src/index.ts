/**
 * The public face of tsborg: lists of re-exports, nothing else.
 *
 * Open a repository (`openRepository`), then call a verb on the session. Every verb takes `RunOptions` last: an abort
 * signal, an event listener, and someone to ask.
 */

// Sessions
export type { ConnectOptions, RemoteOptions, RepositoryTarget } from './session/connect.ts'
export { connectRepository } from './session/connect.ts'
export type { Transport } from './rpc/transport.ts'
export { isRemoteError } from './rpc/wire-errors.ts'
export type { Directories } from './session/directories.ts'
export { defaultDirectories } from './session/directories.ts'
export type { KeyFiles } from './session/keyfiles.ts'
export { localKeyFiles } from './session/keyfiles.ts'
export { openRepository } from './session/open.ts'
export type { OpenOptions } from './session/repository-session.ts'
export type { CacheOptions, ReadSession, WriteSession } from './session/session.ts'
export type { Unlocked, UnlockOptions } from './session/unlock.ts'
export { loadManifest, unlock } from './session/unlock.ts'

// Verbs
export type { BrowseOptions } from './operations/browse.ts'
export { browseArchives } from './operations/browse.ts'
export type { BenchmarkKernelsOptions, KernelMeasurement } from './operations/benchmark-kernels.ts'
export { benchmarkKernels } from './operations/benchmark-kernels.ts'
export { breakLocks } from './operations/break-lock.ts'
export type { CheckArchivesOptions, CheckRepositoryOptions } from './operations/check.ts'
export { checkArchives, checkRepository } from './operations/check.ts'
export type { CompactOptions } from './operations/compact.ts'
export { compactRepository } from './operations/compact.ts'
export type { Settings } from './operations/config.ts'
export { openCacheSettings, openSettings } from './operations/config.ts'
export { serverVersion } from './operations/server-version.ts'
export { contentDigest } from './operations/content-digest.ts'
export { createArchive } from './operations/create.ts'
export type {
  CreateOptions,
  CreateResult,
  NewArchiveOptions,
  SourceOptions,
  StreamContent,
} from './operations/create-options.ts'
export { previewArchive } from './operations/create-preview.ts'
export type { LoggedObject, PlainObject } from './operations/debug/plain-objects.ts'
export { loggedObjects, plainObjects } from './operations/debug/plain-objects.ts'
export type { RawArchive } from './operations/debug/raw-metadata.ts'
export { archiveItemChunks, rawArchive, rawManifest } from './operations/debug/raw-metadata.ts'
export type { Finding } from './operations/debug/search-objects.ts'
export { searchObjects } from './operations/debug/search-objects.ts'
export { contentId, deleteStoredObject, repositoryHints } from './operations/debug/stored-objects.ts'
export type { DeleteOptions, DeleteResult } from './operations/delete.ts'
export { deleteArchives, deleteCache, deleteRepository, forgetArchives } from './operations/delete.ts'
export type { DiffOptions, PathDifference } from './operations/diff.ts'
export { diffArchives } from './operations/diff.ts'
export type { DiffChange, DiffKind, Owner } from './operations/diff-item.ts'
export type { DiffSortField, DiffSortKey } from './operations/diff-sort.ts'
export { sortDifferences } from './operations/diff-sort.ts'
export type { ExportTarOptions } from './operations/export-tar.ts'
export { exportTar } from './operations/export-tar.ts'
export type { ExtractOptions, ExtractResult } from './operations/extract.ts'
export { extractArchive } from './operations/extract.ts'
export type { ImportTarOptions } from './operations/import-tar.ts'
export { importTar } from './operations/import-tar.ts'
export type { ArchiveInfo } from './operations/info.ts'
export { archiveInfo } from './operations/info.ts'
export type { InitOptions, InitResult } from './operations/init.ts'
export { initRepository } from './operations/init.ts'
export type { KeyExportFormat, PaperDialogue } from './operations/keys.ts'
export {
  changePassphrase,
  exportKey,
  exportRelatedSecrets,
  importKey,
  importPaperKey,
  migrateToRepokey,
} from './operations/keys.ts'
export type { ListItemsOptions } from './operations/list.ts'
export { listArchives, listItems } from './operations/list.ts'
export type { MountOptions } from './operations/mount.ts'
export { mountArchives } from './operations/mount.ts'
export { findArchive, openArchive } from './operations/open-archive.ts'
export type { PruneResult, PruneRules } from './operations/prune.ts'
export { planPrune, pruneArchives } from './operations/prune.ts'
export { recreateAllArchives, recreateArchive } from './operations/recreate.ts'
export type {
  Recompress,
  RecreateAllOptions,
  RecreatedArchive,
  RecreateOneOptions,
  RecreateOptions,
  RecreateResult,
} from './operations/recreate-options.ts'
export { renameArchive } from './operations/rename.ts'
export { withLock } from './operations/with-lock.ts'
export type { ServeArchivesOptions } from './operations/serve-archives.ts'
export { serveArchives } from './operations/serve-archives.ts'
export type { ArchiveTam, AuthenticateArchivesOptions, TamChange, TamStatus } from './operations/upgrade.ts'
export {
  archiveTams,
  authenticateArchives,
  disableTam,
  requireModernFormat,
  requireTam,
  tamStatus,
} from './operations/upgrade.ts'

// What archives hold
export type { ArchiveDirectory, ArchiveEntry } from './archive/archive-directory.ts'
export type { ArchiveReader, ReadItemsOptions } from './archive/archive-reader.ts'
export type { ChunkRef, Item, ItemShape } from './archive/item.ts'
export { classify, isDamaged, itemSize } from './archive/item.ts'
export type { ArchiveMetadata, ArchiveTotals } from './archive/metadata.ts'
export type { RetentionRule, RetentionVerdict } from './archive/retention.ts'
export type { ArchiveSelection, ArchiveSortKey } from './archive/select.ts'
export type { NamedNode, NodeAttributes, ReadOnlyTree } from './archive/tree.ts'
export type { Statistics } from './archive/statistics.ts'
export type { Cache, CacheStatistics } from './cache/cache.ts'
export type { FilesCacheMode } from './cache/files-cache-mode.ts'
export type { KeyMaterial, KeyMode } from './crypto/key-material.ts'
export type { ModeSpec } from './crypto/modes.ts'
export { modes } from './crypto/modes.ts'
export type { PassphraseSource } from './crypto/passphrase.ts'
export type { Unpacked, UnpackedMap } from './format/msgpack-decode.ts'
export type { RelatedSecrets } from './crypto/related-secrets.ts'
export { parseRelatedSecrets } from './crypto/related-secrets.ts'

// Ground
export type { WarningCode } from './base/error-catalog.ts'
export { warningMessage } from './base/error-catalog.ts'
export type { ErrorCode } from './base/errors.ts'
export { BorgError, isBorgError, isIntegrityError } from './base/errors.ts'
export type { EngineEvent, FilePosition, FileStatus, Question, RunOptions } from './base/events.ts'
export type { Host } from './base/host.ts'
export { systemHost } from './base/host.ts'
export type { ItemPath, Nanoseconds, ObjectId, StorePath } from './base/ids.ts'
export { idKey, manifestId, objectIdFromHex } from './base/ids.ts'

// Ports, for those who bring their own
export type { MountedFolder } from './fuse/mount.ts'
export { noFuseSupport, requireMountPoint } from './fuse/mount.ts'
export type { ServedTree } from './webdav/server.ts'
export type { FileSystem, MissingFeature } from './platform/file-system.ts'
export type { NodeFileSystemOptions } from './platform/node-file-system.ts'
export { openNodeFileSystem } from './platform/node-file-system.ts'
export type { Hints } from './repository/ledger.ts'
export type { Repository, RepositoryReader } from './repository/repository.ts'
export type { LogPart } from './repository/segment-files.ts'
export type { CommandInput, CommandOutput } from './source/command-output.ts'
export { separatedPaths, startCommand, startCommandInto } from './source/command-output.ts'
export type { Store } from './store/store.ts'
export { LocalStore } from './store/local-store.ts'
