import { readFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNarrator } from '../cli/demo/narrator.ts';
import { demoConfig, installDemo, newTokens, openStage } from '../cli/demo/stage.ts';
import { type DemoDrift, playStory, type Stage } from '../cli/demo/story.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import { createLog } from '../lib/log.ts';
import { DEMO_STORY, storyLines } from '../testing/demo-story.ts';
import { eventually } from '../testing/eventually.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';

/** Planted as values that must stop where they are read. */
const CANARY = 'canary-7f3d9c1e-in-the-secret';
const CHANGED_CANARY = 'canary-2b8a40dd-changed-by-hand';

const log = createLog('silent');
const tokens = newTokens();
const controller = new AbortController();
let embedded: Embedded;
let realign: Realign;
let stage: Stage & { close(): void };
let admin: KubernetesClient;
let drifts: readonly DemoDrift[];

beforeAll(async () => {
  embedded = await startEmbedded({ log, api: { host: '127.0.0.1', port: 0 } });
  await installDemo(embedded, log);
  const config = demoConfig(embedded, tokens);
  const resources = [...config.resources, 'secrets'];
  realign = await startRealign({
    config: { ...config, resources },
    log,
    roles: ALL_ROLES,
    signal: controller.signal,
  });
  await realign.ready;
  stage = await openStage({
    embedded,
    realign,
    tokens,
    narrator: createNarrator(() => {}),
    answersProduction: true,
    signal: controller.signal,
  });
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
  admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
  drifts = (await playStory(stage)).drifts;
}, 180_000);

afterAll(async () => {
  controller.abort();
  stage?.close();
  admin?.close();
  await realign?.stop();
  await embedded?.stop();
});

describe('the main job on real parts', () => {
  it('fixes dev by itself, and asks about staging and prod', () => {
    expect(storyLines(drifts)).toEqual(DEMO_STORY);
  });

  it('leaves the cluster as the story says', async () => {
    const replicas = async (namespace: string, kind: string, name: string) =>
      (await stage.hands.read({ group: 'apps', kind, namespace, name }))['spec'];
    expect(await replicas('acorn-bear-dev', 'Deployment', 'backend-api')).toMatchObject({
      replicas: 3,
    });
    expect(await replicas('acorn-bear-dev', 'Deployment', 'frontend-web')).toMatchObject({
      replicas: 2,
    });
    expect(await replicas('acorn-bear-prod', 'StatefulSet', 'database-postgres')).toMatchObject({
      replicas: 2,
    });
    expect(
      JSON.stringify(await replicas('acorn-bear-prod', 'Deployment', 'backend-api')),
    ).toContain('nginx:1.29-alpine');
  });

  it('fixes nothing twice, and says in ConfigHub what it did', async () => {
    const { hub } = realign.parts;
    for (const { environment, resource, decision } of drifts) {
      const name = resource.split('/')[2] ?? '';
      const space = await hub.findSpace(`acorn-bear-${environment}`);
      const unit = space && (await hub.findUnit(space.spaceId, name));
      if (!space || !unit) throw new Error(`no unit ${name}`);
      const operations = new Set((await hub.listUnitEvents(unit)).map((one) => one.operationId));
      const isFixed = ['auto', 'accept', 'approve'].includes(decision);
      // The first apply is the installation's; a release to staging in the story applies there.
      expect(operations.size, resource).toBe(isFixed ? 2 : 1);
      const changeSets = await hub.listChangeSets(space.spaceId);
      const own = changeSets.filter((one) => one.description === unit.lastChangeDescription);
      expect(own.length, resource).toBe(isFixed ? 1 : 0);
    }
    const dev = await hub.findSpace('acorn-bear-dev');
    const backend = dev && (await hub.findUnit(dev.spaceId, 'backend-api'));
    expect(backend?.lastChangeDescription).toBe('Fixed backend-api replicas: 5 → 3');
    // The unit was right: applying it makes no revision.
    expect(backend?.headRevision).toBe(1);
  });

  it('keeps each drift as a unit of ConfigHub, in the set that says how it stands', async () => {
    const { hub } = realign.parts;
    const space = await hub.findSpace('acorn-bear-drifts');
    const sets = await hub.listSets(space?.spaceId ?? '');
    const members = async (slug: string) => {
      const setId = sets.find((one) => one.slug === slug)?.setId ?? '';
      const units = await hub.listSetUnits(setId, 'summary');
      return units.map((unit) => unit.slug.replace(/-[0-9a-f]{10}$/, '')).toSorted();
    };
    await eventually(async () => (await members('corrected-drifts')).length === 5, {
      timeoutMs: 30_000,
      what: 'five corrected drifts',
    });
    expect(await members('corrected-drifts')).toEqual([
      'dev-ConfigMap-acorn-bear-dev-app-config',
      'dev-Deployment-acorn-bear-dev-backend-api',
      'dev-Deployment-acorn-bear-dev-frontend-web',
      'prod-Deployment-acorn-bear-prod-backend-api',
      'staging-ConfigMap-acorn-bear-staging-app-config',
    ]);
    expect(await members('replica-drifts')).toEqual([
      'prod-StatefulSet-acorn-bear-prod-database-postgres',
    ]);
  });

  it('knows who made each drift, from the audit log of the API server', async () => {
    const { items } = await realign.parts.store.records.list({ status: 'resolved' });
    const drifted = items.filter((one) =>
      drifts.some((drift) => drift.resource.endsWith(one.ref.name)),
    );
    expect(drifted.length).toBeGreaterThan(0);
    expect(new Set(drifted.map((one) => one.finding?.author))).toEqual(new Set(['admin']));
    const questions = await realign.parts.store.questions.list({ limit: 10 });
    expect(questions.map((one) => one.summary)).toContainEqual(
      expect.stringMatching(/, by admin$/),
    );
  });

  it('reads well in the Temporal UI', async () => {
    const { client } = realign.parts.temporal;
    const id = 'drift:prod:Deployment.apps:acorn-bear-prod:backend-api';
    const handle = client.workflow.getHandle(id);
    // The record of a fix is closed just before its run.
    await eventually(async () => (await handle.describe()).status.name === 'COMPLETED', {
      timeoutMs: 60_000,
      what: 'the end of the run',
    });
    const description = await handle.describe();
    expect(await description.staticSummary()).toBe(
      'Drift of Deployment/acorn-bear-prod/backend-api in prod',
    );
    expect(description.searchAttributes).toMatchObject({
      RealignEnvironment: ['prod'],
      RealignKind: ['Deployment'],
      RealignPhase: ['fixed'],
      RealignSeverity: ['high'],
      RealignUnit: ['acorn-bear-prod/backend-api'],
    });
  });

  it('writes to the cluster only as ConfigHub, never as Realign', () => {
    const writers = new Set(auditedWrites().map((one) => one.user));
    expect([...writers].toSorted()).toEqual(['admin', 'confighub', 'controllers']);
  });
});

