/**
 * A small tree with some of everything, its content told apart by a seed so that nothing deduplicates between trees.
 */
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rawPath, tool } from '../../source/odd-tree.ts'
import { inputBytes } from '../../support/vectors.ts'

const randomSize = 3_000_000

/** Fills `root`, which is made. What this machine cannot make is said and left out. */
export function makeMixedTree(root: string, seed: string): void {
  mkdirSync(join(root, 'folder', 'deeper'), { recursive: true })
  const file = (name: string, content: string | Uint8Array): void => writeFileSync(join(root, name), content)
  file('empty', '')
  file('small', `small ${seed}\n`)
  file('random', inputBytes([{ gen: 'sha256ctr', seed, len: randomSize }]))
  file('zeros', new Uint8Array(2_000_000))
  file('text', `${seed} is what all of this text is about, again and again. `.repeat(5000))
  file('folder/deeper/leaf', `leaf ${seed}`)
  writeFileSync(rawPath(root, Buffer.from([0x6e, 0xff, 0xfe, 0x2e, 0x74])), `not UTF-8 ${seed}`)
  file('sparse', `start ${seed}`)
  truncateSync(join(root, 'sparse'), 3_000_000)
  symlinkSync('folder/deeper', join(root, 'link'))
  file('folder/first-name', `has two names ${seed}`)
  linkSync(join(root, 'folder', 'first-name'), join(root, 'second-name'))
  tool(root, 'mkfifo', ['-m', '0640', 'fifo'])
  tool(root, 'setfattr', ['-n', 'user.colour', '-v', `blue ${seed}`, 'small'])
  tool(root, 'setfattr', ['-n', 'user.empty', 'folder'])
  tool(root, 'setfacl', ['-m', 'u:12345:rw,g:54321:r', 'small'])
  tool(root, 'setfacl', ['-d', '-m', 'u:12345:rwx', 'folder'])
  tool(root, 'touch', ['-d', '1970-01-01T00:00:00.000000001Z', 'empty'])
  tool(root, 'touch', ['-d', '2001-09-09T01:46:40.999999999Z', 'text'])
  tool(root, 'touch', ['-d', '2038-01-17T03:14:06.123456789Z', 'random'])
  tool(root, 'touch', ['-h', '-d', '1999-12-31T23:59:59.5Z', 'link'])
  utimesSync(join(root, 'folder'), 1e9, 1e9)
}
