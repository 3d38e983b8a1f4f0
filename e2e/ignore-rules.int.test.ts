import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Hands, imageTo, scaleTo, type Target } from '../cli/demo/hands.ts';
import { createNarrator } from '../cli/demo/narrator.ts';
import { demoConfig, installDemo, newTokens, openStage } from '../cli/demo/stage.ts';
import type { IgnoreRule } from '../drift/compare/ignore-rule.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { createLog } from '../lib/log.ts';
import { createKubeRequests } from '../stack/kube-request.ts';
import { eventually } from '../testing/eventually.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import type { Parts } from '../workers/parts.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';

// An autoscaler's work on real parts: silent within a rule's bounds, kept by automatic fixes, found beyond.

const RULE: IgnoreRule = {
  id: 'hpa-replicas',
  match: { kinds: ['apps/Deployment'], namespaces: ['*-dev'] },
  paths: ['spec.replicas'],
  by: { managers: ['kube-controller-manager'], subresource: 'scale' },
  bounds: { min: 2, max: 6 },
  effect: 'expected',
  reason: 'autoscalers own scale',
};

const log = createLog('silent');
const tokens = newTokens();
const controller = new AbortController();
const web = deployment('backend-api');
let embedded: Embedded;
let realign: Realign;
let parts: Parts;
let hands: Hands;
let closeHands: () => void;

beforeAll(async () => {
  embedded = await startEmbedded({ log });
  await installDemo(embedded, log);
  const config = { ...demoConfig(embedded, tokens), ignore: [RULE] };
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  await realign.ready;
  parts = await realign.parts;
  const stage = await openStage({
    embedded,
    realign,
    tokens,
    narrator: createNarrator(() => {}),
    answersProduction: true,
    signal: controller.signal,
  });
  ({ hands, close: closeHands } = stage);
}, 180_000);

afterAll(async () => {
  controller.abort();
  closeHands?.();
  await realign?.stop();
  await embedded?.stop();
});

it('is silent within the bounds of the rule, and counts the hit', async () => {
  await autoscaleTo(4);
  await eventually(
    async () => (await parts.store.ruleHits.list()).find((one) => one.rule === RULE.id),
    { what: 'the hit is counted' },
  );
  // Events of one kind come in one stream: when this edit is dealt with, the one before it was looked at.
  const other = deployment('frontend-web');
  await hands.edit(other, scaleTo(9));
  await outcomeOf(other, 'fixed');
  expect(await parts.store.episodes.listFor(web, 10)).toEqual([]);
  expect(await replicasOf(web)).toBe(4);
}, 90_000);

it('makes an automatic fix ask where its apply would overwrite what the rule keeps', async () => {
  const image = await imageOf(web);
  await hands.edit(web, imageTo('nginx:evil'));
  const question = await eventually(
    async () => {
      const open = await parts.store.questions.list({ status: 'open', limit: 100 });
      return open.find((one) => one.ref?.name === web.name && one.environment === 'dev');
    },
    { what: 'a question about the image', timeoutMs: 60_000 },
  );
  expect(question.summary).toContain(
    'reverting also overwrites spec.replicas of Deployment/acorn-bear-dev/backend-api (rule hpa-replicas)',
  );
  expect(question.finding?.changes.map((one) => one.type)).toEqual(['VersionChange']);
  const revert = question.plans.find((plan) => plan.fix === 'revert');
  expect(revert?.reach).toContainEqual(
    expect.objectContaining({ path: 'spec.replicas', from: 4, to: 3, keptBy: 'hpa-replicas' }),
  );
  expect(await replicasOf(web)).toBe(4);
  await hands.edit(web, imageTo(image));
  await outcomeOf(web, 'resolved');
}, 120_000);

it('finds what is beyond the bounds, and fixes it', async () => {
  await autoscaleTo(9);
  const episode = await outcomeOf(web, 'fixed');
  expect(episode.finding?.changes).toMatchObject([
    { path: 'spec.replicas', desired: 3, live: 9, who: 'kube-controller-manager' },
  ]);
  expect(await replicasOf(web)).toBe(3);
}, 90_000);

it('with a second identity sends the drifted fields alone, and asks nobody', async () => {
  await realign.stop();
  const config = { ...demoConfig(embedded, tokens), ignore: [RULE], residue: 'patch' as const };
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  await realign.ready;
  parts = await realign.parts;
  const image = await imageOf(web);
  const [before] = await parts.store.episodes.listFor(web, 1);
  await autoscaleTo(5);
  await hands.edit(web, imageTo('nginx:evil'));
  const episode = await eventually(
    async () => {
      const [last] = await parts.store.episodes.listFor(web, 1);
      return last?.outcome === 'fixed' && last.episodeId !== before?.episodeId ? last : undefined;
    },
    { what: 'the image is fixed', timeoutMs: 60_000 },
  );
  expect(episode.finding?.changes.map((one) => one.type)).toEqual(['VersionChange']);
  expect(await imageOf(web)).toBe(image);
  expect(await replicasOf(web)).toBe(5);
  const steps = await parts.store.episodes.listSteps(episode.episodeId);
  const names = new Set(steps.map((one) => one.step));
  expect(names.has('removeResidue')).toBe(true);
  expect(names.has('applyUnit')).toBe(false);
}, 120_000);

function deployment(name: string): ResourceRef & Target {
  const namespace = 'acorn-bear-dev';
  return { environment: 'dev', group: 'apps', version: 'v1', kind: 'Deployment', namespace, name };
}

/** The last episode of a resource, once it has ended so. */
function outcomeOf(ref: ResourceRef, outcome: string) {
  return eventually(
    async () => {
      const [last] = await parts.store.episodes.listFor(ref, 1);
      return last?.outcome === outcome ? last : undefined;
    },
    { what: `${ref.name} is ${outcome}`, timeoutMs: 60_000 },
  );
}

/** As the HorizontalPodAutoscaler's controller does it: through the scale subresource, under its manager's name. */
async function autoscaleTo(replicas: number): Promise<void> {
  const { kubernetes } = embedded.stack;
  if (!kubernetes) throw new Error('the stack has no cluster');
  const admin = createKubeRequests({ ...kubernetes, token: kubernetes.tokens.admin });
  try {
    const path = `/apis/apps/v1/namespaces/${web.namespace}/deployments/${web.name}/scale`;
    const answer = await admin.send(
      'PATCH',
      `${path}?fieldManager=kube-controller-manager`,
      { spec: { replicas } },
      'application/merge-patch+json',
    );
    expect(answer.status).toBe(200);
  } finally {
    admin.close();
  }
}

async function replicasOf(target: Target): Promise<unknown> {
  const { spec } = (await hands.read(target)) as { spec?: { replicas?: number } };
  return spec?.replicas;
}

async function imageOf(target: Target): Promise<string> {
  const { spec } = (await hands.read(target)) as {
    spec?: { template?: { spec?: { containers?: { image?: string }[] } } };
  };
  return spec?.template?.spec?.containers?.[0]?.image ?? '';
}
