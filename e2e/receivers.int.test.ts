import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type CrashStage, openCrashStage, type Place } from '../testing/crash-stage.ts';
import { type DriftLane, openDriftLane } from '../testing/drift-lane.ts';
import { eventually } from '../testing/eventually.ts';
import { keepOpenHistory } from '../testing/keep-history.ts';
import { createMailbox } from '../testing/mailbox.ts';

// Webhooks, PagerDuty and mail hear of drifts by their own runs: who is told, what, and how often, on real parts.

const SECRET = 'a-secret-of-the-receivers';
type Taken = {
  readonly path: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
};
const taken: Taken[] = [];
/** What a path answers with; 200 where nothing is said. */
const statuses = new Map<string, number>();
const http = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += String(part);
  });
  request.on('end', () => {
    const path = request.url ?? '';
    const status = statuses.get(path) ?? 200;
    taken.push({ path, status, headers: request.headers, body });
    response.writeHead(status).end();
  });
});
const mailbox = createMailbox();
const { mails } = mailbox;
let stage: CrashStage;
let lane: DriftLane;
/** The fix waits for this, so that its beginning and its end are not told as one. */
const acknowledged = Promise.withResolvers<void>();

const holdFix: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      if (info.activityType === 'openChangeSet') await acknowledged.promise;
      return next(input);
    },
  },
});

beforeAll(async () => {
  stage = await openCrashStage();
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  lane = await openDriftLane(stage, 'told', {
    sections: { notifications: sectionOf(port, await mailbox.listen()) },
    rules: { far: { receivers: ['rare'] } },
    interceptors: [holdFix],
  });
}, 120_000);

afterAll(async () => {
  acknowledged.resolve();
  await lane?.stop();
  await stage?.close();
  http.close();
  await mailbox.close();
});

function sectionOf(port: number, mailPort: number): object {
  const at = (path: string) => `http://127.0.0.1:${port}${path}`;
  const environments = [stage.refOf('asked', '').environment];
  return {
    smtp: { host: '127.0.0.1', port: mailPort, tls: 'none', from: 'realign@example.com' },
    receivers: [
      { name: 'pager', pagerduty: { routingKey: 'the-routing-key', url: at('/pager') } },
      { name: 'hook', webhook: { url: at('/hook'), secret: SECRET } },
      { name: 'mail', email: { to: ['team@example.com'] } },
      { name: 'barred', webhook: { url: at('/barred') } },
      { name: 'rare', webhook: { url: at('/rare') } },
    ],
    routes: [
      { match: { environments, events: ['question'] }, receivers: ['pager'], continue: true },
      { match: { environments }, receivers: ['hook', 'mail', 'barred'] },
    ],
    default: ['hook'],
    retryRefusedAfter: '1s',
  };
}

async function drifted(place: Place, name: string): Promise<ResourceRef> {
  await stage.install(place, name, { mode: 'calm' });
  const ref = stage.refOf(place, name);
  await lane.edit(ref, 'wild');
  return ref;
}

/** What a path has taken about a resource, parsed, oldest first. */
function toldAt(path: string, name: string) {
  return taken
    .filter((one) => one.path === path && one.status === 200 && one.body.includes(name))
    .map((one) => ({ ...one, said: JSON.parse(one.body) as Record<string, unknown> }));
}

function triesAt(path: string): number {
  return taken.filter((one) => one.path === path).length;
}

