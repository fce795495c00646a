/**
 * `tsborg help TOPIC`: in our words, at most 80 columns wide.
 */
import type { NamedSummary } from '../args/help.ts'
import { formatTopics } from './format-topics.ts'
import { settingTopics } from './setting-topics.ts'

export const topicSummaries: readonly NamedSummary[] = [
  { name: 'compression', summary: 'what -C/--compression understands' },
  { name: 'environment', summary: 'variables that are read' },
  { name: 'exit-codes', summary: 'what the exit code tells' },
  { name: 'formats', summary: 'keys for "tsborg list --format"' },
  { name: 'patterns', summary: 'how to say which paths are meant' },
  { name: 'placeholders', summary: 'names that are filled in: {hostname}, {now} ...' },
]

export const topicTexts: Readonly<Record<string, string>> = { ...formatTopics, ...settingTopics }
