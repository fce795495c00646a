import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { EngineEvent } from '../../src/base/events.ts'
import { followRemoteLog, remoteEvent } from '../../src/rpc/remote-log.ts'

test('records of a server keep level and logger, and say where they come from', () => {
  const line =
    '{"type": "log_message", "time": 1.5, "message": "Starting repository check", "levelname": "INFO", "name": "borg.repository", "msgid": "x"}'
  expect(remoteEvent(line)).toEqual({
    type: 'log',
    level: 'info',
    logger: 'borg.repository',
    message: 'Remote: Starting repository check',
    msgid: 'x',
  })
  const percent =
    '{"message": "Checking segments 0.0%", "current": 1, "total": 2, "info": null, "operation": 1, "msgid": "repository.check", "type": "progress_percent", "finished": false, "time": 1}'
  expect(remoteEvent(percent)).toMatchObject({ type: 'progress_percent', message: 'Remote: Checking segments 0.0%' })
  const end = '{"operation": 1, "msgid": "repository.check", "type": "progress_percent", "finished": true, "time": 1}'
  expect(remoteEvent(end)).toMatchObject({ type: 'progress_percent', message: '', finished: true })
})

test('lines of old servers, with and without a logger', () => {
  expect(remoteEvent('$LOG WARNING borg.repository Remote: a b')).toEqual({
    type: 'log',
    level: 'warning',
    logger: 'borg.repository',
    message: 'Remote: a b',
  })
  expect(remoteEvent('$LOG INFO Remote: a: Remote: b')).toMatchObject({
    level: 'info',
    message: 'Remote: a: Remote: b',
  })
})

test('whatever is no record is told as it is', () => {
  for (const line of ['Warning: Permanently added host', '{not json', '$LOG', '', '$LOG INFO other text']) {
    expect(remoteEvent(line)).toEqual({ type: 'log', level: 'warning', logger: 'root', message: `Remote: ${line}` })
  }
  expect(remoteEvent('{"type": "dance", "x": 1}')).toMatchObject({
    level: 'warning',
    message: `Dropped remote log message with unknown type 'dance': {"type": "dance", "x": 1}`,
  })
})

test('lines end with a newline, a return or both, wherever the pieces are cut', async () => {
  const bytes = Buffer.from('one\ntwo\rthree\r\n\nfünf\r\nsix')
  for (let size = 1; size <= bytes.length; size++) {
    const log = new PassThrough()
    const lines: string[] = []
    const done = followRemoteLog(log, {
      onEvent: (event: EngineEvent) => lines.push('message' in event ? event.message : ''),
    })
    for (let at = 0; at < bytes.length; at += size) log.write(bytes.subarray(at, at + size))
    log.end()
    await done
    expect(lines).toEqual(['one', 'two', 'three', '', 'fünf', 'six'].map((line) => `Remote: ${line}`))
  }
})
