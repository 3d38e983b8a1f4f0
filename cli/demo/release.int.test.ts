import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { DEMO_STORY, storyLines } from '../../testing/demo-story.ts';
import { type RunningCommand, startCommand } from '../../testing/running-command.ts';

// The story of the demo on today's generation of ConfigHub's API, where whole spaces are released.

const REALIGN = fileURLToPath(new URL('../../bin/realign', import.meta.url));
const TIMEOUT_MS = 240_000;
let demo: RunningCommand | undefined;

afterEach(async () => {
  await demo?.kill();
});

test(
  'the demo tells the same story in the release dialect',
  async () => {
    const args = ['demo', '--once', '--dialect', 'release'];
    demo = startCommand(REALIGN, args, { cwd: process.cwd(), env: process.env });
    expect(await demo.ended, demo.stderr()).toBe(0);
    const { ok, drifts } = JSON.parse(demo.stdout());
    expect(ok).toBe(true);
    expect(storyLines(drifts)).toEqual(DEMO_STORY);
  },
  TIMEOUT_MS,
);