describe('secrets', () => {
  beforeAll(async () => {
    const { hub } = realign.parts;
    const space = await hub.findSpace('acorn-bear-dev');
    if (!space) throw new Error('no space');
    const [target] = await hub.listTargets(space.spaceId);
    const unit = await hub.createUnit(space.spaceId, {
      slug: 'vault',
      labels: { 'auto-correctable': 'true' },
      ...(target && { targetId: target.targetId }),
      data: [
        'apiVersion: v1',
        'kind: Secret',
        'metadata: { name: vault }',
        `stringData: { password: ${CANARY} }`,
        '---',
        'apiVersion: v1',
        'kind: ConfigMap',
        'metadata: { name: vault }',
        `data: { DB_PASSWORD: ${CANARY}, mode: plain }`,
        '',
      ].join('\n'),
    });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
    const changed = Buffer.from(CHANGED_CANARY).toString('base64');
    const at = { group: '', version: 'v1', namespace: 'acorn-bear-dev', name: 'vault' };
    const manager = { fieldManager: 'kubectl-edit' };
    await admin.jsonPatch(
      { ...at, kind: 'Secret' },
      [{ op: 'replace', path: '/data/password', value: changed }],
      manager,
    );
    await admin.jsonPatch(
      { ...at, kind: 'ConfigMap' },
      [{ op: 'replace', path: '/data/DB_PASSWORD', value: CHANGED_CANARY }],
      manager,
    );
    await eventually(
      async () => {
        const { items } = await realign.parts.store.records.list({ name: 'vault' });
        expect(items.filter((one) => one.episodeId !== undefined)).toHaveLength(2);
        return items.every((one) => one.outcome !== 'detecting');
      },
      { what: 'both drifts on record', timeoutMs: 30_000 },
    );
  }, 90_000);

  it('reach no history of Temporal, and neither do manifests', async () => {
    const { client } = realign.parts.temporal;
    let events = 0;
    for await (const { workflowId, runId } of client.workflow.list()) {
      const handle = client.workflow.getHandle(workflowId, runId);
      const text = decoded(historyToJSON(await handle.fetchHistory()));
      events += 1;
      expectNoSecret(text, workflowId);
      expect(text, workflowId).not.toMatch(/managedFields|"apiVersion"|apiVersion:/);
    }
    expect(events).toBeGreaterThan(8);
  });

  it("reach no row of Realign's database", async () => {
    const client = new pg.Client({ connectionString: embedded.stack.postgresUrl });
    await client.connect();
    try {
      const tables = await client.query(
        "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
      );
      let text = '';
      for (const { name } of tables.rows) {
        const rows = await client.query(
          `select t::text as row from ${client.escapeIdentifier(name)} t`,
        );
        text += rows.rows.map((one) => one.row).join('\n');
      }
      expect(text).toContain('vault');
      expectNoSecret(text, 'the database');
    } finally {
      await client.end();
    }
  });

  it('reach no answer of the api', async () => {
    const headers = { authorization: `Bearer ${tokens.operator}` };
    for (const path of ['/api/v1/drift-records?limit=1000', '/api/v1/questions', '/metrics']) {
      const answer = await fetch(`${realign.url}${path}`, { headers });
      expect(answer.status).toBe(200);
      expectNoSecret(await answer.text(), path);
    }
  });
});

