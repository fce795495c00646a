/**
 * borg's constants: sizes, counts, defaults. Source: borg 1.4 behaviour, format sheets in fixtures/.
 */

/** Largest segment entry, header included, in bytes. */
export const objectSizeMax = 20 * 1024 * 1024
/** Largest stored object (entry less its 41 header bytes). */
export const dataSizeMax = objectSizeMax - 41
export const segmentSizeMaxDefault = 500 * 1024 * 1024
/** `max_segment_size` in a repository's config must stay below this: offsets are uint32. */
export const segmentSizeMaxLimit = 2 ** 32 - objectSizeMax
export const segmentsPerFolderDefault = 1000
/** Largest value of the first word of a hash index entry; above it lie the markers. */
export const indexValueMax = 2 ** 32 - 1025
/** Item times are stored within 0 .. this: 2^31 - 1 seconds less 48 hours. */
export const itemTimeMaxNanoseconds = 2_147_310_847_000_000_000n
export const archivesMax = 400_000
export const archiveNameLengthMax = 255
/** Ids asked for in one `list` or `scan` call. */
export const listBatch = 100_000
/** AES blocks reserved ahead at a time. */
export const nonceReservationBlocks = 2n ** 28n
export const pbkdf2Iterations = 100_000
export const checkpointIntervalSeconds = 1800
export const lockWaitSecondsDefault = 1
export const filesCacheAgeMax = 20
export const compactThresholdDefault = 0.1
/** Umask borg applies to everything it creates in a repository. */
export const umaskDefault = 0o077
/** What this program announces to clients and servers that gate features on borg's version. */
export const borgVersion = '1.4.5'
