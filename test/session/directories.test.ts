import { describe, expect, test } from 'vitest'
import { defaultDirectories, type Environment } from '../../src/session/directories.ts'

const home = '/home/ada'

describe('borg directories', () => {
  test.each<[string, Environment, { config: string; cache: string }]>([
    ['nothing set', {}, { config: '/home/ada/.config/borg', cache: '/home/ada/.cache/borg' }],
    ['BORG_BASE_DIR', { BORG_BASE_DIR: '/b' }, { config: '/b/.config/borg', cache: '/b/.cache/borg' }],
    ['XDG', { XDG_CONFIG_HOME: '/x', XDG_CACHE_HOME: '/y' }, { config: '/x/borg', cache: '/y/borg' }],
    [
      'XDG, but the base was moved',
      { XDG_CONFIG_HOME: '/x', XDG_CACHE_HOME: '/y', BORG_BASE_DIR: '/b' },
      { config: '/b/.config/borg', cache: '/b/.cache/borg' },
    ],
    [
      'XDG with an empty base',
      { XDG_CONFIG_HOME: '/x', XDG_CACHE_HOME: '/y', BORG_BASE_DIR: '' },
      { config: '/x/borg', cache: '/y/borg' },
    ],
    [
      'the directories themselves, which win',
      { BORG_CONFIG_DIR: '/c', BORG_CACHE_DIR: '/d', BORG_BASE_DIR: '/b', XDG_CONFIG_HOME: '/x' },
      { config: '/c', cache: '/d' },
    ],
    [
      'empty ones',
      { BORG_CONFIG_DIR: '', XDG_CONFIG_HOME: '' },
      { config: '/home/ada/.config/borg', cache: '/home/ada/.cache/borg' },
    ],
  ])('%s', (_, env, { config, cache }) => {
    expect(defaultDirectories(env, home)).toEqual({
      config,
      cache,
      keys: `${config}/keys`,
      security: `${config}/security`,
      oldKeys: `${env['BORG_BASE_DIR'] || home}/.borg/keys`,
    })
  })

  test('keys and security can lie elsewhere', () => {
    const { keys, security, config, oldKeys } = defaultDirectories(
      { BORG_KEYS_DIR: '/k', BORG_SECURITY_DIR: '/s' },
      home,
    )
    expect(oldKeys).toBeUndefined()
    expect([keys, security, config]).toEqual(['/k', '/s', '/home/ada/.config/borg'])
  })

  test('a key file is absolute, whatever was given', () => {
    expect(defaultDirectories({ BORG_KEY_FILE: 'my.key' }, home).keyFile).toBe(`${process.cwd()}/my.key`)
    expect(defaultDirectories({ BORG_KEY_FILE: '' }, home)).not.toHaveProperty('keyFile')
  })

  test('the home is HOME when there is one', () => {
    expect(defaultDirectories({ HOME: '/home/grace' }).config).toBe('/home/grace/.config/borg')
    expect(defaultDirectories({}).config).toMatch(/^\/.*\.config\/borg$/)
  })
})
