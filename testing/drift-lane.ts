import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { takeDecision } from '../api/decide.ts';
import type { Guards } from '../drift/guard.ts';
import type { PolicyRule } from '../drift/policy.ts';
import type { Decision, Episode, Question } from '../drift/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { createDecisionDoor } from '../workers/doors.ts';
import type { Parts } from '../workers/parts.ts';
import { startWorker } from '../workers/worker.ts';
import type { CrashStage, Place } from './crash-stage.ts';
import { eventually } from './eventually.ts';

const STEP_TIMEOUT_MS = 60_000;
const EDITOR = { fieldManager: 'kubectl-edit' };

/** One worker with a task queue of its own, and hands for what people and the watcher do around it. */
export type DriftLane = {
  readonly parts: Parts;
  /** Sets `data.mode` of a ConfigMap by hand and reports what the watcher would see. */
  edit(ref: ResourceRef, value: string, fieldManager?: string): Promise<void>;
  /** The same, back to what is declared. */
  undo(ref: ResourceRef, value?: string): Promise<void>;
  modeOf(ref: ResourceRef): Promise<string | undefined>;
  /** The open question about a resource, once there is one other than those. */
  question(ref: ResourceRef, ...others: readonly Question[]): Promise<Question>;
  /** Answers as the api does; what it answers, or the code of the refusal. */
  decide(question: Question, person: string, decision: Decision, more?: object): Promise<string>;
  /** The resource's newest episode, once it stands so. */
  until(ref: ResourceRef, ...outcomes: readonly Episode['outcome'][]): Promise<Episode>;
  stop(): Promise<void>;
};

/** Opens a lane whose rules (by the name of their place) and guards differ from the stage's. */
export async function openDriftLane(
  stage: CrashStage,
  name: string,
  different: {
    readonly rules?: Readonly<Partial<Record<Place, Partial<PolicyRule>>>>;
    readonly guards?: Partial<Guards>;
    readonly residue?: 'report' | 'patch';
    readonly interceptors?: readonly ActivityInterceptorsFactory[];
  } = {},
): Promise<DriftLane> {
  const lane = await stage.lane(name, different.residue ?? 'report');
  const rules: Readonly<Record<string, Partial<PolicyRule>>> = different.rules ?? {};
  const { config } = lane.parts;
  const parts: Parts = {
    ...lane.parts,
    config: {
      ...config,
      policies: config.policies.map((rule) => ({ ...rule, ...rules[rule.name] })),
      guards: { ...config.guards, ...different.guards },
    },
  };
  const worker = await startWorker(parts, { codePath: stage.codePath }, different.interceptors);
  return { parts, ...createHands(stage, parts), stop: () => worker.stop() };
}

function createHands(stage: CrashStage, parts: Parts): Omit<DriftLane, 'parts' | 'stop'> {
  const { store, metrics, driftDoor } = parts;
  const decisions = createDecisionDoor(parts.temporal);
  const now = () => Date.now() * 1_000;
  const set = (ref: ResourceRef, value: string, fieldManager = EDITOR.fieldManager) =>
    stage.admin.jsonPatch(ref, [{ op: 'add', path: '/data/mode', value }], { fieldManager });
  return {
    async edit(ref, value, fieldManager) {
      await set(ref, value, fieldManager);
      await driftDoor.reportDrift(ref, `mode is ${value}`, now());
    },
    async undo(ref, value = 'calm') {
      await set(ref, value);
      await driftDoor.reportClean(ref, now());
    },
    async modeOf(ref) {
      const live = await stage.admin.get(ref);
      return (live?.['data'] as { mode?: string } | undefined)?.mode;
    },
    question: (ref, ...others) =>
      eventually(
        async () => {
          const open = await store.questions.openFor(ref);
          return open && others.every((one) => one.id !== open.id) ? open : undefined;
        },
        { timeoutMs: STEP_TIMEOUT_MS, what: `a question about ${ref.name}` },
      ),
    async decide(question, name, decision, more = {}) {
      const person = { name, roles: ['approver'], tokenSha256: '' } as const;
      const said = { decision, digest: question.digest, reason: 'a test', ...more };
      const door = 'rest' as const;
      try {
        const deps = { store, decisions, metrics };
        return (await takeDecision(deps, question, said, { person, door })).status;
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    },
    until: (ref, ...outcomes) =>
      eventually(
        async () => {
          const [episode] = await store.episodes.listFor(ref, 1);
          if (!episode || !outcomes.includes(episode.outcome)) {
            throw new Error(`it is ${episode?.outcome}: ${episode?.message}`);
          }
          return episode;
        },
        { timeoutMs: STEP_TIMEOUT_MS, what: `${ref.name} is ${outcomes.join(' or ')}` },
      ),
  };
}
