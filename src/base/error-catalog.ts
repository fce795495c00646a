/**
 * Every error that borg users know by name.
 *
 * Keys are borg's msgids; they also name the exception on the wire. Texts and codes are a contract with scripts that
 * run borg, so they change only when borg's do. Source: borg 1.4 messages, checked against the running program.
 */
export interface ErrorSpec {
  /** Exit code under BORG_EXIT_CODES=modern; legacy mode maps all to 2. */
  readonly exit: number
  /** Whether borg shows a traceback for it. */
  readonly trace: boolean
  readonly message: (...args: never[]) => string
}

export const errorCatalog = {
  Error: { exit: 2, trace: false, message: (what: string): string => `Error: ${what}` },
  ErrorWithTraceback: { exit: 2, trace: true, message: (what: string): string => `Error: ${what}` },
  RTError: { exit: 2, trace: false, message: (what: string): string => `Runtime Error: ${what}` },
  CancelledByUser: { exit: 3, trace: false, message: (): string => 'Cancelled by user.' },
  CommandError: { exit: 4, trace: false, message: (what: string): string => `Command Error: ${what}` },
  PlaceholderError: {
    exit: 5,
    trace: false,
    message: (text: string, args: string, kind: string, reason: string): string =>
      `Formatting Error: "${text}".format(${args}): ${kind}(${reason})`,
  },
  InvalidPlaceholder: {
    exit: 6,
    trace: false,
    message: (placeholder: string, text: string): string => `Invalid placeholder "${placeholder}" in string: ${text}`,
  },
  'Repository.AlreadyExists': {
    exit: 10,
    trace: false,
    message: (location: string): string => `A repository already exists at ${location}.`,
  },
  'Repository.AtticRepository': {
    exit: 11,
    trace: false,
    message: (location: string): string => `Attic repository detected. Please run "borg upgrade ${location}".`,
  },
  'Repository.CheckNeeded': {
    exit: 12,
    trace: true,
    message: (location: string): string => `Inconsistency detected. Please run "borg check ${location}".`,
  },
  'Repository.DoesNotExist': {
    exit: 13,
    trace: false,
    message: (location: string): string => `Repository ${location} does not exist.`,
  },
  'Repository.InsufficientFreeSpaceError': {
    exit: 14,
    trace: false,
    message: (required: string, available: string): string =>
      `Insufficient free space to complete transaction (required: ${required}, available: ${available}).`,
  },
  'Repository.InvalidRepository': {
    exit: 15,
    trace: false,
    message: (location: string): string => `${location} is not a valid repository. Check repo config.`,
  },
  'Repository.InvalidRepositoryConfig': {
    exit: 16,
    trace: false,
    message: (location: string, reason: string): string =>
      `${location} does not have a valid configuration. Check repo config [${reason}].`,
  },
  'Repository.ObjectNotFound': {
    exit: 17,
    trace: true,
    message: (id: string, location: string): string => `Object with key ${id} not found in repository ${location}.`,
  },
  'Repository.ParentPathDoesNotExist': {
    exit: 18,
    trace: false,
    message: (location: string): string => `The parent path of the repo directory [${location}] does not exist.`,
  },
  'Repository.PathAlreadyExists': {
    exit: 19,
    trace: false,
    message: (location: string): string => `There is already something at ${location}.`,
  },
  'Repository.StorageQuotaExceeded': {
    exit: 20,
    trace: false,
    message: (quota: string, used: string): string =>
      `The storage quota (${quota}) has been exceeded (${used}). Try deleting some archives.`,
  },
  'Repository.PathPermissionDenied': {
    exit: 21,
    trace: false,
    message: (location: string): string => `Permission denied to ${location}.`,
  },
  MandatoryFeatureUnsupported: {
    exit: 25,
    trace: false,
    message: (what: string): string =>
      `Unsupported repository feature(s) ${what}. A newer version of Borg is required to access this repository.`,
  },
  NoManifestError: { exit: 26, trace: false, message: (): string => 'Repository has no manifest.' },
  UnsupportedManifestError: {
    exit: 27,
    trace: false,
    message: (): string => 'Unsupported manifest envelope. A newer version is required to access this repository.',
  },
  'Archive.AlreadyExists': {
    exit: 30,
    trace: false,
    message: (what: string): string => `Archive ${what} already exists`,
  },
  'Archive.DoesNotExist': {
    exit: 31,
    trace: false,
    message: (what: string): string => `Archive ${what} does not exist`,
  },
  'Archive.IncompatibleFilesystemEncodingError': {
    exit: 32,
    trace: false,
    message: (name: string, encoding: string): string =>
      `Failed to encode filename "${name}" into file system encoding "${encoding}". Consider configuring the LANG environment variable.`,
  },
  KeyfileInvalidError: {
    exit: 40,
    trace: false,
    message: (location: string, where: string): string =>
      `Invalid key data for repository ${location} found in ${where}.`,
  },
  KeyfileMismatchError: {
    exit: 41,
    trace: false,
    message: (location: string, where: string): string =>
      `Mismatch between repository ${location} and key file ${where}.`,
  },
  KeyfileNotFoundError: {
    exit: 42,
    trace: false,
    message: (location: string, where: string): string => `No key file for repository ${location} found in ${where}.`,
  },
  NotABorgKeyFile: { exit: 43, trace: false, message: (): string => 'This file is not a Borg key backup, aborting.' },
  RepoKeyNotFoundError: {
    exit: 44,
    trace: false,
    message: (what: string): string => `No key entry found in the config of repository ${what}.`,
  },
  RepoIdMismatch: {
    exit: 45,
    trace: false,
    message: (): string => 'This key backup seems to be for a different backup repository, aborting.',
  },
  UnencryptedRepo: {
    exit: 46,
    trace: false,
    message: (): string => 'Key management not available for unencrypted repositories.',
  },
  UnknownKeyType: { exit: 47, trace: false, message: (what: string): string => `Key type ${what} is unknown.` },
  UnsupportedPayloadError: {
    exit: 48,
    trace: false,
    message: (what: string): string =>
      `Unsupported payload type ${what}. A newer version is required to access this repository.`,
  },
  NoPassphraseFailure: {
    exit: 50,
    trace: false,
    message: (what: string): string => `Cannot acquire a passphrase: ${what}`,
  },
  PasscommandFailure: {
    exit: 51,
    trace: false,
    message: (what: string): string => `Passcommand supplied in BORG_PASSCOMMAND failed: ${what}`,
  },
  PassphraseWrong: {
    exit: 52,
    trace: false,
    message: (): string =>
      'Passphrase supplied in BORG_PASSPHRASE, by BORG_PASSCOMMAND, or via BORG_PASSPHRASE_FD is incorrect.',
  },
  PasswordRetriesExceeded: { exit: 53, trace: false, message: (): string => 'Exceeded the maximum password retries.' },
  'Cache.CacheInitAbortedError': { exit: 60, trace: false, message: (): string => 'Cache initialization aborted' },
  'Cache.EncryptionMethodMismatch': {
    exit: 61,
    trace: false,
    message: (): string => 'Repository encryption method changed since last access, refusing to continue',
  },
  'Cache.RepositoryAccessAborted': { exit: 62, trace: false, message: (): string => 'Repository access aborted' },
  'Cache.RepositoryIDNotUnique': {
    exit: 63,
    trace: false,
    message: (): string =>
      'Cache is newer than repository - do you have multiple, independently updated repos with same ID?',
  },
  'Cache.RepositoryReplay': {
    exit: 64,
    trace: false,
    message: (): string =>
      'Cache, or information obtained from the security directory is newer than repository - this is either an attack or unsafe (multiple repos with same ID)',
  },
  LockError: { exit: 70, trace: false, message: (what: string): string => `Failed to acquire the lock ${what}.` },
  LockErrorT: { exit: 71, trace: true, message: (what: string): string => `Failed to acquire the lock ${what}.` },
  LockFailed: {
    exit: 72,
    trace: true,
    message: (lock: string, reason: string): string => `Failed to create/acquire the lock ${lock} (${reason}).`,
  },
  LockTimeout: {
    exit: 73,
    trace: false,
    message: (what: string): string => `Failed to create/acquire the lock ${what} (timeout).`,
  },
  NotLocked: {
    exit: 74,
    trace: true,
    message: (what: string): string => `Failed to release the lock ${what} (was not locked).`,
  },
  NotMyLock: {
    exit: 75,
    trace: true,
    message: (what: string): string => `Failed to release the lock ${what} (was/is locked, but not by me).`,
  },
  ConnectionClosed: { exit: 80, trace: false, message: (): string => 'Connection closed by remote host.' },
  ConnectionClosedWithHint: {
    exit: 81,
    trace: false,
    message: (what: string): string => `Connection closed by remote host. ${what}`,
  },
  InvalidRPCMethod: { exit: 82, trace: false, message: (what: string): string => `RPC method ${what} is not valid.` },
  PathNotAllowed: { exit: 83, trace: false, message: (what: string): string => `Repository path not allowed: ${what}` },
  'RemoteRepository.RPCServerOutdated': {
    exit: 84,
    trace: false,
    message: (feature: string, version: string): string =>
      `Borg server is too old for ${feature}. Required version ${version}`,
  },
  UnexpectedRPCDataFormatFromClient: {
    exit: 85,
    trace: false,
    message: (what: string): string => `Borg ${what}: Got unexpected RPC data format from client.`,
  },
  UnexpectedRPCDataFormatFromServer: {
    exit: 86,
    trace: false,
    message: (what: string): string => `Got unexpected RPC data format from server:\n${what}`,
  },
  ConnectionBrokenWithHint: {
    exit: 87,
    trace: false,
    message: (what: string): string => `Connection to remote host is broken. ${what}`,
  },
  IntegrityError: { exit: 90, trace: true, message: (what: string): string => `Data integrity error: ${what}` },
  FileIntegrityError: {
    exit: 91,
    trace: true,
    message: (what: string): string => `File failed integrity check: ${what}`,
  },
  DecompressionError: { exit: 92, trace: true, message: (what: string): string => `Decompression error: ${what}` },
  ArchiveTAMInvalid: {
    exit: 95,
    trace: true,
    message: (): string => 'Data integrity error: Archive authentication did not verify',
  },
  ArchiveTAMRequiredError: {
    exit: 96,
    trace: true,
    message: (what: string): string => `Archive '${what}' is unauthenticated, but it is required for this repository.`,
  },
  TAMInvalid: {
    exit: 97,
    trace: true,
    message: (): string => 'Data integrity error: Manifest authentication did not verify',
  },
  TAMRequiredError: {
    exit: 98,
    trace: true,
    message: (): string => 'Manifest is unauthenticated, but it is required for this repository.',
  },
  TAMUnsupportedSuiteError: {
    exit: 99,
    trace: true,
    message: (what: string): string =>
      `Could not verify manifest: Unsupported suite '${what}'; a newer version is needed.`,
  },
} as const satisfies Record<string, ErrorSpec>

