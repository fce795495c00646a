import { describe, expect, test } from 'vitest'
import { BorgError } from '../../src/base/errors.ts'
import { nanoseconds } from '../../src/base/ids.ts'
import { encodeText } from '../../src/base/text.ts'
import { openNodeFileSystem } from '../../src/platform/node-file-system.ts'
import { separatedPaths, startCommand } from '../../src/source/command-output.ts'
import { stdinItem } from '../../src/source/stdin.ts'

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of output) parts.push(part)
  return Buffer.concat(parts).toString()
}

describe('a command', () => {
  test('gives its output and ends well with exit code 0', async () => {
    await using command = await startCommand(['printf', '%s|', 'a b', '$HOME', '*'])
    expect(await textOf(command.output)).toBe('a b|$HOME|*|')
    await command.finish()
  })

  test.each([
    [['sh', '-c', 'exit 73'], "Command Error: Command 'sh' exited with status 73"],
    [['sh', '-c', 'kill -TERM $$'], "Command Error: Command 'sh' exited with status -15"],
    [['sh', '-c', 'exit 127'], "Command Error: Command 'sh' exited with status 127"],
  ])('%j fails as borg says it', async (words, message) => {
    await using command = await startCommand(words)
    await textOf(command.output)
    await expect(command.finish()).rejects.toThrow(message)
  })

  test.each([
    ['no-such-command-here', "[Errno 2] No such file or directory: 'no-such-command-here'"],
    ['/no/such/command', "[Errno 2] No such file or directory: '/no/such/command'"],
    ['/etc/passwd', "[Errno 13] Permission denied: '/etc/passwd'"],
  ])('%s cannot be started', async (program, reason) => {
    await expect(startCommand([program])).rejects.toThrow(`Command Error: Failed to execute command: ${reason}`)
  })

  test('survives the ^C that asks us for a checkpoint', async () => {
    await using command = await startCommand(['sh', '-c', 'kill -INT $$; echo still here'])
    expect(await textOf(command.output)).toBe('still here\n')
    await command.finish()
  })

  test('sees only the environment it is given', async () => {
    await using command = await startCommand(['sh', '-c', 'echo "$A-$HOME"'], { environment: { A: 'b', PATH: '/bin' } })
    expect(await textOf(command.output)).toBe('b-\n')
  })

  test('is stopped when nobody wants the rest', async () => {
    const start = performance.now()
    {
      await using command = await startCommand(['sleep', '600'])
      void command
    }
    expect(performance.now() - start).toBeLessThan(30_000)
  })
})

describe('lists of paths', () => {
  async function pathsIn(parts: readonly string[], delimiter: string): Promise<readonly string[]> {
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (const part of parts) yield encodeText(part)
    }
    const paths: string[] = []
    for await (const path of separatedPaths(stream(), encodeText(delimiter))) paths.push(path)
    return paths
  }

  test.each<[string, readonly string[], string, readonly string[]]>([
    ['the last needs no delimiter', ['a\nb'], '\n', ['a', 'b']],
    ['an empty last one is none, an empty one between is', ['a\n\nb\n'], '\n', ['a', '', 'b']],
    ['cut anywhere', ['a', 'a\n', 'b', '', 'b\ncc'], '\n', ['aa', 'bb', 'cc']],
    ['NUL', ['a\nb\0c'], '\0', ['a\nb', 'c']],
    ['several bytes, cut in the middle', ['a-', '-b--', '-c'], '--', ['a', 'b', '-c']],
    ['bytes that are no UTF-8', ['\udcff\n'], '\n', ['\udcff']],
    ['nothing', [], '\n', []],
  ])('%s', async (_, parts, delimiter, paths) => {
    expect(await pathsIn(parts, delimiter)).toEqual(paths)
  })
})

describe('the item of standard input', () => {
  const files = openNodeFileSystem()
  const now = nanoseconds(1_795_573_760_123_456_789n)
  const second = 1_795_573_760_000_000_000n

  test('is what borg makes of it by default', () => {
    expect(stdinItem(files, {}, now)).toEqual({
      path: 'stdin',
      mode: 0o100660,
      uid: 0,
      gid: 0,
      user: 'root',
      group: files.groupName(0) ?? null,
      modified: second,
      accessed: second,
      changed: second,
      hardlinkMaster: false,
    })
  })

  test('takes name, mode and owner; the path is made relative', () => {
    const item = stdinItem(files, { name: '/a/b', mode: 0o644, user: 'daemon', group: 'daemon' }, now)
    expect(item).toMatchObject({ path: 'a/b', mode: 0o100644, uid: files.userId('daemon'), user: 'daemon' })
  })

  test('knows nobody who is not there', () => {
    expect(() => stdinItem(files, { user: 'nobody at all' }, now)).toThrow(
      new BorgError('Error', ['no such user: nobody at all']),
    )
    expect(() => stdinItem(files, { group: 'no group' }, now)).toThrow('Error: no such group: no group')
  })
})

test('output that nobody reads before the command has ended is still there', async () => {
  await using command = await startCommand(['sh', '-c', 'echo hello'])
  // Long enough for the command to be gone: Node used to throw its output away then.
  await new Promise((resolve) => setTimeout(resolve, 300))

  const parts: Uint8Array[] = []
  for await (const part of command.output) parts.push(part)

  expect(Buffer.concat(parts).toString()).toBe('hello\n')
})
