import type { Unit } from '../clients/confighub/index.ts';
import type { JsonPatchOperation } from '../clients/kubernetes/index.ts';
import type { Decision, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { Parts } from '../workers/parts.ts';
import type { CrashStage, Place } from './crash-stage.ts';

/** What a scenario leaves behind, whatever was killed on the way. Units are named by their place. */
export type Ending = {
  readonly outcome: string;
  /** The ConfigMap's data in the cluster and in ConfigHub. */
  readonly live: Readonly<Partial<Record<Place, Data>>>;
  /** Applies that ConfigHub was asked for after the drift. */
  readonly applies: Readonly<Partial<Record<Place, number>>>;
  readonly revisions: Readonly<Partial<Record<Place, number>>>;
  readonly changeSets: number;
  readonly questions: readonly { readonly status: string; readonly decisions: readonly string[] }[];
  /** Steps of the episode that were recorded as done, by name. */
  readonly steps: readonly string[];
  /** Steps whose last recorded attempt is not done. */
  readonly unfinished: readonly string[];
};
export type Data = Readonly<Record<string, string>>;

/** A command's runs, and how the first of them ended, once all have. */
export type StartedRun = { readonly runIds: readonly string[]; ended(): Promise<string> };

export type Scenario = {
  readonly residue: 'report' | 'patch';
  /** More sections of the configuration. */
  readonly sections?: object;
  /** Where the drift is made. */
  readonly place: Place;
  /** Installs what the scenario needs; answers the units whose ends are looked at. */
  prepare(stage: CrashStage, name: string): Promise<Readonly<Partial<Record<Place, Unit>>>>;
  /** The edit by hand; absent = there is none. */
  readonly drift?: readonly JsonPatchOperation[];
  /** What a person starts instead of waiting for a watcher to see the drift. */
  readonly command?: (stage: CrashStage, parts: Parts, name: string) => Promise<StartedRun>;
  /** Answers to the questions, in the order in which they are asked. */
  readonly answers: readonly Decision[];
  /** What else happens while somebody is asked, before the answer. */
  readonly meanwhile?: (parts: Parts, question: Question, ref: ResourceRef) => Promise<void>;
  /** The run stays with a drift that it did not remove: somebody undoes it by hand in the end. */
  readonly undoneByHand?: true;
  /** What is waited for beside the workflows' ends. */
  readonly settled?: (stage: CrashStage, ref: ResourceRef) => Promise<void>;
  readonly promotes?: Place;
  readonly ending: Ending;
};

export const CALM = { mode: 'calm' };
const WILD = { mode: 'wild' };
export const EDIT = [{ op: 'add', path: '/data/mode', value: 'wild' }] as const;
export const FIX = ['openChangeSet', 'applyUnit'] as const;
export const ASK = ['detect', 'plan', 'openQuestion', 'confirmDecision', 'closeQuestion'] as const;

export const SCENARIOS = {
  'automatic fix': {
    residue: 'report',
    place: 'auto',
    prepare: async (stage, name) => ({ auto: await stage.install('auto', name, CALM) }),
    drift: EDIT,
    answers: [],
    ending: {
      outcome: 'fixed',
      live: { auto: CALM },
      applies: { auto: 1 },
      revisions: { auto: 1 },
      changeSets: 1,
      questions: [],
      steps: done('detect', 'plan', ...FIX, 'verify', 'closeEpisode'),
      unfinished: [],
    },
  },
  'automatic fix that leaves residue': {
    residue: 'patch',
    place: 'auto',
    prepare: async (stage, name) => ({ auto: await stage.install('auto', name, CALM) }),
    drift: [{ op: 'add', path: '/data/extra', value: 'by hand' }],
    answers: [],
    ending: {
      outcome: 'fixed',
      live: { auto: CALM },
      applies: { auto: 1 },
      revisions: { auto: 1 },
      changeSets: 1,
      questions: [],
      steps: done('detect', 'plan', ...FIX, 'verify', 'removeResidue', 'verify', 'closeEpisode'),
      unfinished: [],
    },
  },
  'approved fix with upgrade': {
    residue: 'report',
    place: 'asked',
    prepare: (stage, name) => behindUpstream(stage, name, { mode: 'calm', level: '2' }),
    drift: EDIT,
    answers: ['approve'],
    ending: {
      outcome: 'fixed',
      live: { asked: { mode: 'calm', level: '2' } },
      applies: { asked: 1 },
      revisions: { asked: 2, base: 2 },
      changeSets: 1,
      questions: [{ status: 'approved', decisions: ['approve taken'] }],
      steps: done(
        ...ASK,
        'detect',
        'plan',
        'openChangeSet',
        'upgradeUnit',
        'applyUnit',
        'verify',
        'closeEpisode',
      ),
      unfinished: [],
    },
  },
  'accepted drift, pushed downstream': {
    residue: 'report',
    place: 'home',
    prepare: async (stage, name) => {
      const home = await stage.install('home', name, CALM);
      const [near, far] = [await stage.clone(home, 'near'), await stage.clone(home, 'far')];
      return { home, near, far };
    },
    drift: EDIT,
    answers: ['accept', 'approve'],
    promotes: 'far',
    ending: {
      outcome: 'accepted',
      live: { home: WILD, near: WILD, far: WILD },
      applies: { home: 1, near: 1, far: 1 },
      revisions: { home: 2, near: 2, far: 2 },
      changeSets: 2,
      questions: [
        { status: 'accepted', decisions: ['accept taken'] },
        { status: 'approved', decisions: ['approve taken'] },
      ],
      steps: done(
        ...ASK,
        'detect',
        'plan',
        'openChangeSet',
        'writeUnit',
        'applyUnit',
        'upgradeUnit',
        'applyUnit',
        'identifyPromotion',
        'verify',
        'closeEpisode',
      ),
      unfinished: [],
    },
  },
  'rejected fix': {
    residue: 'report',
    place: 'home',
    prepare: async (stage, name) => ({ home: await stage.install('home', name, CALM) }),
    drift: EDIT,
    answers: ['reject'],
    undoneByHand: true,
    ending: {
      outcome: 'resolved',
      live: { home: CALM },
      applies: { home: 0 },
      revisions: { home: 1 },
      changeSets: 0,
      questions: [{ status: 'rejected', decisions: ['reject taken'] }],
      steps: done(...ASK, 'record', 'detect', 'closeEpisode'),
      unfinished: [],
    },
  },
  'fix that fails and is rolled back': {
    residue: 'report',
    place: 'asked',
    // The API server refuses such a key, so the upgraded unit cannot be applied.
    prepare: (stage, name) => behindUpstream(stage, name, { mode: 'calm', 'no key!': '2' }),
    drift: EDIT,
    answers: ['approve'],
    undoneByHand: true,
    ending: {
      outcome: 'resolved',
      live: { asked: CALM },
      applies: { asked: 2 },
      revisions: { asked: 3, base: 2 },
      changeSets: 1,
      questions: [{ status: 'approved', decisions: ['approve taken'] }],
      steps: done(
        ...ASK,
        'detect',
        'plan',
        'openChangeSet',
        'upgradeUnit',
        'restoreUnit',
        'applyUnit',
        'record',
        'detect',
        'closeEpisode',
      ),
      unfinished: ['applyUnit'],
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;

export function done(...steps: readonly string[]): readonly string[] {
  return steps.toSorted();
}

/** A unit whose upstream has moved on to `next`. */
async function behindUpstream(
  stage: CrashStage,
  name: string,
  next: Data,
): Promise<Readonly<Partial<Record<Place, Unit>>>> {
  const base = await stage.install('base', name, CALM);
  const asked = await stage.clone(base, 'asked');
  await stage.rewrite(base, next);
  return { asked, base };
}
