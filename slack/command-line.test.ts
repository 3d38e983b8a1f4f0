import { expect, test } from 'vitest';
import { createRateLimit } from '../api/rate-limit.ts';
import { createLog } from '../lib/log.ts';
import { createSlashCommands } from './command-line.ts';
import { createDoor } from './door.ts';

const unused = () => Promise.reject(new Error('not asked for here'));
const ANN = { user: 'U0ANN', team: 'T0' };

test('whoever types too much is told so, others are answered', async () => {
  let looks = 0;
  const limit = createRateLimit(0.2, () => new Date(0));
  const lookout = {
    async status() {
      looks += 1;
      return { at: '2026-01-01T00:00:00Z', environments: [] };
    },
    ...{ drifts: unused, show: unused, question: unused },
  };
  const door = createDoor({
    desk: { find: unused, viewOf: unused, decide: unused, refuse: unused, groupOf: unused },
    identity: { directory: { team: unused, user: unused }, people: [] },
    ...{ approveOnWeb: [], limit, log: createLog('silent') },
  });
  const { run } = createSlashCommands(lookout, door, limit);
  const type = async (user: string) =>
    (await run({ actor: { ...ANN, user }, text: 'status' })).text;
  expect(await type('U0ANN')).toContain('Everything runs as it is declared');
  expect(await type('U0ANN')).toContain('Everything runs as it is declared');
  expect(await type('U0ANN')).toContain('more than 2 requests in ten seconds');
  expect(looks).toBe(2);
  expect(await type('U0BEN')).toContain('Everything runs as it is declared');
});