it('a question, its approval and its fix are told to each receiver of the routes in its own way', async () => {
  statuses.set('/barred', 404);
  const ref = await drifted('asked', 'routed');
  const question = await lane.question(ref);
  await until('the trigger', () => toldAt('/pager', 'routed').length === 1);
  await until('a mail', () => mails.length === 1);
  expect(await lane.decide(question, 'ann', 'approve')).toBe('approve taken');
  await until('the acknowledgement', () => pagerActions(question.episodeId).length === 2);
  acknowledged.resolve();
  await lane.until(ref, 'fixed');
  await until('the end of the alert', () => pagerActions(question.episodeId).includes('resolve'));
  expect(pagerActions(question.episodeId)).toEqual(['trigger', 'acknowledge', 'resolve']);

  await until('the fix', () => toldAt('/hook', 'routed').at(-1)?.said['state'] === 'fixed');
  const told = toldAt('/hook', 'routed');
  expect(told[0]?.said).toMatchObject({ state: 'waiting', digest: question.digest });
  for (const { headers, body } of told) {
    const signed = `${headers['x-realign-timestamp']}.${body}`;
    const hmac = createHmac('sha256', SECRET).update(signed).digest('hex');
    expect(headers['x-realign-signature']).toBe(`sha256=${hmac}`);
  }
  const fingerprints = told.map((one) => one.headers['x-realign-id']);
  expect(new Set(fingerprints).size).toBe(told.length);

  await until('the mail of the end', () => mails.length === 2);
  const [first = '', second = ''] = mails.map((one) => one.replaceAll('=\r\n', ''));
  expect(first).toContain(`realign approve ${question.id}`);
  expect(second).toContain('state: fixed');
  const id = /Message-ID: (<[^>]+>)/i.exec(first)?.[1] ?? 'no id';
  expect(second).toContain(`In-Reply-To: ${id}`);
  // It has refused all along, and nobody else has waited for it.
  expect(triesAt('/barred')).toBeGreaterThan(0);
  expect(toldAt('/rare', 'routed')).toEqual([]);
}, 60_000);

it('a receiver that refused is told without any change once it takes messages again', async () => {
  statuses.set('/barred', 403);
  const ref = await drifted('asked', 'mended');
  const question = await lane.question(ref);
  const failure = () =>
    lane.parts.store.messages
      .listFor(question.episodeId)
      .then((all) => all.find((one) => one.receiver === 'barred')?.failure);
  await until('the refusal on record', failure);
  expect(await failure()).toContain('403');
  statuses.delete('/barred');
  await until('the question', () => toldAt('/barred', 'mended').length === 1);
  expect(toldAt('/barred', 'mended')[0]?.said).toMatchObject({ state: 'waiting' });
  expect(await failure()).toBeUndefined();
  await keepOpenHistory(stage, lane, 'announcements:told:barred', 'announcements');
}, 60_000);

it('the receiver of a rule is told before all routes, and after an outage once, as things are then', async () => {
  statuses.set('/rare', 503);
  const ref = await drifted('far', 'away');
  const first = await lane.question(ref);
  await until('a try', () => triesAt('/rare') > 0);
  await lane.edit(ref, 'wilder');
  const second = await lane.question(ref, first);
  const tries = triesAt('/rare');
  await until('another try', () => triesAt('/rare') > tries);
  statuses.delete('/rare');
  await until('what is asked now', () => toldAt('/rare', 'away').length > 0);
  expect(await lane.decide(second, 'ann', 'reject')).toBe('reject taken');
  await until('the end', () => toldAt('/rare', 'away').at(-1)?.said['state'] === 'rejected');
  const told = toldAt('/rare', 'away').map(({ said }) => [said['state'], said['digest']]);
  expect(told).toEqual([
    ['waiting', second.digest],
    ['rejected', second.digest],
  ]);
  expect(toldAt('/hook', 'away')).toEqual([]);
}, 60_000);

/** The actions of one alert: all have the key of its episode. */
function pagerActions(episodeId: string): readonly unknown[] {
  const events = taken.filter((one) => one.path === '/pager').map((one) => JSON.parse(one.body));
  return events
    .filter((one) => one.dedup_key === `realign-${episodeId}`)
    .map((one) => one.event_action);
}

function until(what: string, holds: () => unknown): Promise<unknown> {
  return eventually(async () => await holds(), { timeoutMs: 30_000, what });
}