describe('with AUTO_FIX off', () => {
  it('asks instead of fixing, and without a decision nothing is written', async () => {
    await realign.stop();
    const config = { ...demoConfig(embedded, tokens), autoFix: false };
    realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
    await realign.ready;
    const before = auditedWrites().length;
    const target = {
      group: 'apps',
      kind: 'Deployment',
      namespace: 'acorn-bear-dev',
      name: 'backend-api',
    };
    await stage.hands.edit(target, [{ op: 'replace', path: '/spec/replicas', value: 6 }]);
    const question = await eventually(
      async () => {
        const open = await realign.parts.store.questions.list({
          status: 'open',
          environment: 'dev',
          limit: 10,
        });
        const found = open.find((one) => one.ref?.name === 'backend-api');
        if (!found) throw new Error('no question yet');
        return found;
      },
      { what: 'a question about dev', timeoutMs: 20_000 },
    );
    expect(question.rule).toBe('development');
    const writers = auditedWrites()
      .slice(before)
      .map((one) => one.user);
    expect(new Set(writers)).toEqual(new Set(['admin', 'controllers']));
  }, 60_000);
});

describe('with residue: patch', () => {
  it('removes what people added under a second identity, which writes nothing else', async () => {
    await realign.stop();
    const config = { ...demoConfig(embedded, tokens), residue: 'patch' as const };
    realign = await startRealign({ config, log, roles: ALL_ROLES, signal: controller.signal });
    await realign.ready;
    const before = auditedWrites().length;
    const target = {
      group: 'apps',
      kind: 'Deployment',
      namespace: 'acorn-bear-dev',
      name: 'frontend-web',
    };
    const env = [{ name: 'ADDED', value: 'by hand' }];
    const path = '/spec/template/spec/containers/0/env';
    await stage.hands.edit(target, [{ op: 'add', path, value: env }]);
    const record = await eventually(
      async () => {
        const { items } = await realign.parts.store.records.list({
          environment: 'dev',
          name: 'frontend-web',
          kind: 'Deployment',
        });
        const [found] = items;
        return (
          found?.status === 'resolved' && JSON.stringify(found.finding).includes('ADDED') && found
        );
      },
      { what: 'the added variable to be removed', timeoutMs: 30_000 },
    );
    expect(record.outcome).toBe('fixed');
    expect(JSON.stringify(await stage.hands.read(target))).not.toContain('by hand');
    const repairs = auditedWrites()
      .slice(before)
      .filter((one) => one.user === 'realign-repair');
    expect(repairs.map(({ verb, namespace }) => `${verb} ${namespace}`)).toEqual([
      'patch acorn-bear-dev',
    ]);
    const writers = new Set(auditedWrites().map((one) => one.user));
    expect(writers.has('realign')).toBe(false);
  }, 60_000);
});

type Write = { readonly user: string; readonly verb: string; readonly namespace: string };

function auditedWrites(): readonly Write[] {
  const file = embedded.stack.kubernetes?.auditLogPath ?? '';
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((event) => event.stage === 'ResponseComplete' && !isReview(event.objectRef?.resource))
    .map((event) => ({
      user: event.user.username,
      verb: event.verb,
      namespace: event.objectRef?.namespace ?? '',
    }));
}

/** Asking what one may do is a POST, but writes nothing. */
function isReview(resource: string | undefined): boolean {
  return resource?.endsWith('accessreviews') ?? false;
}

/** A history's JSON with its base64 payloads readable. */
function decoded(json: string): string {
  return json.replaceAll(/"data":\s*"([A-Za-z0-9+/=]+)"/g, (_all, data: string) =>
    Buffer.from(data, 'base64').toString('utf8'),
  );
}

function expectNoSecret(text: string, where: string): void {
  for (const canary of [CANARY, CHANGED_CANARY]) {
    expect(text.includes(canary), `${where} holds ${canary}`).toBe(false);
    expect(text.includes(Buffer.from(canary).toString('base64')), `${where} holds it encoded`).toBe(
      false,
    );
  }
}
