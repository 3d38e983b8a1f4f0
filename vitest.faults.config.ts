import { defineConfig } from 'vitest/config';

/** `npm run test:faults`: every fault at every point of every activity, of which `npm test` draws a few. */
export default defineConfig({
  test: {
    pool: 'forks',
    // One after the other: both take all of a small machine.
    maxWorkers: 1,
    include: ['e2e/crash.int.test.ts', 'e2e/faults.int.test.ts'],
    globalSetup: ['testing/global-setup.ts'],
    env: { REALIGN_FAULTS: 'all' },
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
