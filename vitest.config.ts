import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // To notice what hangs, not what is slow: two busy cores take ten times as long as idle ones.
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})
