import type { AuditWrite } from '../drift/decide/author.ts';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import { createLateAuthors } from '../workers/late-authors.ts';
import type { Parts } from '../workers/parts.ts';
import { ASK, CALM, done, EDIT, FIX, type Scenario } from './crash-scenarios.ts';
import type { CrashStage } from './crash-stage.ts';
import { eventually } from './eventually.ts';
import { STEP_TIMEOUT_MS } from './workflows-end.ts';

/** The edit was made within this time, however long the first worker took to start. */
const AUDITED_MS = 600_000;
const DRIFT_SPACE = 'recorded-drifts';

/** Fixes under configurations of their own. */
export const MORE_SCENARIOS = {
  'fix that is confirmed and recorded in a unit': {
    residue: 'report',
    sections: { confirm: 'dry-run', drift: { records: 'units', space: DRIFT_SPACE } },
    place: 'auto',
    prepare: async (stage, name) => ({ auto: await stage.install('auto', name, CALM) }),
    drift: EDIT,
    answers: [],
    settled: isRecordedOnce,
    ending: {
      outcome: 'fixed',
      live: { auto: CALM },
      applies: { auto: 1 },
      revisions: { auto: 1 },
      changeSets: 1,
      questions: [],
      steps: done('detect', 'confirm', 'plan', ...FIX, 'verify', 'closeEpisode'),
      unfinished: [],
    },
  },
  'fix whose apply is refused because of the drift': {
    residue: 'patch',
    place: 'auto',
    prepare: async (stage, name) => ({ auto: await stage.install('auto', name, CALM) }),
    // No key may be in both maps, and a forced apply takes nothing away that others own.
    drift: [
      { op: 'remove', path: '/data/mode' },
      { op: 'add', path: '/binaryData', value: { mode: 'd2lsZA==' } },
    ],
    answers: [],
    ending: {
      outcome: 'fixed',
      live: { auto: CALM },
      applies: { auto: 2 },
      revisions: { auto: 1 },
      changeSets: 1,
      questions: [],
      steps: done('detect', 'plan', ...FIX, 'patchRefused', 'verify', 'closeEpisode'),
      unfinished: ['applyUnit'],
    },
  },
  'question that is reminded of': {
    residue: 'report',
    sections: {
      policies: [
        {
          ...{ name: 'reminded', match: { kinds: ['ConfigMap'] }, outcome: 'ask' },
          ...{ expiry: '10m', remindersAt: [0.001] },
        },
      ],
    },
    place: 'asked',
    prepare: async (stage, name) => ({ asked: await stage.install('asked', name, CALM) }),
    drift: EDIT,
    answers: ['approve'],
    meanwhile: (parts, question) => isDone(parts, question, 'notify'),
    ending: {
      outcome: 'fixed',
      live: { asked: CALM },
      applies: { asked: 1 },
      revisions: { asked: 1 },
      changeSets: 1,
      questions: [{ status: 'approved', decisions: ['approve taken'] }],
      steps: done(...ASK, 'notify', 'detect', 'plan', ...FIX, 'verify', 'closeEpisode'),
      unfinished: [],
    },
  },
  'question whose author is known late': {
    residue: 'report',
    sections: { audit: { token: 'a-token-that-nobody-posts-events-with' } },
    place: 'asked',
    prepare: async (stage, name) => ({ asked: await stage.install('asked', name, CALM) }),
    drift: EDIT,
    answers: ['approve'],
    meanwhile: async (parts, question, ref) => {
      await tellAuthor(parts, ref);
      await isDone(parts, question, 'amendQuestion');
    },
    ending: {
      outcome: 'fixed',
      live: { asked: CALM },
      applies: { asked: 1 },
      revisions: { asked: 1 },
      changeSets: 1,
      questions: [{ status: 'approved', decisions: ['approve taken'] }],
      steps: done(
        ...ASK,
        ...['detect', 'plan', 'amendQuestion', 'detect', 'plan'],
        ...FIX,
        ...['verify', 'closeEpisode'],
      ),
      unfinished: [],
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>;

/** The drift has one unit, which says that it was corrected. */
async function isRecordedOnce({ hub }: CrashStage, { name }: ResourceRef): Promise<void> {
  await eventually(
    async () => {
      const space = await hub.findSpace(DRIFT_SPACE);
      const units = space ? await hub.listUnits({ space: space.spaceId, detail: 'summary' }) : [];
      const ours = units.filter((one) => one.slug.includes(`-${name}-`));
      const said = ours.map((one) => one.labels['status']);
      if (said.join() !== 'corrected') throw new Error(`its units say ${said.join()}`);
      return true;
    },
    { timeoutMs: STEP_TIMEOUT_MS, what: `the drift of ${name} is recorded` },
  );
}

async function isDone({ store }: Parts, { episodeId }: Question, step: string): Promise<void> {
  await eventually(
    async () => {
      const steps = await store.episodes.listSteps(episodeId);
      return steps.some((one) => one.step === step && one.status === 'done');
    },
    { timeoutMs: STEP_TIMEOUT_MS, what: `${step} is done` },
  );
}

/** What the API server's audit log tells only now: who made the edit. */
async function tellAuthor(parts: Parts, ref: ResourceRef): Promise<void> {
  const cluster = clusterNameOf(parts.config.environments, ref.environment);
  const nowMs = Date.now();
  const write: AuditWrite = {
    ...{ auditId: `audit-${ref.name}`, group: '', resource: 'configmaps', subresource: '' },
    ...{ namespace: ref.namespace, name: ref.name, user: 'eve' },
    verb: 'patch',
    ...{ manager: 'kubectl-edit', receivedAt: iso(nowMs - AUDITED_MS), completedAt: iso(nowMs) },
  };
  await parts.store.auditWrites.append(cluster, [write]);
  await createLateAuthors(parts)(cluster, [write]);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