export interface WarningSpec {
  /** Exit code under BORG_EXIT_CODES=modern when only this kind occurred; legacy mode maps all to 1. */
  readonly exit: number
  readonly message: (...args: never[]) => string
}

/**
 * Every warning that borg users know by name. `GenericWarning` is any other text that makes the run end with exit code 1.
 * The four file errors take the path, the operation ('open', 'read', 'stat' ...) and Python's text of the system error.
 */
export const warningCatalog = {
  GenericWarning: { exit: 1, message: (text: string): string => text },
  FileChangedWarning: { exit: 100, message: (path: string): string => `${path}: file changed while we backed it up` },
  IncludePatternNeverMatchedWarning: {
    exit: 101,
    message: (pattern: string): string => `Include pattern '${pattern}' never matched.`,
  },
  BackupError: { exit: 102, message: (path: string): string => `${path}: backup error` },
  BackupRaceConditionError: {
    exit: 103,
    message: (path: string): string =>
      `${path}: file type or inode changed while we backed it up (race condition, skipped file)`,
  },
  BackupOSError: {
    exit: 104,
    message: (path: string, operation: string, error: string): string => `${path}: ${operation}: ${error}`,
  },
  BackupPermissionError: {
    exit: 105,
    message: (path: string, operation: string, error: string): string => `${path}: ${operation}: ${error}`,
  },
  BackupIOError: {
    exit: 106,
    message: (path: string, operation: string, error: string): string => `${path}: ${operation}: ${error}`,
  },
  BackupFileNotFoundError: {
    exit: 107,
    message: (path: string, operation: string, error: string): string => `${path}: ${operation}: ${error}`,
  },
  BackupSymlinkParentError: {
    exit: 108,
    message: (path: string): string =>
      `${path}: not extracted, a parent directory is a symlink (malicious or corrupted archive)`,
  },
  BackupPathTraversalError: {
    exit: 109,
    message: (path: string): string => `${path}: not extracted, path contains "../" (malicious or corrupted archive)`,
  },
  BackupHardlinkSourceError: {
    exit: 110,
    message: (path: string): string =>
      `${path}: not extracted, hardlink source path is unsafe (malicious or corrupted archive)`,
  },
} as const satisfies Record<string, WarningSpec>

export type WarningCode = keyof typeof warningCatalog

/** The line borg prints for a warning. */
export function warningMessage(code: WarningCode, args: readonly string[]): string {
  const message = warningCatalog[code].message as (...args: readonly string[]) => string
  return message(...args)
}
