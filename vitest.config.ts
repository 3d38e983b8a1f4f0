import { defineConfig } from 'vitest/config';

const SLOW = '**/*.int.test.ts';
const NEVER = ['**/node_modules/**', '.realign/**'];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['**/*.test.ts'],
          exclude: [SLOW, ...NEVER],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'int',
          include: [SLOW],
          exclude: NEVER,
          globalSetup: ['testing/global-setup.ts'],
          testTimeout: 90_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
