import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Space, Unit } from '../clients/confighub/index.ts';
import {
  allOf,
  equals,
  isIn,
  lessThanAttribute,
  writtenByPerson,
} from '../clients/confighub/where.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';

const manifest = (replicas: number, image = 'nginx:alpine') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: backend-api # public
spec:
  replicas: ${replicas}
  template:
    spec:
      containers:
        - name: backend
          image: ${image}
`;

describe('units, clones and upgrades', () => {
  let server: TestConfighub;
  let base: Space;
  let dev: Space;
  let staging: Space;
  let unit: Unit;

  beforeAll(async () => {
    server = await startTestConfighub();
    const { hub } = server;
    base = await hub.createSpace({ slug: 'shop-base', labels: { project: 'shop' } });
    dev = await hub.createSpace({ slug: 'shop-dev', labels: { environment: 'dev' } });
    staging = await hub.createSpace({ slug: 'shop-staging', labels: { environment: 'staging' } });
    unit = await hub.createUnit(base.spaceId, {
      slug: 'backend-api',
      data: manifest(3),
      labels: { app: 'backend-api', tier: 'critical' },
    });
  });
  afterAll(() => server.close());

  it('creates a unit with its first revision and finds it again', async () => {
    expect(unit).toMatchObject({
      spaceSlug: 'shop-base',
      headRevision: 1,
      liveRevision: 0,
      version: 1,
    });
    const found = await server.hub.findUnit(base.spaceId, 'backend-api');
    expect(found?.data).toBe(manifest(3));
    expect(found?.targetId).toBeDefined();
    const [summary] = await server.hub.listUnits({
      where: equals('Slug', 'backend-api'),
      detail: 'summary',
    });
    expect(summary?.data).toBeUndefined();
    expect(summary).toMatchObject({ labels: { tier: 'critical' }, spaceSlug: 'shop-base' });
  });

  it('clones in bulk, level by level, with labels over the copies', async () => {
    const { hub } = server;
    for (const [from, to] of [
      [base, dev],
      [dev, staging],
    ] as const) {
      const results = await hub.cloneUnits(equals('SpaceID', from.spaceId), {
        spaces: equals('Slug', to.slug),
        labels: { environment: to.labels['environment'] ?? '' },
      });
      expect(results).toHaveLength(1);
      expect(results[0]).toMatchObject({ ok: true });
    }
    const clone = await hub.findUnit(staging.spaceId, 'backend-api');
    expect(clone).toMatchObject({
      labels: { app: 'backend-api', tier: 'critical', environment: 'staging' },
      upstream: {
        spaceId: dev.spaceId,
        slug: 'backend-api',
        spaceSlug: 'shop-dev',
        revision: 1,
        headRevision: 1,
      },
    });
  });

  it('upgrades the direct downstream only, keeps a local change and the comments', async () => {
    const { hub } = server;
    const devUnit = await hub.findUnit(dev.spaceId, 'backend-api');
    if (devUnit === undefined) throw new Error('not cloned');
    await hub.writeData(devUnit, manifest(7), { changeDescription: 'more for dev' });
    const present = await hub.getUnit(base.spaceId, unit.unitId);
    const changed = await hub.writeData(present, manifest(3, 'nginx:1.27'), {
      changeDescription: 'new image',
    });
    expect(changed).toMatchObject({ headRevision: 2, lastChangeDescription: 'new image' });

    const behind = allOf(
      equals('Unit.UpstreamUnitID', unit.unitId),
      lessThanAttribute('Unit.UpstreamRevisionNum', 'UpstreamUnit.HeadRevisionNum'),
    );
    const results = await hub.upgradeUnits(behind, { changeDescription: 'promote' });
    expect(results).toEqual([
      { ok: true, unit: expect.objectContaining({ unitId: devUnit.unitId }) },
    ]);
    expect(await hub.readData(devUnit)).toBe(manifest(7, 'nginx:1.27'));
    const stagingUnit = await hub.findUnit(staging.spaceId, 'backend-api');
    expect(stagingUnit?.data).toBe(manifest(3));
    expect(stagingUnit?.upstream).toMatchObject({ revision: 1, headRevision: 3 });
    expect(await hub.upgradeUnits(behind)).toEqual([]);
  });

  it('refuses a stale write and loses nothing among parallel writers', async () => {
    const { hub } = server;
    const counter = await hub.createUnit(base.spaceId, { slug: 'counter', data: 'count: 0\n' });
    await expect(hub.writeData({ ...counter, version: 99 }, 'x: 1\n')).rejects.toMatchObject({
      code: 'CONFIGHUB_CONFLICT',
    });
    const increment = async () => {
      for (;;) {
        const read = await hub.getUnit(counter.spaceId, counter.unitId);
        const next = Number(read.data?.slice('count: '.length)) + 1;
        try {
          return await hub.writeData(read, `count: ${next}\n`);
        } catch (error) {
          if ((error as { code?: string }).code !== 'CONFIGHUB_CONFLICT') throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, increment));
    expect(await hub.readData(counter)).toBe('count: 8\n');
    const revisions = await hub.listRevisions(counter);
    expect(revisions.map((one) => one.revision)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('patches labels without a revision and restores an old one', async () => {
    const { hub } = server;
    const made = await hub.createUnit(base.spaceId, {
      slug: 'restored',
      data: 'a: 1\n',
      labels: { x: '1', y: '2' },
    });
    const patched = await hub.patchUnit(made, {
      labels: { x: null, z: '3' },
      lastChangeDescription: 'note',
    });
    expect(patched).toMatchObject({ labels: { y: '2', z: '3' }, headRevision: 1 });
    const written = await hub.writeData(patched, 'a: 2\n');
    const restored = await hub.restoreUnit(written, 1, { changeDescription: 'back' });
    expect(restored).toMatchObject({ headRevision: 3, data: 'a: 1\n' });
    expect(await hub.revisionData(made.spaceId, made.unitId, 2)).toBe('a: 2\n');
    expect((await hub.listRevisions(made))[0]).toMatchObject({
      description: 'back',
      source: 'RestoreUnit',
    });
  });

  it('answers 207 item by item when a part of a bulk call is refused', async () => {
    const { hub } = server;
    const results = await hub.upgradeUnits(
      isIn('UnitID', [unit.unitId, (await hub.findUnit(dev.spaceId, 'backend-api'))?.unitId ?? '']),
    );
    expect(results.map((one) => one.ok).sort()).toEqual([false, true]);
    expect(results.find((one) => !one.ok)).toMatchObject({ unitId: unit.unitId, status: 400 });
  });

  it('lists by labels, relations, nulls and lengths, and refuses what it does not know', async () => {
    const { hub } = server;
    const slugs = async (where: string) =>
      (await hub.listUnits({ where: writtenByPerson(where), detail: 'state' })).map(
        (one) => `${one.spaceSlug}/${one.slug}`,
      );
    expect(await slugs(`Labels.tier='critical' AND Space.Labels.environment = 'dev'`)).toEqual([
      'shop-dev/backend-api',
    ]);
    expect(
      await slugs(`UpstreamUnit.Slug LIKE 'back%' AND UpstreamSpace.Slug ~ '^shop-d'`),
    ).toEqual(['shop-staging/backend-api']);
    expect(await slugs(`UpstreamUnitID IS NULL AND Slug IN ('counter','restored')`)).toEqual([
      'shop-base/counter',
      'shop-base/restored',
    ]);
    expect(await slugs(`LEN(ApplyGates) > 0`)).toEqual([]);
    expect(await slugs(`Labels.environment != 'dev' AND Slug = 'backend-api'`)).toEqual([
      'shop-staging/backend-api',
    ]);
    for (const wrong of [
      `Kind = 'Deployment'`,
      `(Slug = 'x')`,
      `Slug = 'a' OR Slug = 'b'`,
      `UnitID = 'x'`,
      `Slug ~ '['`,
      `Slug = 5`,
    ]) {
      await expect(slugs(wrong)).rejects.toMatchObject({
        code: 'CONFIGHUB_REFUSED',
        message: expect.stringContaining('where'),
      });
    }
  });
});
