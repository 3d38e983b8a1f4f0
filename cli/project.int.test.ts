import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equals } from '../clients/confighub/where.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import {
  type Project,
  runApplyAll,
  runCleanup,
  runInstallBase,
  runInstallEnvs,
  runPromote,
} from './project.ts';

describe.each(['bridge', 'release'] as const)('a project on a %s server', (dialect) => {
  let server: TestConfighub;
  let said: string[];
  const project = (dryRun = false): Project => {
    said = [];
    return { hub: server.hub, prefix: 'shop', dryRun, say: (line) => said.push(line) };
  };
  const spaces = async () => (await server.hub.listSpaces()).map((space) => space.slug);
  const inSpace = async (slug: string) => {
    const space = await server.hub.findSpace(`shop-${slug}`);
    const unit = space && (await server.hub.findUnit(space.spaceId, 'app-config'));
    if (unit === undefined) throw new Error(`no app-config in ${slug}`);
    return unit;
  };
  const promote = (from: string, to: string, approved = false, dryRun = false) =>
    runPromote(project(dryRun), { from, to, approved });

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
    await server.hub.createSpace({ slug: 'foreign', labels: { project: 'shop' } });
  });
  afterAll(() => server.close());

  it('does nothing in a dry run, and says what is missing before', async () => {
    await runInstallBase(project(true));
    expect(said).toEqual(['would create space shop-base', 'would create space shop-filters']);
    expect(await spaces()).toEqual(['foreign']);
    await expect(runInstallEnvs(project())).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('install-base'),
    });
    await expect(runApplyAll(project(), 'moon')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('installs, and adds nothing when it runs again', async () => {
    for (let runs = 0; runs < 2; runs += 1) {
      await runInstallBase(project());
      expect(said).toEqual(['space shop-base has 9 units']);
      await runInstallEnvs(project());
      expect(said).toEqual(
        ['dev', 'staging', 'prod'].map((name) => `space shop-${name} has 10 units`),
      );
    }
    expect((await inSpace('prod')).upstream?.spaceSlug).toBe('shop-staging');
  });

  it('applies what is not live, once', async () => {
    await runApplyAll(project(), 'dev');
    expect(said).toEqual(['10 units of shop-dev applied']);
    await runApplyAll(project(), 'dev');
    expect(said).toEqual(['0 units of shop-dev applied']);
  }, 30_000);

  it('promotes one level at a time, and into production only with approval', async () => {
    const { hub } = server;
    const base = await inSpace('base');
    await hub.writeData(base, (base.data ?? '').replace('log_level: info', 'log_level: debug'));
    await promote('base', 'dev', false, true);
    expect(said).toEqual(['would upgrade shop-dev/app-config']);
    await promote('base', 'dev');
    expect((await inSpace('dev')).data).toContain('log_level: debug');
    expect((await inSpace('staging')).data).toContain('log_level: info');
    await promote('dev', 'staging');
    await promote('dev', 'staging');
    expect(said).toEqual(['no unit of shop-staging is behind shop-dev']);
    await expect(promote('staging', 'prod')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const waiting = await inSpace('prod');
    expect(waiting.data).toContain('log_level: info');
    expect(waiting.annotations).toEqual({ 'realign.dev/waiting-for': 'approval' });
    await promote('staging', 'prod', true);
    const promoted = await inSpace('prod');
    expect(promoted.data).toContain('log_level: debug');
    expect(promoted.annotations).toEqual({});
  });

  it('removes exactly what it made, and only when somebody says yes', async () => {
    await expect(runCleanup(project(), async () => false)).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await spaces()).toHaveLength(6);
    await runCleanup(project(), async () => true);
    expect(await spaces()).toEqual(['foreign']);
    await runCleanup(project(), async () => true);
    expect(said).toEqual(['nothing of shop is installed']);
    expect(await server.hub.listUnits({ where: equals('Slug', 'app-config') })).toEqual([]);
  });
});
