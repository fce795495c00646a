/**
 * Which help page belongs to which words; shared by `--help`, `help` and usage errors. Loaded only when needed.
 */
import {
  commandHelp,
  type CommandHelpParts,
  groupHelp,
  type HelpSection,
  type HelpStyle,
  mainHelp,
  type NamedSummary,
} from './args/help.ts'
import { UsageError } from './args/usage-error.ts'
import { usageText } from './args/usage.ts'
import { commandSet, findCommand, groups } from './commands.ts'

/** [] is the main help, ['key'] that of a group, others that of a command. */
export async function helpPage(
  words: readonly string[],
  style: HelpStyle,
  parts: Pick<CommandHelpParts, 'only'> = {},
): Promise<string> {
  const [first] = words
  if (first === undefined) return await mainPage(style)
  const group = groups[first]
  if (words.length === 1 && group !== undefined) {
    const { groupTexts } = await import('./help/main.ts')
    return groupHelp(style, first, groupTexts[first] ?? `\n${group}\n`, subcommands(first))
  }
  const name = words.join(' ')
  const { commandTexts } = await import('./help/command-texts.ts')
  return commandHelp(style, await findCommand(name).table(), { ...parts, epilog: commandTexts[name] ?? '' })
}

async function mainPage(style: HelpStyle): Promise<string> {
  const { mainTexts, sectionsOfCommands } = await import('./help/main.ts')
  const { topicSummaries } = await import('./help/topics.ts')
  const sections = sectionsOfCommands.map(
    ({ title, names }): HelpSection => ({ title, commands: names.map((name) => summaryOf(name)) }),
  )
  return mainHelp(style, { sections, topics: topicSummaries, ...mainTexts })
}

/** A topic or a command. @throws UsageError for anything else. */
export async function topicPage(
  topic: string,
  style: HelpStyle,
  parts: Pick<CommandHelpParts, 'only'>,
): Promise<string> {
  const { topicSummaries, topicTexts } = await import('./help/topics.ts')
  const text = topicTexts[topic]
  if (text !== undefined) return text
  if (commandSet.names.includes(topic)) return await helpPage([topic], style, parts)
  const commands = [...commandSet.names].sort().join(', ')
  const topics = topicSummaries.map((summary) => summary.name).join(', ')
  throw new UsageError(
    `No help available on ${topic}.\nTry one of the following:\n    Commands: ${commands}\n    Topics: ${topics}`,
  )
}

/** The block above an error. */
export async function usageBlock(words: readonly string[], { program, columns }: HelpStyle): Promise<string> {
  const isCommand = words.length > 0 && !(words.length === 1 && (words[0] ?? '') in groups)
  const table = isCommand ? await findCommand(words.join(' ')).table() : undefined
  return usageText(program, words, table, columns)
}

function summaryOf(name: string): NamedSummary {
  const group = groups[name]
  return group === undefined ? findCommand(name) : { name, summary: group }
}

function subcommands(group: string): NamedSummary[] {
  return (commandSet.subcommands(group) ?? []).map((name) => ({
    name,
    summary: findCommand(`${group} ${name}`).summary,
  }))
}
