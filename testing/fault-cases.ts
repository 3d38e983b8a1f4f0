import type { AnnouncementActivities } from '../activities/announcement-types.ts';
import type { ClaudeActivities } from '../activities/claude-types.ts';
import type { Activities } from '../activities/types.ts';

import { COMMAND_SCENARIOS } from './command-scenarios.ts';
import { SCENARIOS } from './crash-scenarios.ts';
import { HUB_FAULTS, type HubUse, POINTS, type Point } from './fault-case.ts';
import { MORE_SCENARIOS } from './more-scenarios.ts';
import { RESTARTED } from './own-servers.ts';

export const ALL_SCENARIOS = { ...SCENARIOS, ...MORE_SCENARIOS, ...COMMAND_SCENARIOS } as const;
export type AnyScenarioName = keyof typeof ALL_SCENARIOS;

type ActivityName = keyof Activities | keyof ClaudeActivities | keyof AnnouncementActivities;

/** What activities ask of ConfigHub. Those that no scenario plays say why, and what of them is tried elsewhere. */
export const ACTIVITIES: Readonly<Record<ActivityName, HubUse | { readonly apart: string }>> = {
  detect: 'reads',
  // What detecting has read a moment ago; where that is longer ago it reads the unit once.
  plan: 'none',
  openChangeSet: 'writes',
  applyUnit: 'writes',
  verify: 'read',
  closeEpisode: 'none',
  removeResidue: 'read',
  openQuestion: 'none',
  confirmDecision: 'none',
  closeQuestion: 'none',
  upgradeUnit: 'writes',
  writeUnit: 'writes',
  identifyPromotion: 'read',
  planPromotion: 'reads',
  listDownstream: 'read',
  record: 'none',
  restoreUnit: 'writes',
  confirm: 'reads',
  recordDrift: 'writes',
  patchRefused: 'read',
  notify: 'none',
  amendQuestion: 'none',
  startCommand: 'none',
  noteCommand: 'none',
  planRollback: 'reads',
  rollBackUnit: 'writes',
  verifyUnit: 'reads',
  selectCorrections: 'reads',
  openCorrection: 'writes',
  correctUnit: 'none',
  selectPromotions: 'reads',
  startAnalysis: 'none',
  analyseEnvironment: 'reads',
  finishAnalysis: 'none',
  preview: { apart: 'reads what would be done; whoever waits for it asks again' },
  findPromotion: { apart: 'reads which question is open' },
  usesClaude: { apart: 'reads the configuration; whoever waits for it asks again' },
  explain: {
    apart: 'advice that decides nothing; e2e/explain.int.test.ts fails Claude, not the worker',
  },
  noteUnexplained: { apart: 'advice that decides nothing; nothing is failed during it' },
  summarize: { apart: 'advice that decides nothing; whoever waits for it asks again' },
  surveyMessages: { apart: 'reads what people should see; nothing is failed during it' },
  groupMessages: {
    apart: 'decides how people are told, not what is done; nothing is failed in it',
  },
  postMessage: {
    apart:
      'killed between post and record: e2e/storm-messages.int.test.ts; lost answers: e2e/announcements.int.test.ts',
  },
};

/** Every activity in the scenario that it is failed in. */
const PLAYED: Readonly<Record<AnyScenarioName, readonly ActivityName[]>> = {
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
  'fix that is confirmed and recorded in a unit': ['confirm', 'recordDrift'],
  'fix whose apply is refused because of the drift': ['patchRefused'],
  'question that is reminded of': ['notify'],
  'question whose author is known late': ['amendQuestion'],
  'rollback of a change set': [
    'startCommand',
    'noteCommand',
    'planRollback',
    'rollBackUnit',
    'verifyUnit',
  ],
  'bulk correction': ['selectCorrections', 'openCorrection', 'correctUnit'],
  'promotion by command': ['selectPromotions'],
  'analysis run': ['startAnalysis', 'analyseEnvironment', 'finishAnalysis'],
};

export const RESTARTS = {
  temporal: 'Temporal restarts',
  postgres: 'Postgres restarts',
  kubernetes: 'the API server restarts',
} as const;

export type FaultName = keyof typeof HUB_FAULTS | (typeof RESTARTS)[keyof typeof RESTARTS];

export type FaultCase = {
  readonly activity: ActivityName;
  readonly hub: HubUse;
  readonly fault: FaultName;
  readonly scenario: AnyScenarioName;
  readonly at: Point;
};

const HUB_FAULT_NAMES = Object.keys(HUB_FAULTS) as (keyof typeof HUB_FAULTS)[];
/** Activities that are drawn for each fault where not all are tried. */
const DRAWN = 3;

const FAULTS: readonly FaultName[] = [
  ...HUB_FAULT_NAMES,
  ...RESTARTED.map((server) => RESTARTS[server]),
];

/** Every fault at every point of every activity; ConfigHub's only where it is asked something. */
export function fullProduct(): readonly FaultCase[] {
  const played = playedActivities();
  return FAULTS.flatMap((fault) =>
    played.flatMap((one) => pointsOf(fault, one.hub).map((at) => ({ fault, ...one, at }))),
  );
}

/** Every activity that is failed, once for each scenario that it is failed in. */
export function playedActivities(): readonly Pick<FaultCase, 'activity' | 'hub' | 'scenario'>[] {
  return Object.entries(PLAYED).flatMap(([scenario, activities]) =>
    activities.map((activity) => {
      const hub = ACTIVITIES[activity];
      if (typeof hub !== 'string') throw new Error(`${activity} is said to be failed elsewhere`);
      return { scenario: scenario as AnyScenarioName, activity, hub };
    }),
  );
}

/** What is tried, as Markdown: how many activities, by fault and point. */
export function faultTable(): string {
  const product = fullProduct();
  const killed = playedActivities().length;
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['Fault', ...POINTS, 'in `npm test`']),
    row(['---', ...POINTS.map(() => '---'), '---']),
    row(['the worker is killed', ...POINTS.map(() => killed), 'all, before and after']),
    ...FAULTS.map((fault) => {
      const ofFault = product.filter((one) => one.fault === fault);
      const counts = POINTS.map((at) => ofFault.filter((one) => one.at === at).length);
      return row([fault, ...counts, `${DRAWN}, drawn`]);
    }),
  ].join('\n');
}

/** A single question to ConfigHub is either not answered, or its answer is lost. */
function pointsOf(fault: FaultName, hub: HubUse): readonly Point[] {
  if (!(fault in HUB_FAULTS)) return POINTS;
  if (hub === 'none') return [];
  return hub === 'read' ? POINTS.filter((at) => at !== 'during') : POINTS;
}

/** Three activities for each fault, each at one of the points. */
export function drawn(seed: number): readonly FaultCase[] {
  const random = randomFrom(seed);
  const byFault = Object.values(Object.groupBy(fullProduct(), (one) => one.fault));
  return byFault.flatMap((cases) => {
    const activities = Object.values(
      Object.groupBy(cases, (one) => `${one.scenario} ${one.activity}`),
    );
    return shuffled(activities, random)
      .slice(0, DRAWN)
      .flatMap((points = []) => shuffled(points, random).slice(0, 1));
  });
}

function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Mulberry32: the same numbers for the same seed, on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
