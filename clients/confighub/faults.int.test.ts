import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../lib/log.ts';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts';
import { type ConfigHub, createConfighubClient, type Unit } from './index.ts';
import { equals } from './where.ts';

/** How long silence lasts; what is answered must take less, on a busy machine, too. */
const TIMEOUT_MS = 1_000;
const NOBODY = '00000000-0000-4000-8000-000000000000';
const answer = (status: number, body = '', headers: Record<string, string> = {}): Fault => ({
  kind: 'answer',
  status,
  body,
  headers,
});
const standard = (status: number) =>
  answer(status, JSON.stringify({ Code: String(status), Message: 'because' }));

describe.each(['bridge', 'release'] as const)('a bad network, %s dialect', (dialect) => {
  let server: TestConfighub;
  let proxy: FaultProxy;
  let hub: ConfigHub;
  let unit: Unit;

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
    proxy = await startFaultProxy(server.url);
    hub = createConfighubClient({
      url: `${proxy.url}/api/v1/`,
      token: TEST_TOKEN,
      timeoutMs: TIMEOUT_MS,
      dialect,
      log: createLog('fatal'),
    });
    // Not through the proxy: nothing is to be seen of it, and it may take its time.
    const space = await server.hub.createSpace({ slug: 'here' });
    unit = await server.hub.createUnit(space.spaceId, { slug: 'read', data: 'a: 1\n' });
  });
  afterAll(async () => {
    await proxy.close();
    await server.close();
  });

  it.each<[string, readonly Fault[]]>([
    ['503 twice', [standard(503), standard(503)]],
    ['429 with Retry-After', [answer(429, '', { 'retry-after': '0' })]],
    ['a proxy that answers 502 with a page', [answer(502, '<html>Bad gateway</html>')]],
    ['a connection cut before the answer', [{ kind: 'cut', after: 'nothing' }]],
    ['a connection cut in the answer', [{ kind: 'cut', after: 'headers' }]],
    ['silence', [{ kind: 'silence' }]],
  ])('reads again after %s', async (_name, faults) => {
    proxy.inject(...faults);
    expect((await hub.listSpaces()).map((space) => space.slug)).toEqual(['here']);
    expect(proxy.seen).toHaveLength(faults.length + 1);
    expect(proxy.seen[0]).toBe('GET /api/space');
  });

  it.each<[string, Fault]>([
    ['503', standard(503)],
    ['429 with Retry-After', answer(429, '', { 'retry-after': '0' })],
    ['504', answer(504, '<html>Time-out</html>')],
    ['a connection cut in the answer', { kind: 'cut', after: 'headers' }],
    ['silence', { kind: 'silence' }],
  ])('reads units and their data again after %s', async (_name, fault) => {
    proxy.inject(fault);
    expect(await hub.readData(unit)).toBe('a: 1\n');
    expect(proxy.seen).toHaveLength(2);
    proxy.inject(fault);
    const listed = await hub.listUnits({ where: equals('UnitID', unit.unitId) });
    expect(listed).toMatchObject([{ slug: 'read', data: 'a: 1\n' }]);
    proxy.inject(fault);
    expect((await hub.getUnit(unit.spaceId, unit.unitId)).data).toBe('a: 1\n');
    proxy.inject(fault);
    expect((await hub.listRevisions(unit)).length).toBe(unit.headRevision);
  });

  it.each<[string, Fault, string]>([
    ['401', standard(401), 'CONFIGHUB_UNAUTHORIZED'],
    ['403', standard(403), 'CONFIGHUB_UNAUTHORIZED'],
    ['404', standard(404), 'NOT_FOUND'],
    ['409', standard(409), 'CONFIGHUB_CONFLICT'],
    ['422', standard(422), 'CONFIGHUB_REFUSED'],
    ['429', answer(429, '', { 'retry-after': '0' }), 'CONFIGHUB_UNAVAILABLE'],
    ['500', standard(500), 'CONFIGHUB_UNAVAILABLE'],
    ['503', standard(503), 'CONFIGHUB_UNAVAILABLE'],
    ['a cut connection', { kind: 'cut', after: 'nothing' }, 'CONFIGHUB_UNAVAILABLE'],
    ['silence', { kind: 'silence' }, 'CONFIGHUB_UNAVAILABLE'],
    ['garbage', answer(200, 'garbage'), 'CONFIGHUB_REFUSED'],
  ])('sends what changes something once, whatever comes back: %s', async (_name, fault, code) => {
    const once = async (call: () => Promise<unknown>, method: string) => {
      // Reads before a write are answered; the write itself is not.
      proxy.inject();
      proxy.injectFor(method, fault);
      await expect(call()).rejects.toMatchObject({ code });
      expect(proxy.seen.filter((one) => one.startsWith(method))).toHaveLength(1);
    };
    const present = await hub.getUnit(unit.spaceId, unit.unitId);
    await once(() => hub.writeData(present, 'a: 2\n'), 'PUT');
    await once(() => hub.patchUnit(present, { labels: { a: 'b' } }), 'PATCH');
    await once(() => hub.applyUnit(present), 'POST');
    await once(() => hub.upgradeUnits(equals('UnitID', unit.unitId)), 'PATCH');
    await once(() => hub.deleteUnit({ ...present, unitId: NOBODY }), 'DELETE');
    proxy.inject();
    expect(await hub.getUnit(unit.spaceId, unit.unitId)).toMatchObject({
      headRevision: present.headRevision,
      labels: {},
      lastAppliedRevision: 0,
    });
  });

  it.each([
    [401, 'CONFIGHUB_UNAUTHORIZED'],
    [403, 'CONFIGHUB_UNAUTHORIZED'],
    [404, 'NOT_FOUND'],
    [409, 'CONFIGHUB_CONFLICT'],
    [400, 'CONFIGHUB_REFUSED'],
    [422, 'CONFIGHUB_REFUSED'],
    [500, 'CONFIGHUB_UNAVAILABLE'],
  ])('turns a %i into %s at once', async (status, code) => {
    proxy.inject(standard(status), standard(status), standard(status), standard(status));
    await expect(hub.listSpaces()).rejects.toMatchObject({ code, details: { status } });
    expect(proxy.seen).toHaveLength(1);
  });

  it('gives up after four tries, with an error that may be tried again', async () => {
    proxy.inject(...Array.from({ length: 9 }, () => standard(503)));
    await expect(hub.listSpaces()).rejects.toMatchObject({
      code: 'CONFIGHUB_UNAVAILABLE',
      retryable: true,
    });
    expect(proxy.seen).toHaveLength(4);
  });

  it('does not wait for a Retry-After that is too long', async () => {
    proxy.inject(answer(429, '', { 'retry-after': '3600' }));
    await expect(hub.listSpaces()).rejects.toMatchObject({ code: 'CONFIGHUB_UNAVAILABLE' });
    expect(proxy.seen).toHaveLength(1);
  });

  it('says which variable to check, without the token', async () => {
    proxy.inject(standard(401));
    const error = await hub.me().catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('CUB_TOKEN');
    expect(JSON.stringify(error) + String(error)).not.toContain(TEST_TOKEN);
  });

  it.each<[string, Fault, string]>([
    ['503', standard(503), 'CONFIGHUB_UNAVAILABLE'],
    ['a cut connection', { kind: 'cut', after: 'nothing' }, 'CONFIGHUB_UNAVAILABLE'],
    ['409', standard(409), 'CONFIGHUB_CONFLICT'],
  ])('never repeats a write after %s', async (_name, fault, code) => {
    proxy.inject(fault);
    await expect(hub.createSpace({ slug: 'once' })).rejects.toMatchObject({ code });
    expect(proxy.seen).toEqual(['POST /api/space']);
    expect(await hub.findSpace('once')).toBeUndefined();
  });

  it.each([
    ['no JSON', 'garbage'],
    ['another shape', '{"a":1}'],
    ['entities without ids', '[{"Space":{"Slug":"x"}}]'],
  ])('refuses an answer with %s', async (_name, body) => {
    proxy.inject(answer(200, body));
    await expect(hub.listSpaces()).rejects.toMatchObject({ code: 'CONFIGHUB_REFUSED' });
  });

  it('stops waiting for an operation when told to', async () => {
    const space = await hub.findSpace('here');
    const applied = await hub.createUnit(space?.spaceId ?? '', { slug: 'u', data: 'a: 1\n' });
    const signal = AbortSignal.abort(new Error('shutting down'));
    const { operationId } = await hub.applyUnit(applied);
    await expect(
      hub.waitForOperation(applied, operationId, { timeoutMs: 5_000, signal }),
    ).rejects.toThrow('shutting down');
    // A release that is not there is known not to be; events of an operation may come later.
    await expect(hub.waitForOperation(applied, NOBODY, { timeoutMs: 60 })).rejects.toMatchObject({
      code: dialect === 'release' ? 'NOT_FOUND' : 'APPLY_FAILED',
    });
    expect(await hub.listUnits({ where: equals('UnitID', applied.unitId) })).toHaveLength(1);
  });
});
