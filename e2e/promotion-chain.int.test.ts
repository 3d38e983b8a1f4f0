import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHands, dataTo, type Hands, imageTo, type Target } from '../cli/demo/hands.ts';
import { createObserver, type Observer } from '../cli/demo/observer.ts';
import { environmentSteps, installSteps } from '../cli/project/environments.ts';
import { createRest, type Rest } from '../cli/rest.ts';
import { decisionSchema, type QuestionAnswer } from '../cli/wire.ts';
import type { ConfigHub, Unit } from '../clients/confighub/index.ts';
import { createConfighubClient } from '../clients/confighub/index.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { applyNew, installBase } from '../examples/acorn-bear/install.ts';
import { type Config, parseConfig } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { eventually } from '../testing/eventually.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';

// acorn-bear with a region: what is accepted in dev goes from level to level, each by its own approval, and what the region has
// of its own stays.

const PREFIX = 'acorn-bear';
const TOKEN = 'the-token-of-amir-who-approves';
const ENVIRONMENTS = ['dev', 'staging', 'prod', 'us-prod'] as const;
type Environment = (typeof ENVIRONMENTS)[number];

const log = createLog('silent');
const controller = new AbortController();
let embedded: Embedded;
let hub: ConfigHub;
let cluster: KubernetesClient;
let hands: Hands;
let realign: Realign;
let rest: Rest;
let observer: Observer;
let installed: readonly string[];

beforeAll(async () => {
  embedded = await startEmbedded({ log });
  hub = createConfighubClient({ ...embedded.hub, dialect: 'auto', log });
  await installBase(hub, PREFIX);
  const steps = environmentSteps(true).filter(({ name }) => isWatched(name));
  for (const { spaceId } of await installSteps(hub, PREFIX, steps)) {
    await applyNew(hub, spaceId, undefined);
  }
  installed = await unitNames();
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
  cluster = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
  hands = createHands(cluster);
  const config = configOf(embedded);
  realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
  await realign.ready;
  rest = createRest({ REALIGN_URL: realign.url, REALIGN_TOKEN: TOKEN });
  observer = createObserver(rest, controller.signal);
}, 180_000);

afterAll(async () => {
  controller.abort();
  cluster?.close();
  await realign?.stop();
  await embedded?.stop();
});

describe('an edit that is accepted in dev', () => {
  const settings = (environment: Environment): Target => ({
    ...{ group: '', kind: 'ConfigMap', name: 'app-config' },
    namespace: `${PREFIX}-${environment}`,
  });
  const logLevel = async (environment: Environment) =>
    ((await hands.read(settings(environment)))['data'] as Record<string, string>)['log_level'];

  it('is in staging once somebody approved, and waits for approval before prod', async () => {
    await hands.edit(settings('dev'), dataTo('log_level', 'warn'));
    await answer(await questionAbout('dev', 'app-config'), 'accept');
    await answer(await questionAbout('staging', 'app-config'), 'approve');
    await eventually(async () => (await logLevel('staging')) === 'warn', {
      what: 'the accepted value in staging',
      timeoutMs: 60_000,
    });
    await questionAbout('prod', 'app-config');
    const staging = await unitOf('staging', 'app-config');
    const prod = await unitOf('prod', 'app-config');
    expect(staging).toMatchObject({ headRevision: 2, liveRevision: 2 });
    expect(prod).toMatchObject({
      headRevision: 1,
      liveRevision: 1,
      upstream: { revision: 1, headRevision: 2 },
    });
    await eventually(
      async () => 'realign.dev/waiting-for' in (await unitOf('prod', 'app-config')).annotations,
      { what: 'prod says that it waits' },
    );
    expect(await logLevel('prod')).toBe('info');
  }, 120_000);

  it('is in prod once somebody approved, and then waits before its region', async () => {
    await answer(await questionAbout('prod', 'app-config'), 'approve');
    await eventually(async () => (await logLevel('prod')) === 'warn', {
      what: 'the accepted value in prod',
      timeoutMs: 60_000,
    });
    expect(await unitOf('prod', 'app-config')).toMatchObject({ upstream: { revision: 2 } });
    await questionAbout('us-prod', 'app-config');
    expect(await logLevel('us-prod')).toBe('info');
  }, 120_000);
});

