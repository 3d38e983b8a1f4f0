import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../lib/log.ts';
import {
  startTestConfighub,
  TEST_TOKEN,
  type TestConfighub,
} from '../../testing/confighub-server.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts';
import { type ConfigHub, createConfighubClient } from './index.ts';
import { equals } from './where.ts';

const answer = (status: number, body = '', headers: Record<string, string> = {}): Fault => ({
  kind: 'answer',
  status,
  body,
  headers,
});
const standard = (status: number) =>
  answer(status, JSON.stringify({ Code: String(status), Message: 'because' }));

describe('the client through a bad network', () => {
  let server: TestConfighub;
  let proxy: FaultProxy;
  let hub: ConfigHub;

  beforeAll(async () => {
    server = await startTestConfighub();
    proxy = await startFaultProxy(server.url);
    hub = createConfighubClient({
      url: `${proxy.url}/api/v1/`,
      token: TEST_TOKEN,
      timeoutMs: 500,
      log: createLog('fatal'),
    });
    await hub.createSpace({ slug: 'here' });
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
    const unit = await hub.createUnit(space?.spaceId ?? '', { slug: 'u', data: 'a: 1\n' });
    const signal = AbortSignal.abort(new Error('shutting down'));
    const { operationId } = await hub.applyUnit(unit);
    await expect(
      hub.waitForOperation(unit, operationId, { timeoutMs: 5_000, signal }),
    ).rejects.toThrow('shutting down');
    await expect(
      hub.waitForOperation(unit, '00000000-0000-4000-8000-000000000000', { timeoutMs: 60 }),
    ).rejects.toMatchObject({ code: 'APPLY_FAILED' });
    expect(await hub.listUnits({ where: equals('UnitID', unit.unitId) })).toHaveLength(1);
  });
});
