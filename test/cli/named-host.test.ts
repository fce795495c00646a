/**
 * BORG_HOST_ID: which machine we are.
 */
import { expect, test } from 'vitest'
import { namedHost } from '../../src/cli/named-host.ts'
import { FakeHost } from '../support/fake-host.ts'

test('processes of the named machine are looked for here, all others are taken to live', () => {
  const machine = new FakeHost()
  machine.dead.add(17)
  const host = namedHost(machine, 'elsewhere@2')

  expect(host.hostId).toBe('elsewhere@2')
  expect(host.isProcessAlive('elsewhere@2', 17)).toBe(false)
  expect(host.isProcessAlive('elsewhere@2', 18)).toBe(true)
  expect(host.isProcessAlive(machine.hostId, 17)).toBe(true)
})

test('everything else is the machine itself', () => {
  const machine = new FakeHost()
  const host = namedHost(machine, 'elsewhere@2')

  expect([host.hostname, host.fqdn, host.username, host.processId]).toEqual([
    machine.hostname,
    machine.fqdn,
    machine.username,
    machine.processId,
  ])
  expect(host.now()).toBeLessThan(machine.now())
  expect(host.randomBytes(3)).toHaveLength(3)
})

test.each([undefined, ''])('without a name (%j) it is the machine under its own id', (hostId) => {
  const machine = new FakeHost()
  expect(namedHost(machine, hostId)).toBe(machine)
})