describe('a region with something of its own', () => {
  it('takes the new image by approval, and keeps its resources', async () => {
    await hands.edit(deployment('dev', 'backend-api'), imageTo('nginx:1.29-alpine'));
    await answer(await questionAbout('dev', 'backend-api'), 'accept');
    for (const environment of ['staging', 'prod', 'us-prod'] as const) {
      await answer(await questionAbout(environment, 'backend-api'), 'approve');
    }
    const live = async () => JSON.stringify(await hands.read(deployment('us-prod', 'backend-api')));
    await eventually(async () => (await live()).includes('nginx:1.29-alpine'), {
      what: 'the new image in us-prod',
      timeoutMs: 60_000,
    });
    expect(await live()).toContain('"requests":{"cpu":"200m","memory":"256Mi"}');
    const unit = await unitOf('us-prod', 'backend-api');
    expect(await hub.readData(unit)).toMatch(/requests:\n +cpu: 200m\n +memory: 256Mi/);
    const prod = JSON.stringify(await hands.read(deployment('prod', 'backend-api')));
    expect(prod).toContain('"requests":{"cpu":"100m","memory":"64Mi"}');
  }, 180_000);
});

describe('all of it', () => {
  it('changed units that were there, and made none', async () => {
    expect(await unitNames()).toEqual(installed);
  });

  it('reached the cluster through ConfigHub alone', () => {
    const writers = new Set(auditedWriters());
    expect([...writers].toSorted()).toEqual(['admin', 'confighub', 'controllers']);
  });
});

function isWatched(name: string): boolean {
  return ENVIRONMENTS.some((one) => one === name);
}

function deployment(environment: Environment, name: string): Target {
  return { group: 'apps', kind: 'Deployment', namespace: `${PREFIX}-${environment}`, name };
}

/** Of a drift where somebody has just made one, else of a promotion into the environment. */
function questionAbout(environment: Environment, unit: string): Promise<QuestionAnswer> {
  return observer.question(
    `a question about ${unit} of ${environment}`,
    (one) =>
      one.environment === environment &&
      (one.unit === `${PREFIX}-${environment}/${unit}` ||
        (one.resource_id ?? '').endsWith(`:${unit}`)),
  );
}

async function answer(question: QuestionAnswer, decision: string): Promise<void> {
  const path = `/api/v1/questions/${encodeURIComponent(question.id)}/decisions`;
  await rest.post(path, decisionSchema, { decision, digest: question.digest });
}

async function unitOf(environment: Environment, slug: string): Promise<Unit> {
  const space = await hub.findSpace(`${PREFIX}-${environment}`);
  const unit = space && (await hub.findUnit(space.spaceId, slug));
  if (!unit) throw new Error(`no unit ${slug} of ${environment}`);
  return unit;
}

async function unitNames(): Promise<readonly string[]> {
  const units = await hub.listUnits({ detail: 'summary' });
  return units.map((unit) => `${unit.spaceSlug}/${unit.slug}`).toSorted();
}

/** People decide everywhere. */
function configOf({ env }: Pick<Embedded, 'env'>): Config {
  const config = parseConfig(
    JSON.stringify({
      environments: ENVIRONMENTS.map((name, index) => ({
        name,
        source: { space: `${PREFIX}-${name}` },
        defaultNamespace: `${PREFIX}-${name}`,
        ...(index > 0 && { upstream: ENVIRONMENTS[index - 1] }),
      })),
      resources: ['deployments', 'configmaps'],
      confighub: { filtersSpace: `${PREFIX}-filters`, refresh: '500ms' },
      autoFix: true,
      settle: { quiet: '50ms', max: '1s' },
      policies: [{ name: 'people', outcome: 'ask', unknownAuthor: 'allow' }],
    }),
    { env },
  );
  const amir = { name: 'amir', roles: ['approver'] as const, tokenSha256: sha256(TOKEN) };
  return { ...config, people: [amir], api: { ...config.api, port: 0 } };
}

function auditedWriters(): readonly string[] {
  return readFileSync(embedded.stack.kubernetes?.auditLogPath ?? '', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((event) => event.stage === 'ResponseComplete')
    .filter((event) => !event.objectRef?.resource?.endsWith('accessreviews'))
    .map((event) => event.user.username);
}
