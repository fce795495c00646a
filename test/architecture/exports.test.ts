/**
 * The public surface, name by name. A difference here is a decision: a new name is a promise to keep, a lost one breaks
 * somebody. Change the list in the commit that changes the face, with a line in CHANGELOG.md when it is released.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sourceRoot } from './house.ts'

interface Face {
  readonly values: readonly string[]
  readonly types: readonly string[]
}

// A name a line, so that two people can add one each.
const golden: Readonly<Record<string, Face>> = {
  'index.ts': {
    values: words(`
      BorgError
      LocalStore
      archiveInfo
      archiveItemChunks
      archiveTams
      authenticateArchives
      benchmarkKernels
      breakLocks
      browseArchives
      changePassphrase
      checkArchives
      checkRepository
      classify
      compactRepository
      connectRepository
      contentDigest
      contentId
      createArchive
      defaultDirectories
      deleteArchives
      deleteCache
      deleteRepository
      deleteStoredObject
      diffArchives
      disableTam
      exportKey
      exportRelatedSecrets
      extractArchive
      exportTar
      importTar
      findArchive
      forgetArchives
      idKey
      importKey
      importPaperKey
      initRepository
      isBorgError
      isDamaged
      isIntegrityError
      isRemoteError
      itemSize
      listArchives
      listItems
      loadManifest
      localKeyFiles
      loggedObjects
      manifestId
      migrateToRepokey
      modes
      mountArchives
      noFuseSupport
      objectIdFromHex
      openArchive
      openCacheSettings
      openNodeFileSystem
      openRepository
      openSettings
      parseRelatedSecrets
      plainObjects
      planPrune
      previewArchive
      pruneArchives
      rawArchive
      rawManifest
      recreateAllArchives
      recreateArchive
      renameArchive
      repositoryHints
      requireModernFormat
      requireMountPoint
      requireTam
      searchObjects
      separatedPaths
      serverVersion
      serveArchives
      sortDifferences
      startCommand
      startCommandInto
      systemHost
      tamStatus
      unlock
      warningMessage
      withLock
    `),
    types: words(`
      ArchiveDirectory
      ArchiveEntry
      ArchiveInfo
      ArchiveMetadata
      ArchiveReader
      ArchiveSelection
      ArchiveSortKey
      ArchiveTam
      ArchiveTotals
      AuthenticateArchivesOptions
      BenchmarkKernelsOptions
      BrowseOptions
      Cache
      CacheOptions
      CacheStatistics
      CheckArchivesOptions
      CheckRepositoryOptions
      ChunkRef
      CommandInput
      CommandOutput
      CompactOptions
      ConnectOptions
      CreateOptions
      CreateResult
      DeleteOptions
      DeleteResult
      DiffChange
      DiffKind
      DiffOptions
      DiffSortField
      DiffSortKey
      Directories
      EngineEvent
      ErrorCode
      ExtractOptions
      ExportTarOptions
      ImportTarOptions
      ExtractResult
      FilePosition
      FileStatus
      FileSystem
      FilesCacheMode
      Finding
      Hints
      Host
      InitOptions
      InitResult
      Item
      ItemPath
      ItemShape
      KernelMeasurement
      KeyExportFormat
      KeyFiles
      KeyMaterial
      KeyMode
      ListItemsOptions
      LogPart
      LoggedObject
      MissingFeature
      ModeSpec
      MountOptions
      MountedFolder
      NamedNode
      Nanoseconds
      NewArchiveOptions
      NodeAttributes
      NodeFileSystemOptions
      ObjectId
      OpenOptions
      Owner
      PaperDialogue
      PassphraseSource
      PathDifference
      PlainObject
      PruneResult
      PruneRules
      Question
      RawArchive
      ReadItemsOptions
      ReadOnlyTree
      ReadSession
      Recompress
      RecreateAllOptions
      RecreateOneOptions
      RecreateOptions
      RecreateResult
      RecreatedArchive
      RelatedSecrets
      RemoteOptions
      Repository
      RepositoryReader
      RepositoryTarget
      RetentionRule
      RetentionVerdict
      RunOptions
      ServeArchivesOptions
      ServedTree
      Settings
      SourceOptions
      Statistics
      Store
      StorePath
      StreamContent
      TamChange
      TamStatus
      Transport
      UnlockOptions
      Unlocked
      Unpacked
      UnpackedMap
      WarningCode
      WriteSession
    `),
  },
  'stores.ts': {
    values: words(`
      CachingStore
      LineRates
      RcloneStore
      RetryingStore
      S3Store
      ThrottledStore
    `),
    types: words(`
      CachingOptions
      RcloneOptions
      RclonePlace
      RetryOptions
      S3Credentials
      S3StoreOptions
      ThrottleOptions
    `),
  },
  'serving.ts': {
    values: ['serve'],
    types: ['ServePolicy', 'ServeStreams'],
  },
  'parsing.ts': {
    values: words(`
      BorgError
      PythonFloat
      PythonFormatError
      absoluteLocation
      archiveGlob
      borgVersion
      canonicalLocation
      checkpointSuffix
      chunkerParamsFields
      clampItemTime
      dataSizeMax
      decodeText
      defaultChunkerParams
      defaultCompression
      encodeText
      errorCatalog
      expandPlaceholders
      fieldNames
      fixedDecimal
      formatChunkerParams
      formatCompressionSpec
      formatLogLine
      formatPercent
      formatQuestionEnvironmentLine
      formatQuestionLine
      formatSize
      formatValue
      hasLoneSurrogate
      nativePath
      isBorgError
      isRemoteError
      isoSeconds
      isoWeek
      itemMicroseconds
      keyFileName
      localTime
      makeMatcher
      parseArchiveName
      parseChunkerParams
      parseCompressionSpec
      parseExclude
      parseExcludeFile
      parseFilesCacheMode
      parseLocation
      parsePathArgument
      parsePatternLine
      parsePatternsFile
      parsePythonFormat
      parseTimestamp
      printableText
      pythonFloat
      pythonRepr
      pythonString
      renderPythonFormat
      roundDecimal
      secondsOnly
      strftime
      stringifyPython
      systemErrorCode
      systemErrorText
      systemHost
      toHex
      utcTime
      warningCatalog
      warningMessage
      wholeMicroseconds
    `),
    types: words(`
      CalendarTime
      ChunkerParams
      CompressionSpec
      EngineEvent
      ErrorCode
      FilePosition
      FileStatus
      FilesCacheMode
      FormatPart
      FormatValue
      Host
      ItemPath
      Location
      LogLevel
      Matcher
      MatcherOptions
      Microseconds
      Nanoseconds
      ParsedLocation
      Pattern
      PatternLine
      PatternStyle
      PatternsFile
      PlaceholderOptions
      PythonJson
      PythonJsonObject
      Question
      QuestionEvent
      RemoteError
      RunOptions
      SizeStyle
      Verdict
      WarningCode
    `),
  },
  'testing.ts': {
    values: words(`
      MemoryStore
      storeContract
    `),
    types: words(`
      ContractCase
      ContractOptions
    `),
  },
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/).sort()
}

/** What a list of re-exports gives away; anything else in the file is refused. */
function surfaceOf(text: string): Face {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const lists = /export (type )?\{([^}]*)\} from '[^']+';?/g
  const rest = code.replaceAll(lists, '').trim()
  if (rest !== '') throw new Error(`more than re-exports: ${rest}`)
  const values: string[] = []
  const types: string[] = []
  for (const [, allTypes, list] of code.matchAll(lists)) {
    for (const entry of (list ?? '').split(',').map((part) => part.trim())) {
      if (entry === '') continue
      const name =
        entry
          .replace(/^type /, '')
          .split(' as ')
          .at(-1) ?? ''
      const kind = allTypes !== undefined || entry.startsWith('type ') ? types : values
      kind.push(name)
    }
  }
  return { values: values.sort(), types: types.sort() }
}

describe('the public surface', () => {
  test.each(Object.keys(golden))('%s exports these names, and no others', (file) => {
    expect(surfaceOf(readFileSync(join(sourceRoot, file), 'utf8'))).toEqual(golden[file])
  })

  test.each(Object.keys(golden))('%s, loaded, has these values', async (file) => {
    const face = (await import(join(sourceRoot, file))) as object
    expect(Object.keys(face).sort()).toEqual(golden[file]?.values)
  })

  test('the check sees a star, and a declaration', () => {
    expect(() => surfaceOf("export * from './a.ts'")).toThrow('more than re-exports')
    expect(() => surfaceOf('export const a = 1')).toThrow('more than re-exports')
    expect(surfaceOf("export { a, type B as C } from './a.ts'")).toEqual({ values: ['a'], types: ['C'] })
  })
})
