/**
 * What of two outputs is not compared, and why.
 */
import type { Mask } from './parity.ts'

/** Borg up to 1.4.0 counts an archive's metadata as its own; 1.4.5, which we follow, counts content only. */
export const contentOnly: Mask = (line) =>
  line
    .replace(/^(This archive: .*?) +[\d.]+ (?:k|Ki)?B$/, '$1 <SIZE>')
    .replace(/"deduplicated_size": \d+/, '"deduplicated_size": <SIZE>')

/** Borg 1.4.5 says in which folder an archive was made. */
export const workingFolder: Mask = (line) =>
  /^(Working Directory: | *"cwd": )/.test(line) ? undefined : contentOnly(line)

/** As `contentOnly`, for new archives; and their metadata hold the command line, whose length is not ours to choose. */
export const newArchive: Mask = (line) =>
  line
    .replace(/This archive: [^"]*/, 'This archive: <SIZES>')
    .replace(/(All archives: [^"]*?) +[\d.]+ k?B(?="|$)/, '$1 <SIZE>')
    .replace(/"((original|compressed|deduplicated)_size|unique_c?size)": \d+/, '"$1": <SIZE>')
    .replace(/freed about [\d.]+ k?B/, 'freed about <SIZE>')

/** Borg keeps the keys a format asks for in no order. */
export const anyKeyOrder: Mask = (line) =>
  line === ''
    ? line
    : JSON.stringify(Object.entries(JSON.parse(line) as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Borg 1.4.5 tells what prune is going to do; 1.4.0 did not yet. */
export const pruneSummary: Mask = (line) =>
  /^(Repository contains|Applying rules to|Keeping \d+ archives)/.test(line) ? undefined : line

/** Rules that came after 1.4.0. */
export const pruneRules: Mask = (line) =>
  line.replace('"keep-13weekly", "keep-3monthly", or', 'or').replace('", or "', '" or "')

/** Reworded after 1.4.0. */
export const passphraseWrong: Mask = (line) =>
  line.replace('passphrase supplied', 'Passphrase supplied').replace('BORG_PASSCOMMAND or', 'BORG_PASSCOMMAND, or')

/** Pythons up to 3.12 ask for arguments that may be missing. */
export const requiredPath: Mask = (line) => line.replace('ARCHIVE, PATH', 'ARCHIVE')

export const modern = { BORG_EXIT_CODES: 'modern' }
