import { afterAll, beforeAll, expect, test } from 'vitest';
import { playCrash } from '../testing/crash-case.ts';
import type { CrashReport } from '../testing/crash-report.ts';
import { SCENARIOS, type ScenarioName } from '../testing/crash-scenarios.ts';
import { type CrashStage, openCrashStage } from '../testing/crash-stage.ts';

/** Every activity that a scenario runs, once in one of them; `#2` is its second execution there. */
const KILLED: Readonly<Record<ScenarioName, readonly string[]>> = {
  'automatic fix': ['detect', 'plan', 'openChangeSet', 'applyUnit', 'verify', 'closeEpisode'],
  'automatic fix that leaves residue': ['removeResidue'],
  'approved fix with upgrade': ['openQuestion', 'confirmDecision', 'closeQuestion', 'upgradeUnit'],
  'accepted drift, pushed downstream': [
    'writeUnit',
    'upgradeUnit',
    'identifyPromotion',
    'planPromotion',
    'listDownstream',
  ],
  'rejected fix': ['record'],
  'fix that fails and is rolled back': ['restoreUnit'],
};

const CASES = Object.entries(KILLED).flatMap(([scenario, activities]) =>
  activities.flatMap((activity) =>
    (['before', 'after'] as const).map((at) => ({
      scenario: scenario as ScenarioName,
      activity,
      at,
    })),
  ),
);
type Case = (typeof CASES)[number];

/** Each case mostly waits for the killed worker to be missed; each begins with a process that loads everything. */
const CASES_AT_ONCE = 10;
const TIMEOUT_MS = 300_000;

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
      const [activity = '', nth = '1'] = one.activity.split('#');
      const fault = { activity, at: one.at, nth: Number(nth) };
      await playCrash(stage, SCENARIOS[one.scenario], fault, `crash-${index}`).then(
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
  expect(report).toEqual({ ending: SCENARIOS[one.scenario].ending, repeated: 1 });
});
