import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { createApi, type RunningApi, startApi } from '../api/index.ts';
import { equals } from '../clients/confighub/where.ts';
import { installAcornBear } from '../examples/acorn-bear/install.ts';
import { sha256 } from '../lib/digest.ts';
import { createLog } from '../lib/log.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createStore, migrate, type Store } from '../store/index.ts';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { findingOf } from '../testing/findings.ts';
import { testPostgres } from '../testing/stack.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';

// The lists of the command line, against a ConfigHub of either dialect and the real api.

const EXAMPLE = new URL('../examples/acorn-bear/realign.yaml', import.meta.url).pathname;
const log = createLog('silent');
let store: Store;
let api: RunningApi;

beforeAll(async () => {
  const { url } = await testPostgres({ name: 'realign', prepare: migrate });
  store = createStore({ databaseUrl: url, log });
  const app = createApi({
    ...{ store, auth: 'token', log, readiness: async () => [] },
    people: [{ name: 'ann', roles: ['viewer'], tokenSha256: sha256('ann-token') }],
    metrics: createMetrics({ version: '0.0.0', processMetrics: false }),
    links: { workflowUrl: (id) => `http://temporal/${id}` },
    decisions: { decide: async () => ({ ok: true, status: 'approved' }) },
    drifts: { askAgain: async () => '', preview: async () => ({ plans: [] }) },
    analyses: { start: async () => ({ runId: 'r', workflowId: 'w', alreadyRunning: false }) },
  });
  api = await startApi(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close();
  await store?.close();
});

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** The command in this process: three dozen of their own would take minutes. */
async function realign(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const reached = { REALIGN_URL: api.url, REALIGN_TOKEN: 'ann-token', REALIGN_CONFIG: EXAMPLE };
  const output = { stdout: '', stderr: '' };
  for (const [name, value] of Object.entries({ ...reached, ...env })) vi.stubEnv(name, value);
  for (const stream of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      output[stream] += String(text);
      return true;
    });
  }
  try {
    await createProgram().parseAsync([...args], { from: 'user' });
    return { code: 0, ...output };
  } catch (error) {
    const code = reportError(error, false);
    return { code, ...output };
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
}

