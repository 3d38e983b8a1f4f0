import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equals } from '../clients/confighub/where.ts';
import { parseConfig } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { runApplyAll } from './project/apply-all.ts';
import { runCleanup } from './project/cleanup.ts';
import { runSetupWorker } from './project/worker.ts';
import { type Project, runInstallBase, runInstallEnvs } from './project.ts';
import { createRest } from './rest.ts';

const CONFIG = parseConfig(
  JSON.stringify({
    environments: ['dev', 'prod'].map((name) => ({ name, source: { space: `shop-${name}` } })),
    confighub: { filtersSpace: 'shop-filters' },
    autoFix: true,
    policies: [
      { name: 'review', match: { filters: ['manual-review'] }, outcome: 'ask' },
      { name: 'development', match: { environments: ['dev'] }, outcome: 'auto' },
    ],
  }),
  { env: {} },
);

describe.each(['bridge', 'release'] as const)('a project on a %s server', (dialect) => {
  let server: TestConfighub;
  let said: string[];
  const project = (dryRun = false): Project => {
    said = [];
    return {
      hub: server.hub,
      url: server.url,
      // Nothing here has a cluster: whatever asks for one has gone wrong.
      cluster: async () => Promise.reject(new AppError('KUBERNETES_UNAVAILABLE', 'no cluster')),
      prefix: 'shop',
      dryRun,
      say: (line) => said.push(line),
    };
  };
  const installEnvs = (options = { withRegions: false, dryRun: false }) =>
    runInstallEnvs(project(options.dryRun), options);
  const applyApp = (environment: string, { dryRun = false, yes = false } = {}) =>
    runApplyAll(project(dryRun), environment, {
      ...{ appOnly: true, env: {}, config: CONFIG },
      rest: createRest({ REALIGN_URL: 'http://127.0.0.1:1' }),
      confirm: async () => yes,
    });
  const spaces = async () => (await server.hub.listSpaces()).map((space) => space.slug);
  const inSpace = async (slug: string) => {
    const space = await server.hub.findSpace(`shop-${slug}`);
    const unit = space && (await server.hub.findUnit(space.spaceId, 'app-config'));
    if (unit === undefined) throw new Error(`no app-config in ${slug}`);
    return unit;
  };

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
    await server.hub.createSpace({ slug: 'foreign', labels: { project: 'shop' } });
  });
  afterAll(() => server.close());

  it('does nothing in a dry run, and says what is missing before', async () => {
    await runInstallBase(project(true));
    expect(said).toEqual(
      ['base', 'filters', 'drifts', 'drift-detector-base'].map(
        (name) => `would create space shop-${name}`,
      ),
    );
    await installEnvs({ withRegions: true, dryRun: true });
    expect(said).toContain('would clone into spaces shop-us-prod and shop-drift-detector-us-prod');
    expect(await spaces()).toEqual(['foreign']);
    await expect(installEnvs()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('install-base'),
    });
    await expect(applyApp('moon')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('installs, and adds nothing when it runs again', async () => {
    const all = async () => {
      const units = await server.hub.listUnits({ detail: 'state' });
      return units.map(({ unitId, version }) => `${unitId} ${version}`).toSorted();
    };
    const installed: (readonly string[])[] = [];
    for (let runs = 0; runs < 2; runs += 1) {
      await runInstallBase(project());
      expect(said).toEqual([
        'space shop-base has 9 units',
        'space shop-drift-detector-base has 4 units',
      ]);
      await installEnvs();
      const environments = ['dev', 'staging', 'prod'];
      expect(said).toEqual([
        ...environments.map((name) => `space shop-${name} has 10 units`),
        ...environments.map((name) => `space shop-drift-detector-${name} has 4 units`),
      ]);
      installed.push(await all());
    }
    expect(installed[1]).toEqual(installed[0]);
    expect((await inSpace('prod')).upstream?.spaceSlug).toBe('shop-staging');
  });

  it('applies what is not live, once', async () => {
    await applyApp('dev', { dryRun: true });
    expect(said).toContain('would apply shop-dev/backend-api (not live yet, revision 1 declared)');
    await applyApp('dev');
    expect(said).toEqual(['10 units of shop-dev applied']);
    await applyApp('dev');
    expect(said).toEqual(['0 units of shop-dev applied']);
  }, 30_000);

  it('applies what the policy asks about only after a yes, and says so', async () => {
    const asks =
      'prod asks before it is changed (rule review); no Realign that watches it answers at REALIGN_URL, so it needs your yes (--yes)';
    await applyApp('prod', { dryRun: true });
    expect(said.at(-1)).toBe(asks);
    await expect(applyApp('prod')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(said[0]).toBe(asks);
    expect(said).toContain(
      'shop-prod/backend-api (not live yet, revision 1 declared) needs your yes',
    );
    const { liveRevision } = await inSpace('prod');
    expect(liveRevision).toBe(0);
    await applyApp('prod', { yes: true });
    expect(said.at(-1)).toBe('10 units of shop-prod applied');
    // No rule speaks of staging here.
    await expect(applyApp('staging')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await applyApp('prod');
    expect(said).toEqual(['0 units of shop-prod applied']);
  }, 30_000);

  it('gives each region something of its own, which promotions keep', async () => {
    const { hub } = server;
    const backend = async (slug: string) => {
      const space = await hub.findSpace(`shop-${slug}`);
      const unit = space && (await hub.findUnit(space.spaceId, 'backend-api'));
      if (!space || !unit) throw new Error(`no backend-api in ${slug}`);
      return { unit, data: await hub.readData(unit), space };
    };
    for (let runs = 0; runs < 2; runs += 1) {
      await installEnvs({ withRegions: true, dryRun: false });
    }
    const [us, eu, asia] = [
      await backend('us-prod'),
      await backend('eu-prod'),
      await backend('asia-prod'),
    ];
    expect(us.space.labels).toMatchObject({ environment: 'prod', region: 'us', project: 'shop' });
    expect(us.unit.labels).toMatchObject({ region: 'us', 'requires-approval': 'true' });
    expect(eu.unit.labels).toMatchObject({ compliance: 'gdpr', region: 'eu' });
    expect(eu.data).toMatch(/compliance: gdpr/);
    expect(asia.data).toMatch(/nodeSelector:\n +zone: asia-east1/);
    for (const { unit } of [us, eu, asia]) {
      expect(unit).toMatchObject({ headRevision: 2, upstream: { spaceSlug: 'shop-prod' } });
    }
    const prod = await backend('prod');
    await hub.writeData(prod.unit, prod.data.replace('nginx:alpine', 'nginx:1.29-alpine'));
    await hub.upgradeUnits(equals('UpstreamUnitID', prod.unit.unitId));
    const promoted = (await backend('us-prod')).data;
    expect(promoted).toContain('nginx:1.29-alpine');
    expect(promoted).toMatch(/requests:\n +cpu: 200m\n +memory: 256Mi/);
  });

  it('sees to worker and target of an environment', async () => {
    await runSetupWorker(project(true), 'dev');
    expect(said).toContain('space shop-dev has worker worker, Ready');
    await runSetupWorker(project(), 'dev');
    expect(said.at(-1)).toBe('the units of dev can be applied');
    const space = await server.hub.findSpace('shop-dev');
    const units = await server.hub.listUnits({ space: space?.spaceId ?? '', detail: 'summary' });
    expect(units.filter((unit) => unit.targetId === undefined)).toEqual([]);
  });

  it('removes exactly what it made, and only when somebody says yes', async () => {
    const cleanup = (dryRun: boolean, yes: boolean) =>
      runCleanup(project(dryRun), { confirm: async () => yes, wantsCluster: async () => false });
    await expect(cleanup(false, false)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(said).toContain('to be deleted: space shop-dev with 10 units');
    await cleanup(true, true);
    expect(said).toContain('would delete space shop-dev with 10 units');
    const stays = [
      'stays: the spaces foreign, which no installation made',
      'still in the cluster, and ConfigHub does not know of it any more: the namespaces shop-dev, shop-prod (kubectl delete namespace shop-dev shop-prod)',
    ];
    expect(said.slice(-2)).toEqual(stays);
    expect(await spaces()).toHaveLength(1 + 2 + 7 + 7);
    await cleanup(false, true);
    expect(said.slice(-2)).toEqual(stays);
    expect(await spaces()).toEqual(['foreign']);
    await cleanup(false, true);
    expect(said).toEqual(['nothing of shop is installed']);
    expect(await server.hub.listUnits({ where: equals('Slug', 'app-config') })).toEqual([]);
  });
});
