import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { takeDecision } from '../api/decide.ts';
import { createConfighubClient } from '../clients/confighub/index.ts';
import { connectTemporal } from '../clients/temporal.ts';
import type { AuditWrite } from '../drift/decide/author.ts';
import type { Guards } from '../drift/decide/guard.ts';
import type { PolicyRule } from '../drift/decide/policy.ts';
import type { Decision, Episode, Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import type { Config } from '../lib/config.ts';
import { dataConverterOf } from '../workers/data-converter.ts';
import { createDecisionDoor, createDriftDoor } from '../workers/doors.ts';
import { createLateAuthors } from '../workers/late-authors.ts';
import type { Parts } from '../workers/parts.ts';
import { bundleWorkflows, startWorker } from '../workers/worker.ts';
import { TEST_TOKEN } from './confighub-server.ts';
import type { CrashStage, Place } from './crash-stage.ts';
import { eventually } from './eventually.ts';

const STEP_TIMEOUT_MS = 60_000;
/** Longer than a test edits before its audit log tells. */
const AUDITED_MS = 60_000;
const EDITOR = { fieldManager: 'kubectl-edit' };

/** One worker with a task queue of its own, and hands for what people and the watcher do around it. */
export type DriftLane = {
  readonly parts: Parts;
  /** Sets `data.mode` of a ConfigMap by hand and reports what the watcher would see. */
  edit(ref: ResourceRef, value: string, fieldManager?: string): Promise<void>;
  /** The same, back to what is declared. */
  undo(ref: ResourceRef, value?: string): Promise<void>;
  /** What the API server's audit log tells only now: who made the edits of a ConfigMap. */
  audited(ref: ResourceRef, user: string): Promise<void>;
  modeOf(ref: ResourceRef): Promise<string | undefined>;
  /** The open question about a resource, once there is one other than those. */
  question(ref: ResourceRef, ...others: readonly Question[]): Promise<Question>;
  /** Answers as the api does; what it answers, or the code of the refusal. */
  decide(question: Question, person: string, decision: Decision, more?: object): Promise<string>;
  /** The resource's newest episode, once it stands so. */
  until(ref: ResourceRef, ...outcomes: readonly Episode['outcome'][]): Promise<Episode>;
  stop(): Promise<void>;
};

export type LaneDifferences = {
  readonly rules?: Readonly<Partial<Record<Place, Partial<PolicyRule>>>>;
  readonly guards?: Partial<Guards>;
  readonly residue?: 'report' | 'patch';
  readonly interceptors?: readonly ActivityInterceptorsFactory[];
  readonly temporal?: Pick<Config['temporal'], 'codec' | 'versioning'>;
  /** Where the lane's writes to ConfigHub go: a proxy in front of the stage's. */
  readonly hubUrl?: string;
  readonly pendingGraceMs?: number;
  readonly auditToken?: string;
  /** More sections of the configuration. */
  readonly sections?: object;
  /** What no unit declares is reported, too. */
  readonly unmanaged?: 'report';
};

/** Opens a lane whose rules (by the name of their place) and guards differ from the stage's. */
export async function openDriftLane(
  stage: CrashStage,
  name: string,
  different: LaneDifferences = {},
): Promise<DriftLane> {
  const lane = await stage.lane(name, different.residue ?? 'report', different.sections);
  const parts = await connected(differing(lane.parts, different));
  const { temporal } = parts.config;
  const bundle = temporal.codec ? await bundleWorkflows(parts.config) : stage;
  const worker = await startWorker(parts, bundle, different.interceptors);
  const stop = async () => {
    await worker.stop();
    if (parts.temporal !== lane.parts.temporal) await parts.temporal.close();
  };
  return { parts, ...createHands(stage, parts), stop };
}

function differing(parts: Parts, different: LaneDifferences): Parts {
  const { config } = parts;
  const { guards, temporal, hubUrl, pendingGraceMs, auditToken, unmanaged } = different;
  const rules: Readonly<Record<string, Partial<PolicyRule>>> = different.rules ?? {};
  const environments = [...parts.environments].map(([name, one]) => {
    const environment = { ...one.config, ...(unmanaged && { unmanaged }) };
    return [name, { ...one, config: environment }] as const;
  });
  return {
    ...parts,
    environments: new Map(environments),
    hub:
      hubUrl === undefined
        ? parts.hub
        : createConfighubClient({ url: hubUrl, token: TEST_TOKEN, log: parts.log }),
    config: {
      ...config,
      policies: config.policies.map((rule) => ({ ...rule, ...rules[rule.name] })),
      guards: { ...config.guards, ...guards },
      temporal: { ...config.temporal, ...temporal },
      pending: { graceMs: pendingGraceMs ?? config.pending.graceMs },
      audit: { ...config.audit, ...(auditToken !== undefined && { token: auditToken }) },
    },
  };
}

/** Runs begin with the lane's own settings; with a codec, Temporal is talked to by a client of the lane's own, too. */
async function connected(parts: Parts): Promise<Parts> {
  const { config } = parts;
  const { codec, address, namespace, taskQueue } = config.temporal;
  const temporal = codec
    ? await connectTemporal({ address, namespace, ...dataConverterOf(config) })
    : parts.temporal;
  const { settle, pending } = config;
  const timing = { settle, pendingGraceMs: pending.graceMs };
  return { ...parts, temporal, driftDoor: createDriftDoor(temporal, { taskQueue, ...timing }) };
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
    async audited(ref, user) {
      const cluster = clusterNameOf(parts.config.environments, ref.environment);
      const nowMs = Date.now();
      const write: AuditWrite = {
        ...{ auditId: `${ref.name}-${user}`, group: '', resource: 'configmaps', subresource: '' },
        ...{ namespace: ref.namespace, name: ref.name, verb: 'patch', user },
        manager: EDITOR.fieldManager,
        receivedAt: new Date(nowMs - AUDITED_MS).toISOString(),
        completedAt: new Date(nowMs).toISOString(),
      };
      await store.auditWrites.append(cluster, [write]);
      await createLateAuthors(parts)(cluster, [write]);
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