describe.each(['bridge', 'release'] as const)('views of ConfigHub, %s dialect', (dialect) => {
  let server: TestConfighub;
  const view = (...args: string[]) =>
    realign(args, { CUB_API_URL: server.url, CUB_TOKEN: TEST_TOKEN });
  const printed = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await view(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
    const { hub } = server;
    await installAcornBear(hub, { environments: ['dev', 'staging', 'prod'] });
    const [unit] = await hub.listUnits({
      space: (await hub.findSpace('acorn-bear-staging'))?.spaceId ?? '',
      where: equals('Slug', 'backend-api'),
    });
    if (!unit) throw new Error('not installed');
    await hub.writeData(unit, (unit.data ?? '').replace('replicas: 3', 'replicas: 4'), {
      changeDescription: 'One more',
    });
    await hub.createChangeSet(unit.spaceId, { slug: 'more', description: 'One more replica' });
    const prod = (await hub.findSpace('acorn-bear-prod'))?.spaceId ?? '';
    const waiting = await hub.findUnit(prod, 'backend-api');
    if (!waiting) throw new Error('not installed');
    await hub.patchUnit(waiting, { annotations: { 'realign.dev/waiting-for': 'approval' } });
  }, 60_000);
  afterAll(async () => {
    await server?.close();
  });

  it('lists spaces with what they hold', async () => {
    const text = await printed('spaces');
    expect(text).toMatch(/^NAME +UNITS +UPGRADABLE/);
    expect(text).toMatch(/^acorn-bear-base +9 +0/m);
    expect(text).toMatch(/^acorn-bear-prod +10 +1 +\d+ +0 .*environment=prod/m);
    const spaces = JSON.parse(await printed('spaces', '-o', 'json'));
    expect(spaces).toContainEqual(
      expect.objectContaining({
        slug: 'acorn-bear-filters',
        counts: expect.objectContaining({ units: 0, targets: 1, workers: 1 }),
      }),
    );
  });

  it('lists sets, filters and change sets', async () => {
    expect(await printed('sets', '--space', 'acorn-bear-prod')).toMatch(
      /^critical-services +acorn-bear-prod +3 +Critical services .*auto-fix=true, monitor=true/m,
    );
    const filters = await printed('filters', '--space', 'acorn-bear-filters');
    expect(filters).toMatch(
      /^critical-services +acorn-bear-filters +Unit +Labels\.tier = 'critical'/m,
    );
    expect(await printed('changesets')).toMatch(/^more +acorn-bear-staging +One more replica/m);
  });

  it('lists units by space, expression, filter and set, and how they stand', async () => {
    const staging = await printed('units', '--space', 'acorn-bear-staging');
    const live = dialect === 'bridge' ? 'Applied' : '(Applied|Released)';
    expect(staging).toMatch(
      new RegExp(
        `^backend-api +acorn-bear-staging +critical-services +${live} +2 +No +Yes +- +One more`,
        'm',
      ),
    );
    expect(
      await printed('units', '--space', 'acorn-bear-prod', '--set', 'critical-services'),
    ).toMatch(/^backend-api +acorn-bear-prod +critical-services +Pending approval +1 +Yes/m);
    const slugs = async (...args: string[]) =>
      JSON.parse(await printed('units', '-o', 'json', ...args)).map(
        (one: { spaceSlug: string; slug: string }) => `${one.spaceSlug}/${one.slug}`,
      );
    expect(await slugs('--where', "Slug = 'app-reader' AND Labels.environment = 'dev'")).toEqual([
      'acorn-bear-dev/app-reader',
    ]);
    expect(await slugs('--filter', 'security-drift', '--space', 'acorn-bear-prod')).toEqual([
      'acorn-bear-prod/app-reader',
    ]);
  });

  it('shows only so many, and says so', async () => {
    const { stdout, stderr } = await view('units', '--limit', '2');
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stderr).toMatch(/^2 of 39 are shown; --limit 39 shows all\.$/m);
  });

  it('shows what was cloned from a unit, as a tree, and spaces that are behind', async () => {
    const tree = await printed('downstream', 'acorn-bear-base/backend-api');
    expect(tree.split('\n').slice(1, 5)).toEqual([
      expect.stringMatching(/^backend-api +acorn-bear-base +- +No/),
      expect.stringMatching(/^ {2}backend-api +acorn-bear-dev +acorn-bear-base +No/),
      expect.stringMatching(/^ {4}backend-api +acorn-bear-staging +acorn-bear-dev +No/),
      expect.stringMatching(
        /^ {6}backend-api +acorn-bear-prod +acorn-bear-staging +Yes +1 +Pending approval/,
      ),
    ]);
    const spaces = await printed('downstream');
    expect(spaces).toMatch(/^acorn-bear-staging +acorn-bear-dev +9 +No +Updated/m);
    expect(spaces).toMatch(/^acorn-bear-prod +acorn-bear-staging +9 +Yes \(1\) +Pending Approval/m);
  });

  it('lists the revisions of a unit', async () => {
    const lines = (await printed('revisions', 'acorn-bear-staging/backend-api')).split('\n');
    expect(lines[1]).toMatch(/^2 +One more/);
    expect(lines[2]).toMatch(/^1 /);
  });

  it('refuses what names nothing, and expressions that are none', async () => {
    const failed = async (...args: string[]) => {
      const { code, stdout, stderr } = await view(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      return stderr;
    };
    expect(await failed('units', '--space', 'nowhere')).toContain('no space nowhere');
    expect(await failed('units', '--where', "Kind = 'x'")).toContain('400');
    expect(await failed('units', '--filter', 'nothing')).toContain('no Filter nothing');
    expect(await failed('revisions', 'nothing')).toContain('write space/unit');
    expect(await failed('revisions', 'acorn-bear-dev/nothing')).toContain('no unit nothing');
    expect(await failed('units', '--limit', '0')).toContain('no number from 1 to');
  });

  it('shows live state from ConfigHub where Realign has not compared, or says who could', async () => {
    const { code, stdout, stderr } = await view('live-state', 'acorn-bear-dev/frontend-web');
    if (dialect === 'release') {
      expect(code).toBe(2);
      expect(stderr).toContain('realign analyze');
      return;
    }
    expect(stderr).toContain('at its last action');
    expect(stdout).toMatch(/spec\.replicas +2 +2 +✅ In Sync/);
    expect(stdout).toMatch(/image +nginx:alpine +nginx:alpine +✅ In Sync/);
    expect(stdout).toMatch(/resources\.requests\.cpu +50m +50m +✅ In Sync/);
  });

  it('shows live state from the record of Realign, with what drifts', async () => {
    const name = `backend-api`;
    const ref = {
      ...{ environment: 'dev', group: 'apps', version: 'v1', kind: 'Deployment' },
      ...{ namespace: 'acorn-bear-dev', name },
    };
    const container = (image: string) => ({ spec: { containers: [{ name: 'backend', image }] } });
    const states = {
      desired: { spec: { replicas: 3, template: container('nginx:alpine') } },
      live: { spec: { replicas: 5, template: container('nginx:alpine') } },
      desiredHash: '',
    };
    const episodeId = `d-${dialect}`;
    const row = { episodeId, ref, workflowId: 'w', runId: 'r', outcome: 'detecting' } as const;
    await store.episodes.open({ ...row, firstDetected: new Date().toISOString() }, states);
    await store.episodes.update(episodeId, {
      states,
      finding: findingOf(ref),
    });
    const text = await printed('live-state', 'acorn-bear-dev/backend-api');
    expect(text).toMatch(/spec\.replicas +3 +5 +⚠️ +Drifted/);
    expect(text).toMatch(/image +nginx:alpine +nginx:alpine +✅ In Sync/);
    await store.episodes.close(episodeId, 'resolved', 'gone', new Date().toISOString());
  });
});

