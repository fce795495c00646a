/**
 * Help that is complete, fits a terminal, and whose examples work.
 */
import { describe, expect, test } from 'vitest'
import { errorCatalog, warningCatalog } from '../../src/base/error-catalog.ts'
import { commandEntries, commandSet, groups } from '../../src/cli/commands.ts'
import { commandTexts } from '../../src/cli/help/command-texts.ts'
import { mainTexts, sectionsOfCommands } from '../../src/cli/help/main.ts'
import { topicSummaries, topicTexts } from '../../src/cli/help/topics.ts'
import { run } from '../../src/cli/main.ts'
import { splitShellWords } from '../../src/cli/shell-words.ts'
import { fakeProcess } from './fake-process.ts'

const names = commandEntries.map(({ name }) => name)
const topics = topicSummaries.map(({ name }) => name)

async function page(...argv: string[]): Promise<string> {
  const io = fakeProcess()
  expect({ code: await run(argv, io), err: io.err }).toEqual({ code: 0, err: '' })
  return io.out
}

describe('every command is explained', () => {
  test('and nothing else', () => {
    expect(Object.keys(commandTexts).sort()).toEqual([...names].sort())
  })
  test.each(names)('%s: at length, with examples, at the end of its page', async (name) => {
    const text = commandTexts[name] ?? ''
    const [explanation = '', examples = ''] = text.split('\nExamples:\n')

    expect(text).toMatch(/^\n\S[\s\S]*\n$/)
    expect(explanation.trim().split(' ').length).toBeGreaterThan(20)
    expect(examples).toMatch(new RegExp(`^ {2}(?:.* )?tsborg ${name}\\b`, 'm'))
    expect((await page(...name.split(' '), '--help')).endsWith(text)).toBe(true)
  })
  test.each(names)('%s: every option and place is in the usage and in the list', async (name) => {
    const table = await commandSet.loadTable(name)
    const whole = await page(...name.split(' '), '--help')
    const [usage = '', rest = ''] = whole.split('\n\n', 2).length > 1 ? splitOnce(whole) : [whole]

    for (const argument of Object.values(table.arguments)) {
      if (argument.positional && argument.arity !== 'rest') expect(usage).toContain(argument.metavar)
      for (const { options, help } of argument.spellings) {
        if (help === 'old spelling') continue
        expect(help, options.join()).not.toBe('')
        expect(usage).toMatch(new RegExp(`[[ ]${options[0]}[\\] ]`))
        for (const option of options) expect(rest).toMatch(new RegExp(`^  .*${option}\\b`, 'm'))
      }
    }
  })
})

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('\n\n')
  return [text.slice(0, at), text.slice(at)]
}

describe('topics', () => {
  test('have a summary and a text each', () => {
    expect(Object.keys(topicTexts).sort()).toEqual([...topics].sort())
    expect([...topics].sort()).toEqual(topics)
  })
  test('"exit-codes" names every code that borg has', async () => {
    const text = await page('help', 'exit-codes')
    const spans = [...text.matchAll(/(\d+)-(\d+)/g)].map(([, from, to]) => [Number(from), Number(to)] as const)
    const named = new Set([...text.matchAll(/\b\d+\b/g)].map(([number]) => Number(number)))

    for (const code of Object.values({ ...errorCatalog, ...warningCatalog }).map(({ exit }) => exit)) {
      expect(named.has(code) || spans.some(([from, to]) => from <= code && code <= to), `exit code ${code}`).toBe(true)
    }
  })
})

test('the main help groups all commands', async () => {
  const main = await page('--help')

  expect(sectionsOfCommands.flatMap((section) => section.names).sort()).toEqual([...commandSet.names].sort())
  for (const name of [...commandSet.names, ...topics]) expect(main).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(main).toContain('Borg')
})

describe('80 columns are enough for', () => {
  const pages = [[], ...names.map((name) => name.split(' ')), ...Object.keys(groups).map((group) => [group])]

  test.each(
    [...pages.map((words) => [...words, '--help']), ...topics.map((topic) => ['help', topic])].map((argv) => ({
      argv,
    })),
  )('$argv', async ({ argv }) => {
    const lines = (await page(...argv)).split('\n')

    expect(lines.filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([])
    expect(lines.filter((line, at) => line === '' && lines[at - 1] === '')).toEqual([])
  })
})

/** Our own words in a line for a shell: what stands behind 'tsborg', up to where the shell's business begins. */
function examplesOf(text: string): string[][] {
  const lines = text.replaceAll('\\\n', ' ').split('\n')
  return lines.flatMap((line) => {
    if (!/^ {2}\S/.test(line)) return []
    const commands = line.split(/ (?:\||&&|>) /).map((part) => splitWords(part.trim()))
    return commands.flatMap((words) => {
      const at = words.indexOf('tsborg')
      return at >= 0 && words.slice(0, at).every((word) => word.includes('=')) ? [words.slice(at + 1)] : []
    })
  })
}

function splitWords(part: string): string[] {
  return part.includes('tsborg') && !part.startsWith('command=') ? splitShellWords(part) : []
}

describe('examples are command lines that work:', () => {
  const texts = { ...commandTexts, ...topicTexts, 'main help': mainTexts.ending }
  const found = Object.entries(texts).flatMap(([of, text]) => examplesOf(text).map((argv) => ({ of, argv })))

  test('there are many', () => {
    expect(found.length).toBeGreaterThan(100)
    expect(new Set(found.map(({ of }) => of)).size).toBe(Object.keys(texts).length)
  })
  test.each(found)('$argv', async ({ argv }) => {
    const io = fakeProcess({
      env: { BORG_REPO: '/backup/repo' },
      files: { 'rules.txt': 'R /home\n- re:\\.(tmp|bak)$\n' },
    })
    let reached: string | undefined
    const find = (name: string) => ({
      load: async () => ({
        table: await commandSet.loadTable(name),
        async run() {
          reached = name
          return undefined
        },
      }),
    })

    const code = await run(argv, io, { set: commandSet, find })

    expect({ code, err: io.err.replace(/^terminating with .*\n/, '') }).toEqual({ code: 0, err: '' })
    expect(argv.join(' ')).toContain(reached)
  })
})
