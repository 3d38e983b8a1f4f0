import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Unit } from '../clients/confighub/index.ts';
import { NO_SPACE } from '../lib/errors.ts';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { createConfighubSource } from './confighub.ts';
import type { DesiredSnapshot } from './source.ts';

let confighub: TestConfighub;
let spaces = 0;

beforeAll(async () => {
  confighub = await startTestConfighub();
});

afterAll(async () => {
  await confighub.close();
});

const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  value: ${value}\n`;

async function setUp(units: Readonly<Record<string, string>>) {
  const { hub } = confighub;
  const space = `space-${++spaces}`;
  const { spaceId } = await hub.createSpace({ slug: space });
  const made = new Map<string, Unit>();
  for (const [slug, data] of Object.entries(units)) {
    made.set(slug, await hub.createUnit(spaceId, { slug, data }));
  }
  const source = createConfighubSource({
    hub,
    environment: { name: 'dev', source: { kind: 'confighub', space }, defaultNamespace: 'shop' },
  });
  const unit = async (slug: string): Promise<Unit> => {
    const found = await hub.findUnit(spaceId, slug);
    if (found === undefined) throw new Error(`no unit ${slug}`);
    return found;
  };
  return {
    hub,
    source,
    unit,
    write: async (slug: string, data: string) => hub.writeData(await unit(slug), data),
    async apply(slug: string) {
      const one = await unit(slug);
      const { operationId } = await hub.applyUnit(one);
      await hub.waitForOperation(one, operationId, { timeoutMs: 10_000 });
    },
  };
}

const values = (snapshot: DesiredSnapshot | undefined) =>
  Object.fromEntries(
    [...(snapshot?.objects ?? [])].map(([key, one]) => [
      key,
      (one.object['data'] as { value: unknown }).value,
    ]),
  );
const keyOf = (name: string) => `/ConfigMap/shop/${name}`;
const refOf = (name: string) => ({ group: '', kind: 'ConfigMap', namespace: 'shop', name });

describe('desired state from ConfigHub', () => {
  it('reads a unit anew, unless what was read a moment ago will do', async () => {
    const { source, write } = await setUp({ one: configMap('a', '"1"') });
    await source.load();
    await source.find(refOf('a'));
    await write('one', configMap('a', '"2"'));
    const within = async (maxAgeMs?: number) => {
      const found = await source.find(refOf('a'), undefined, maxAgeMs);
      return [found?.revision, found?.object['data']];
    };
    expect(await within(60_000)).toEqual(['1', { value: '1' }]);
    expect(await within()).toEqual(['2', { value: '2' }]);
    expect(await within(60_000)).toEqual(['2', { value: '2' }]);
  });

  it('reads every object of every unit, with the default namespace', async () => {
    const { source } = await setUp({
      both: `${configMap('a', '"1"')}---\n${configMap('b', '"2"')}`,
      role: 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: r\nrules: []\n',
    });
    const { objects, errors } = await source.load();
    expect([...objects.keys()]).toEqual([
      keyOf('a'),
      keyOf('b'),
      'rbac.authorization.k8s.io/ClusterRole//r',
    ]);
    expect(objects.get(keyOf('a'))?.object.metadata.namespace).toBe('shop');
    expect(objects.get(keyOf('a'))?.unit.slug).toBe('both');
    expect(errors).toEqual([]);
  });

  it('reports a unit that cannot be read, and goes on with the others', async () => {
    const { source, write } = await setUp({
      good: configMap('good', 'x'),
      bad: 'apiVersion: v1\nkind: [\n',
    });
    const first = await source.load();
    expect(values(first)).toEqual({ [keyOf('good')]: 'x' });
    expect(first.errors).toEqual([{ unit: 'bad', message: expect.stringMatching(/line|:\d+/) }]);
    await write('bad', configMap('bad', 'y'));
    const second = await source.refresh(first.revision);
    expect(values(second)).toEqual({ [keyOf('good')]: 'x', [keyOf('bad')]: 'y' });
    expect(second?.errors).toEqual([]);
  });

  it('does not say that nobody declares what a unit declared that cannot be read', async () => {
    const { source, write, unit } = await setUp({
      one: configMap('a', 'x'),
      two: configMap('b', 'y'),
    });
    const first = await source.load();
    await write('one', 'kind: [\n');
    await expect(source.find(refOf('a'))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('unit one cannot be read'),
    });
    await expect(source.ofUnit(await unit('one'))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    });
    expect(await source.find(refOf('c'))).toBeUndefined();
    const broken = await source.refresh(first.revision);
    expect(broken?.hiddenBy(keyOf('a'))?.unit).toBe('one');
    expect(broken?.hiddenBy(keyOf('c'))).toBeUndefined();
    await write('one', configMap('c', 'z'));
    expect(await source.find(refOf('a'))).toBeUndefined();
    expect(await source.find(refOf('c'))).toBeDefined();
  });

  it('takes a unit that could never be read for one that may declare anything but what another gave up', async () => {
    const { source, write } = await setUp({ bad: 'kind: [\n', good: configMap('b', 'y') });
    await source.load();
    await expect(source.find(refOf('a'))).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
    await write('good', configMap('c', 'y'));
    expect(await source.find(refOf('b'))).toBeUndefined();
    expect(await source.find(refOf('c'))).toBeDefined();
  });

  it('lets the first unit keep an object that two declare, and names both', async () => {
    const { source } = await setUp({ one: configMap('a', 'x'), two: configMap('a', 'y') });
    const { objects, errors } = await source.load();
    expect(objects.get(keyOf('a'))?.unit.slug).toBe('one');
    expect(errors).toEqual([{ unit: 'two', message: expect.stringContaining('unit one') }]);
  });

  it('says nothing where nothing changed, and keeps what did not change', async () => {
    const { source, write } = await setUp({ one: configMap('a', 'x'), two: configMap('b', 'y') });
    const first = await source.load();
    expect(await source.refresh(first.revision)).toBeUndefined();
    await write('two', configMap('b', 'z'));
    const second = await source.refresh(first.revision);
    expect(values(second)).toEqual({ [keyOf('a')]: 'x', [keyOf('b')]: 'z' });
    expect(second?.objects.get(keyOf('a'))).toBe(first.objects.get(keyOf('a')));
  });

  it('does not hide a change from one caller because another saw it first', async () => {
    const { source, write } = await setUp({ one: configMap('a', 'x') });
    const first = await source.load();
    await write('one', configMap('a', 'y'));
    expect((await source.find(refOf('a')))?.object['data']).toEqual({ value: 'y' });
    await source.load();
    expect(values(await source.refresh(first.revision))).toEqual({ [keyOf('a')]: 'y' });
  });

  it('knows what was applied: never, the head, or an older revision', async () => {
    const { source, write, apply } = await setUp({ one: configMap('a', 'x') });
    const look = async () => (await source.load()).objects.get(keyOf('a'));
    expect(await look()).toMatchObject({ applied: 'never' });
    await apply('one');
    const applied = await look();
    expect(applied?.applied).toBe('head');
    expect(applied?.base).toBe(applied?.compiled);
    await write('one', `${configMap('a', 'y')}---\n${configMap('new', 'z')}`);
    const behind = await look();
    expect(behind?.applied).toBe('behind');
    expect(behind?.base?.object['data']).toEqual({ value: 'x' });
    expect((await source.find(refOf('new')))?.applied).toBe('never');
    await apply('one');
    expect((await source.find(refOf('a')))?.applied).toBe('head');
  });

  it('finds an object by a fresh read, and not after its unit is gone', async () => {
    const { source, hub, unit } = await setUp({ one: configMap('a', 'x') });
    expect((await source.find(refOf('a')))?.revision).toBe('1');
    await hub.deleteUnit(await unit('one'));
    expect(await source.find(refOf('a'))).toBeUndefined();
    expect(await source.find(refOf('never-there'))).toBeUndefined();
  });

  it('refuses a space that does not exist, and finds it once it does', async () => {
    const { hub } = confighub;
    const source = createConfighubSource({
      hub,
      environment: {
        name: 'dev',
        source: { kind: 'confighub', space: 'later' },
        defaultNamespace: 'shop',
      },
    });
    await expect(source.load()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await hub.createSpace({ slug: 'later' });
    expect((await source.load()).units).toEqual([]);
  });

  it('says that its space is gone, and goes on in the one that is made in its place', async () => {
    const { hub } = confighub;
    const slug = 'comes-back';
    const place = { kind: 'confighub', space: slug } as const;
    const source = createConfighubSource({
      ...{ hub, environment: { name: 'dev', source: place, defaultNamespace: 'shop' } },
    });
    const declare = async () => {
      const { spaceId } = await hub.createSpace({ slug });
      await hub.createUnit(spaceId, { slug: 'one', data: configMap('a', 'x') });
      return spaceId;
    };
    const spaceId = await declare();
    const { revision } = await source.load();
    await hub.deleteSpace(spaceId);
    for (const look of [() => source.refresh(revision), () => source.find(refOf('a'))]) {
      await expect(look()).rejects.toMatchObject({
        message: `ConfigHub has no space ${slug} any more`,
        details: { reason: NO_SPACE, repair: expect.stringContaining('goes on by itself') },
      });
    }
    const other = await declare();
    expect((await source.load()).objects.get(keyOf('a'))?.unit.spaceId).toBe(other);
    // Where it is made anew between two looks, nobody sees that it was gone.
    await hub.deleteSpace(other);
    const third = await declare();
    expect((await source.load()).objects.get(keyOf('a'))?.unit.spaceId).toBe(third);
  });

  it('leaves out the members of a set that is not monitored, as long as they are in it', async () => {
    const { hub, source, unit } = await setUp({
      a: configMap('a', 'one'),
      b: configMap('b', 'two'),
    });
    const first = await source.load();
    const { spaceId } = await unit('b');
    const quiet = await hub.createSet(spaceId, { slug: 'quiet', labels: { monitor: 'false' } });
    const loud = await hub.createSet(spaceId, { slug: 'loud', labels: { monitor: 'true' } });
    await hub.patchUnit(await unit('a'), { setId: loud.setId });
    await hub.patchUnit(await unit('b'), { setId: quiet.setId });
    const without = await source.refresh(first.revision);
    expect(values(without)).toEqual({ [keyOf('a')]: 'one' });
    expect(await source.find(refOf('b'))).toBeUndefined();
    // An apply still writes all of it, and whoever consents to one must see that.
    expect(await source.ofUnit(await unit('b'))).toHaveLength(1);
    expect(await source.setLabelsOf?.(await unit('a'))).toEqual({ monitor: 'true' });
    await hub.patchUnit(await unit('b'), { setId: null });
    expect(values(await source.refresh(without?.revision ?? ''))).toEqual({
      [keyOf('a')]: 'one',
      [keyOf('b')]: 'two',
    });
    expect(await source.setLabelsOf?.(await unit('b'))).toEqual({});
  });
});
