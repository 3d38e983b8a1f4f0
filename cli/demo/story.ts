import type { ConfigHub } from '../../clients/confighub/index.ts';
import { formatCostDelta } from '../../drift/advice/cost.ts';
import { type Announced, announceDrift, announceFix } from '../../drift/message/announce.ts';
import type { MessageView } from '../../drift/message/message-view.ts';
import { AppError } from '../../lib/errors.ts';
import type { Rest } from '../rest.ts';
import { decisionSchema } from '../wire.ts';
import { dataTo, type Hands, imageTo, scaleTo, type Target } from './hands.ts';
import type { Narrator } from './narrator.ts';
import type { DemoQuestion, DemoRecord, Observer } from './observer.ts';

/** One line of the demo's result; the words are those of the contract in docs/cli.md. */
export type DemoDrift = {
  readonly environment: string;
  readonly resource: string;
  readonly decision: 'auto' | 'approve' | 'reject' | 'accept' | 'snooze' | 'none';
  readonly outcome: string;
  /** From the edit to the outcome. */
  readonly seconds: number;
};

export type Stage = {
  readonly hub: ConfigHub;
  readonly hands: Hands;
  readonly observer: Observer;
  /** What Slack shows, or would show, of an episode or promotion now. */
  readonly messageOf: (subject: string) => Promise<MessageView | undefined>;
  readonly narrator: Narrator;
  /** The people who answer questions. Prod needs both. */
  readonly people: { readonly amir: Rest; readonly olivia: Rest };
  readonly prefix: string;
  /** Of the api. */
  readonly url: string;
  /** False: the production question is left to whoever watches. */
  readonly answersProduction: boolean;
};

/** A question that is put to whoever watches. */
export type OpenScene = {
  readonly question: DemoQuestion;
  readonly environment: string;
  readonly target: Target;
  readonly startedMs: number;
};

export type Story = {
  readonly drifts: readonly DemoDrift[];
  /** Where nobody of the story answers the last question. */
  readonly open?: OpenScene;
};

/** Plays the whole story, each scene waiting for what Realign really did; throws when something does not happen. */
export async function playStory(stage: Stage): Promise<Story> {
  const automatic = await driftInDevelopment(stage);
  const accepted = await acceptInStaging(stage);
  const vanished = await resolvesByItself(stage);
  const rejected = await rejectInProduction(stage);
  const open = await askInProduction(stage);
  const drifts = [...automatic, accepted, vanished, rejected];
  if (!stage.answersProduction) return { drifts, open };
  return { drifts: [...drifts, await approveInProduction(stage, open)] };
}

function deployment(stage: Stage, environment: string, name: string): Target {
  return { group: 'apps', kind: 'Deployment', namespace: `${stage.prefix}-${environment}`, name };
}

async function driftInDevelopment(stage: Stage): Promise<readonly DemoDrift[]> {
  const { narrator, hands } = stage;
  narrator.chapter(
    '⚠️  Somebody changes dev by hand: two deployments are scaled, a ConfigMap is edited',
  );
  const configMap: Target = {
    group: '',
    kind: 'ConfigMap',
    namespace: `${stage.prefix}-dev`,
    name: 'app-config',
  };
  const scenes: [Target, ReturnType<typeof scaleTo>][] = [
    [deployment(stage, 'dev', 'backend-api'), scaleTo(5)],
    [deployment(stage, 'dev', 'frontend-web'), scaleTo(1)],
    [configMap, dataTo('log_level', 'debug')],
  ];
  return Promise.all(
    scenes.map(async ([target, operations]) => {
      const startedMs = Date.now();
      await hands.edit(target, operations);
      await tellDrift(stage, 'dev', target);
      const fixed = await ended(stage, 'dev', target, 'fixed');
      tellFixed(stage, fixed, Date.now() - startedMs);
      return line('dev', target, 'auto', fixed, startedMs);
    }),
  );
}

