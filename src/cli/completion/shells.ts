/**
 * The shells that can be taught to complete our command lines. Each script is made from the tables of arguments.
 */
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { completionWords } from './words.ts'
import { zshCompletion } from './zsh.ts'

export const completionShells = ['bash', 'zsh', 'fish'] as const
export type CompletionShell = (typeof completionShells)[number]

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

export async function completionScript(shell: CompletionShell): Promise<string> {
  return scripts[shell](await completionWords())
}
