import { afterAll, beforeAll, expect, test } from 'vitest';
import { playCrash } from '../testing/crash-case.ts';
import type { CrashReport } from '../testing/crash-report.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';
import { POINTS } from '../testing/fault-case.ts';
import { ALL_SCENARIOS, playedActivities } from '../testing/fault-cases.ts';

/** Every activity that a scenario runs, once in one of them. In the middle is tried with the full product of faults only. */
const isFull = process.env['REALIGN_FAULTS'] === 'all';
const CASES = playedActivities().flatMap(({ scenario, activity }) =>
  POINTS.filter((at) => isFull || at !== 'during').map((at) => ({ scenario, activity, at })),
);
type Case = (typeof CASES)[number];

/** Each case mostly waits for the killed worker to be missed; each begins with a process that loads everything. */
const CASES_AT_ONCE = 10;
const TIMEOUT_MS = 420_000;

const reports = new Map<Case, PromiseWithResolvers<CrashReport>>();
let stage: CrashStage;
let playing: Promise<unknown>;

beforeAll(async () => {
  stage = await openCrashStage();
  for (const one of CASES) {
    const promise = Promise.withResolvers<CrashReport>();
    promise.promise.catch(() => {});
    reports.set(one, promise);
  }
  const waiting = CASES.entries();
  const play = async () => {
    for (const [index, one] of waiting) {
      const fault = { activity: one.activity, at: one.at, nth: 1 };
      await playCrash(stage, ALL_SCENARIOS[one.scenario], fault, `crash-${index}`).then(
        (report) => reports.get(one)?.resolve(report),
        (error: unknown) => reports.get(one)?.reject(error),
      );
    }
  };
  playing = Promise.all(Array.from({ length: CASES_AT_ONCE }, play));
});

afterAll(async () => {
  await playing;
  await stage.close();
}, TIMEOUT_MS);

test.for(CASES)('$scenario: killed $at $activity', { timeout: TIMEOUT_MS }, async (one) => {
  const report = await reports.get(one)?.promise;
  expect(report).toEqual({ ending: ALL_SCENARIOS[one.scenario].ending, repeated: 1 });
});