async function acceptInStaging(stage: Stage): Promise<DemoDrift> {
  const { narrator, hands, observer } = stage;
  narrator.chapter('🤝 In staging an edit turns out to be right: it is accepted into the unit');
  const namespace = `${stage.prefix}-staging`;
  const target: Target = { group: '', kind: 'ConfigMap', namespace, name: 'app-config' };
  const startedMs = Date.now();
  await hands.edit(target, dataTo('log_level', 'warn'));
  const question = await observer.question('the question about staging', (one) =>
    concerns(one, 'staging', target),
  );
  await tellQuestion(stage, question);
  await answer(stage, question, 'accept', 'warn is what we want from now on');
  const accepted = await ended(stage, 'staging', target, 'accepted');
  narrator.timed(`✅ ${accepted.resolution_message ?? ''}`, Date.now() - startedMs);
  const promotion = await observer.question(
    'the promotion to prod',
    (one) => one.environment === 'prod' && one.unit === `${stage.prefix}-prod/app-config`,
  );
  narrator.line(`⏳ prod is pending approval: ${promotion.summary}`);
  narrator.line(`   realign approve ${promotion.id}`);
  return line('staging', target, 'accept', accepted, startedMs);
}

async function resolvesByItself(stage: Stage): Promise<DemoDrift> {
  const { narrator, hands, observer } = stage;
  narrator.chapter('↩️  Somebody scales in staging, and takes it back before anyone decides');
  const target = deployment(stage, 'staging', 'frontend-web');
  const startedMs = Date.now();
  await hands.edit(target, scaleTo(4));
  const question = await observer.question('the question about frontend-web', (one) =>
    concerns(one, 'staging', target),
  );
  await tellQuestion(stage, question);
  await hands.edit(target, scaleTo(2));
  const resolved = await ended(stage, 'staging', target, 'resolved');
  narrator.timed(
    '✅ The question is withdrawn: the drift went away by itself',
    Date.now() - startedMs,
  );
  return line('staging', target, 'none', resolved, startedMs);
}

async function rejectInProduction(stage: Stage): Promise<DemoDrift> {
  const { narrator, hands, observer } = stage;
  narrator.chapter('✋ In prod the database is changed on purpose: the fix is rejected');
  const namespace = `${stage.prefix}-prod`;
  const target: Target = {
    group: 'apps',
    kind: 'StatefulSet',
    namespace,
    name: 'database-postgres',
  };
  const startedMs = Date.now();
  await hands.edit(target, scaleTo(2));
  const question = await observer.question('the question about the database', (one) =>
    concerns(one, 'prod', target),
  );
  await tellQuestion(stage, question);
  await answer(stage, question, 'reject', 'a replica is being added tonight');
  const rejected = await observer.record(
    'prod',
    target,
    'the rejection on record',
    (one) => one.outcome === 'rejected',
  );
  narrator.timed(
    '✅ Rejected; nothing was changed, and the reason is on record',
    Date.now() - startedMs,
  );
  return line('prod', target, 'reject', rejected, startedMs);
}

/** Makes the drift of prod that two people have to decide about. */
export async function askInProduction(stage: Stage): Promise<OpenScene> {
  const { narrator, hands, observer, hub, prefix } = stage;
  narrator.chapter('🔒 Prod is one revision behind staging, and its image is changed by hand');
  await releaseToStaging(hub, prefix);
  const target = deployment(stage, 'prod', 'backend-api');
  const startedMs = Date.now();
  await hands.edit(target, imageTo('nginx:1.99-hotfix'));
  const question = await observer.question('the question about prod', (one) =>
    concerns(one, 'prod', target),
  );
  await tellQuestion(stage, question);
  return { question, environment: 'prod', target, startedMs };
}

async function approveInProduction(
  stage: Stage,
  { question, target, startedMs }: OpenScene,
): Promise<DemoDrift> {
  await answer(stage, question, 'approve', 'the hotfix is in the new revision');
  await answer(stage, question, 'approve', 'agreed', 'olivia');
  const fixed = await ended(stage, 'prod', target, 'fixed');
  tellFixed(stage, fixed, Date.now() - startedMs);
  await tellMessage(stage, question, '💬 The same message in Slack, now:');
  return line('prod', target, 'approve', fixed, startedMs);
}

/** What a team would do: a new image in staging's unit, applied there, and not yet promoted. */
async function releaseToStaging(hub: ConfigHub, prefix: string): Promise<void> {
  const space = await hub.findSpace(`${prefix}-staging`);
  const unit = space && (await hub.findUnit(space.spaceId, 'backend-api'));
  if (!unit) throw new AppError('NOT_FOUND', `there is no unit ${prefix}-staging/backend-api`);
  const data = await hub.readData(unit);
  const written = await hub.writeData(unit, data.replace('nginx:alpine', 'nginx:1.29-alpine'), {
    changeDescription: 'Release nginx 1.29',
  });
  const { operationId } = await hub.applyUnit(written);
  await hub.waitForOperation(written, operationId, { timeoutMs: 60_000 });
}

