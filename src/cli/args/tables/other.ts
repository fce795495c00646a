/**
 * Commands that are about the program rather than about a repository.
 */
import { commandTable, defaulted, flag, optional, positional } from '../argument.ts'
import { repository } from '../location-argument.ts'
import { BadValue, type ValueType } from '../value-type.ts'
import { text } from '../value-types.ts'

export const helpTable = commandTable({
  name: 'help',
  description: 'Explain a command or a topic (patterns, placeholders, compression).',
  arguments: {
    epilogOnly: flag('--epilog-only', 'only the explanations'),
    usageOnly: flag('--usage-only', 'only how it is called, with its options'),
    topic: optional('TOPIC', text, 'command or topic'),
  },
})

export const versionTable = commandTable({
  name: 'version',
  description: 'Show the versions of client and server.',
  arguments: { location: defaulted('REPOSITORY', repository, '', 'repository whose server to ask') },
})

const shell: ValueType<'bash' | 'zsh' | 'fish'> = {
  name: 'shell',
  parse(word) {
    if (word === 'bash' || word === 'zsh' || word === 'fish') return word
    throw new BadValue()
  },
}

/** Ours: borg brings scripts of its own. */
export const completionTable = commandTable({
  name: 'completion',
  description: 'Print a script that teaches a shell to complete tsborg command lines.',
  arguments: { shell: { ...positional('SHELL', shell, 'bash, zsh or fish'), choices: ['bash', 'zsh', 'fish'] } },
})

export const benchmarkCpuTable = commandTable({
  name: 'benchmark cpu',
  description: 'Measure how fast this machine cuts, hashes, encrypts and compresses.',
  arguments: {},
})

export const benchmarkCrudTable = commandTable({
  name: 'benchmark crud',
  description: 'Measure how fast archives are created, read, updated and deleted.',
  arguments: {
    location: positional('REPOSITORY', repository, 'repository to use'),
    path: positional('PATH', text, 'folder for test data'),
  },
})