test('operations and the audit trail come from the api, page by page', async () => {
  const common = { operationId: 'd7-1', episodeId: 'd7', description: 'Accepted app-config' };
  const steps = [
    { kind: 'write', space: 'acorn-bear-dev', revision: 2 },
    { kind: 'upgrade', space: 'acorn-bear-staging', revision: 5 },
  ] as const;
  for (const step of steps) {
    const times = { startedAt: '2026-07-01T10:00:00.000Z', endedAt: '2026-07-01T10:00:01.000Z' };
    await store.operations.note({
      ...{ ...common, ...step, ...times, unit: 'app-config', key: step.space, status: 'done' },
    });
  }
  const list = await realign(['operations']);
  expect(list).toMatchObject({ code: 0, stderr: '' });
  expect(list.stdout).toMatch(/^d7-1 +accept +done +2 +\S+ +Accepted app-config/m);
  const one = await realign(['operations', 'show', 'd7-1']);
  expect(one.stdout).toContain('Patched units:\n  acorn-bear-dev/app-config (revision 2)');
  expect(one.stdout).toContain('Downstream spaces:\n  acorn-bear-staging');
  expect(one.stdout).toContain('Upgrades applied:\n  acorn-bear-staging/app-config (revision 5)');
  const asJson = await realign(['operations', 'show', 'd7-1', '-o', 'json']);
  expect(JSON.parse(asJson.stdout)).toMatchObject({ id: 'd7-1', affected_units: 2 });
  const absent = await realign(['operations', 'show', 'nothing']);
  expect(absent).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no operation nothing'),
  });

  const first = await realign(['audit', '--limit', '1']);
  expect(first.stdout).toMatch(/realign +upgrade +acorn-bear-staging\/app-config: Accepted/);
  const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1] ?? '';
  const second = await realign(['audit', '--limit', '1', '--cursor', cursor]);
  expect(second.stdout).toMatch(/realign +write +acorn-bear-dev\/app-config: Accepted/);
  const stranger = await realign(['audit'], { REALIGN_TOKEN: 'wrong' });
  expect(stranger).toMatchObject({ code: 2, stderr: expect.stringContaining('REALIGN_TOKEN') });
  const away = await realign(['operations'], { REALIGN_URL: 'http://127.0.0.1:1' });
  expect(away).toMatchObject({ code: 2, stderr: expect.stringContaining('no answer from') });
});