/** Waits for the drift that was just made, and says it in the words of the seed systems. */
async function tellDrift(stage: Stage, environment: string, target: Target): Promise<void> {
  const seen = await stage.observer.record(
    environment,
    target,
    `${environment} ${target.kind}/${target.name} on record`,
    (one) => one.drift_details.length > 0,
  );
  for (const text of announceDrift(target.name, changesOf(seen))) stage.narrator.line(text);
}

function changesOf(record: DemoRecord): readonly Announced[] {
  return record.drift_details.map(({ field, from, to }) => ({
    path: field,
    desired: from ?? undefined,
    live: to ?? undefined,
  }));
}

/** Waits for the end of the drift that was just made, and checks that it ended as the story says. */
export async function ended(
  stage: Stage,
  environment: string,
  target: Target,
  outcome: string,
): Promise<DemoRecord> {
  const what = `${environment} ${target.kind}/${target.name} ${outcome}`;
  const record = await stage.observer.record(
    environment,
    target,
    what,
    (one) => one.drift_status === 'resolved' && one.outcome !== 'transient',
  );
  if (record.outcome === outcome) return record;
  throw new AppError(
    'INTERNAL',
    `${what}: it ended as ${record.outcome}: ${record.resolution_message}`,
  );
}

/** Answers over REST, as one of the story's people. */
export async function answer(
  stage: Stage,
  question: Pick<DemoQuestion, 'id' | 'digest'>,
  decision: string,
  reason: string,
  by: keyof Stage['people'] = 'amir',
): Promise<void> {
  const path = `/api/v1/questions/${encodeURIComponent(question.id)}/decisions`;
  const body = { decision, reason, digest: question.digest };
  await stage.people[by].post(path, decisionSchema, body);
  stage.narrator.line(`👤 ${decision} by ${by}, over REST: ${reason}`);
}

function concerns(question: DemoQuestion, environment: string, target: Target): boolean {
  const id = `${target.kind}:${target.namespace}:${target.name}`;
  return question.environment === environment && (question.resource_id ?? '').endsWith(id);
}

/** What people are shown, then how to answer without Slack. */
async function tellQuestion(stage: Stage, question: DemoQuestion): Promise<void> {
  const { narrator, url } = stage;
  await tellMessage(stage, question, '❓ People are asked; in Slack it looks so:');
  narrator.line(`realign approve ${question.id} --digest ${question.digest}`);
  narrator.line(`or POST ${url}/api/v1/questions/${question.id}/decisions`);
}

/** The message about a question as it is now. */
export async function tellMessage(
  { narrator, messageOf }: Stage,
  { episode_id: subject }: DemoQuestion,
  title: string,
): Promise<void> {
  const view = await messageOf(subject);
  if (!view) throw new AppError('NOT_FOUND', `there is nothing to say of ${subject}`);
  narrator.line(title);
  narrator.message(view);
}

/** What was changed, by whom, and that it is no more. */
export function tellFixed({ narrator }: Stage, record: DemoRecord, ms: number): void {
  const changes = record.drift_details.map(
    ({ field, from, to, type, severity }) =>
      `${field} ${show(from)} → ${show(to)} (${type}, ${severity})`,
  );
  const cost = record.cost_delta_usd_monthly;
  const costs = cost ? `, ${formatCostDelta(cost)}` : '';
  narrator.line(
    `🔍 ${record.resource_id}: ${changes.join(', ')} by ${record.who ?? 'unknown'}${costs}`,
  );
  const fixed = announceFix(record.name, changesOf(record));
  narrator.line(fixed);
  narrator.timed(`   ${record.resolution_message ?? ''} Verified`, ms);
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function line(
  environment: string,
  target: Target,
  decision: DemoDrift['decision'],
  record: DemoRecord,
  startedMs: number,
): DemoDrift {
  return {
    environment,
    resource: `${target.kind}/${target.namespace}/${target.name}`,
    decision,
    outcome: record.outcome ?? 'unknown',
    seconds: Math.round((Date.now() - startedMs) / 10) / 100,
  };
}
