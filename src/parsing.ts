/**
 * The second public face: everything that reads or prints values and needs no engine. Light to load, so that a command
 * line can be parsed, refused or explained before the engine is there. Re-exports only.
 */
export { toHex } from './base/bytes.ts'
export { BorgError, type ErrorCode, isBorgError, systemErrorCode } from './base/errors.ts'
export type { EngineEvent, FilePosition, FileStatus, LogLevel, Question, RunOptions } from './base/events.ts'
export { errorCatalog, type WarningCode, warningCatalog, warningMessage } from './base/error-catalog.ts'
export { type Host, systemHost } from './base/host.ts'
export type { ItemPath, Nanoseconds } from './base/ids.ts'
export { borgVersion, dataSizeMax } from './base/limits.ts'
export { clampItemTime, parseTimestamp } from './base/time.ts'
export { decodeText, encodeText, hasLoneSurrogate, nativePath, printableText } from './base/text.ts'
export {
  type CalendarTime,
  isoWeek,
  itemMicroseconds,
  localTime,
  type Microseconds,
  secondsOnly,
  utcTime,
  wholeMicroseconds,
} from './location/calendar.ts'
export { type FilesCacheMode, parseFilesCacheMode } from './cache/files-cache-mode.ts'
export {
  type ChunkerParams,
  chunkerParamsFields,
  defaultChunkerParams,
  formatChunkerParams,
  parseChunkerParams,
} from './chunker/chunker.ts'
export {
  type CompressionSpec,
  defaultCompression,
  formatCompressionSpec,
  parseCompressionSpec,
} from './compress/spec.ts'
export {
  formatLogLine,
  formatQuestionEnvironmentLine,
  formatQuestionLine,
  type QuestionEvent,
} from './format/log-json.ts'
export {
  PythonFloat,
  pythonFloat,
  type PythonJson,
  type PythonJsonObject,
  pythonString,
  stringifyPython,
} from './format/python-json.ts'
export { isRemoteError, type RemoteError } from './rpc/wire-errors.ts'
export { fixedDecimal, roundDecimal } from './location/exact-decimal.ts'
export {
  absoluteLocation,
  canonicalLocation,
  keyFileName,
  type Location,
  parseArchiveName,
  type ParsedLocation,
  parseLocation,
} from './location/location.ts'
export { formatPercent, formatSize, type SizeStyle } from './location/sizes.ts'
export { systemErrorText } from './base/errno.ts'
export { expandPlaceholders, type PlaceholderOptions } from './location/placeholders.ts'
export {
  fieldNames,
  type FormatPart,
  type FormatValue,
  formatValue,
  parsePythonFormat,
  PythonFormatError,
  pythonRepr,
  renderPythonFormat,
} from './location/python-format.ts'
export { isoSeconds, strftime } from './location/strftime.ts'
export { makeMatcher, type Matcher, type MatcherOptions, type Verdict } from './patterns/matcher.ts'
export { parseExclude, parsePathArgument, parsePatternLine, type PatternLine } from './patterns/parse.ts'
export { parseExcludeFile, parsePatternsFile, type PatternsFile } from './patterns/pattern-file.ts'
export type { Pattern, PatternStyle } from './patterns/pattern.ts'
export { archiveGlob, checkpointSuffix } from './patterns/shell-pattern.ts'
