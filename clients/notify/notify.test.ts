import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MessageState, MessageView } from '../../drift/message/message-view.ts';
import { createMailbox } from '../../testing/mailbox.ts';
import { createEmailNotifier } from './email.ts';
import { createPagerdutyNotifier } from './pagerduty.ts';
import { createWebhookNotifier } from './webhook.ts';

type Taken = { readonly headers: Record<string, unknown>; readonly body: string };
const taken: Taken[] = [];
const answer = { status: 200, headers: {} as Record<string, string> };
const http = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += String(part);
  });
  request.on('end', () => {
    taken.push({ headers: request.headers, body });
    response.writeHead(answer.status, answer.headers).end();
  });
});
const mailbox = createMailbox();
const { mails } = mailbox;
let url = '';
let mailPort = 0;

beforeAll(async () => {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/hook`;
  mailPort = await mailbox.listen();
});

afterAll(async () => {
  http.close();
  await mailbox.close();
});

beforeEach(() => {
  taken.length = 0;
  mails.length = 0;
  mailbox.refuses = false;
  Object.assign(answer, { status: 200, headers: {} });
});

const SUMMARY = 'ConfigMap/shop/web: data.a: x → <b>"y"\r\nBcc: evil@example.com';

function view(state: MessageState): MessageView {
  return {
    ...{ about: 'drift', state, episodeId: 'd1', workflowId: 'drift:d1', environment: 'prod' },
    ...{ isProduction: true, severity: 'high', types: [], direction: 'forward', summary: SUMMARY },
    ...{ firstSeen: '2026-11-20T10:00:00Z', changedBy: { certainty: 'unknown' }, changes: [] },
    ...{ omitted: 0, fights: [], fixes: [], decisions: [], progress: [], approvalChannel: 'web' },
    links: { bases: [], workflow: 'http://temporal/w' },
  };
}

function headline(state: MessageState) {
  return { kind: 'headline', view: view(state) } as const;
}

const TO = { name: 'hook d1 headline' };

describe('a webhook', () => {
  const NOW = Date.parse('2026-11-20T10:00:00Z');
  const receiver = () => ({ name: 'hook', kind: 'webhook', url, secret: 'shared' }) as const;

  it('signs what it sends, under the same id for each try', async () => {
    const draft = createWebhookNotifier(receiver(), () => NOW).compose(headline('waiting'));
    await draft?.send(TO);
    await draft?.send(TO);
    const [first, second] = taken;
    const signed = `${NOW / 1_000}.${first?.body}`;
    const hmac = createHmac('sha256', 'shared').update(signed).digest('hex');
    expect(first?.headers['x-realign-signature']).toBe(`sha256=${hmac}`);
    expect(second?.headers['x-realign-id']).toBe(first?.headers['x-realign-id']);
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      version: 1,
      state: 'waiting',
      severity: 'high',
    });
  });

  it('fills a template once, whatever the fields say', async () => {
    const template = {
      text: { text: '{{severity}} {{summary}} {{rule}}!', escapes: [] },
      fixed: { text: 'as it is', escapes: ['slack'] },
    } as const;
    const notifier = createWebhookNotifier({ ...receiver(), template }, () => NOW);
    const said = { ...headline('fixed'), view: { ...view('fixed'), summary: '{{severity}}"}' } };
    await notifier.compose(said)?.send(TO);
    expect(JSON.parse(taken[0]?.body ?? '')).toEqual({
      text: 'high {{severity}}"} !',
      fixed: 'as it is',
    });
  });

  it('lets nobody who writes to a cluster break out of a template', async () => {
    const summary = '<!channel> @here `x` "}, {"admin": true';
    const text = '{"text": "{{summary}}", "quorum": "{{quorum}}"}';
    const template = {
      payload: { text, escapes: ['json'] },
      chat: { text, escapes: ['slack', 'json'] },
      text: { text: '{{summary}}', escapes: ['slack'] },
      raw: { text: '{{summary}}', escapes: [] },
    } as const;
    const notifier = createWebhookNotifier({ ...receiver(), template }, () => NOW);
    await notifier.compose({ kind: 'headline', view: { ...view('fixed'), summary } })?.send(TO);
    const body = JSON.parse(taken[0]?.body ?? '');
    expect(JSON.parse(body.payload)).toEqual({ text: summary, quorum: '' });
    const disarmed = '&lt;!channel&gt; ＠here \'x\' "}, {"admin": true';
    expect(body.text).toBe(disarmed);
    expect(JSON.parse(body.chat)).toEqual({ text: disarmed, quorum: '' });
    expect(body.raw).toBe(summary);
  });

  it.each([
    [
      429,
      { 'retry-after': '7' },
      { code: 'RECEIVER_UNAVAILABLE', details: { retryAfterMs: 7_000 } },
    ],
    [503, {}, { code: 'RECEIVER_UNAVAILABLE' }],
    [404, {}, { code: 'RECEIVER_REFUSED' }],
    [302, { location: 'http://127.0.0.1:1/' }, { code: 'RECEIVER_REFUSED' }],
  ])('that answers %i', async (status, headers, error) => {
    Object.assign(answer, { status, headers });
    const draft = createWebhookNotifier(receiver(), () => NOW).compose(headline('waiting'));
    await expect(draft?.send(TO)).rejects.toMatchObject(error);
    expect(taken).toHaveLength(1);
  });
});

describe('PagerDuty', () => {
  it('hears of one alert for each drift: triggered, acknowledged, resolved', async () => {
    const notifier = createPagerdutyNotifier({
      name: 'pager',
      kind: 'pagerduty',
      url,
      routingKey: 'key',
    });
    for (const state of ['waiting', 'approved', 'fixed'] as const) {
      await notifier.compose(headline(state))?.send(TO);
    }
    const events = taken.map((one) => JSON.parse(one.body));
    expect(events.map((one) => one.event_action)).toEqual(['trigger', 'acknowledge', 'resolve']);
    expect(new Set(events.map((one) => one.dedup_key))).toEqual(new Set(['realign-d1']));
    expect(events[0]).toMatchObject({
      routing_key: 'key',
      payload: { severity: 'error', source: 'prod' },
    });
    expect(notifier.compose(headline('analysing'))).toBeUndefined();
  });
});

describe('mail', () => {
  const notifier = () => {
    const server = {
      host: '127.0.0.1',
      port: mailPort,
      tls: 'none',
      from: 'realign@example.com',
    } as const;
    return createEmailNotifier({
      name: 'mail',
      kind: 'email',
      to: ['a@example.com'],
      smtp: server,
    });
  };

  it('is text and escaped HTML, and nothing in it makes another header', async () => {
    await notifier().compose(headline('waiting'))?.send(TO);
    const [mail = ''] = mails;
    const [head = '', body = ''] = mail.split('\r\n\r\n', 2);
    expect(head).not.toMatch(/^Bcc:/m);
    expect(head).toContain('To: a@example.com');
    expect(mail).toContain('text/html');
    expect(body).not.toBe('');
    expect(mail).not.toContain('<b>"y"</b>');
    expect(mail.replaceAll('=\r\n', '')).toContain('&lt;b&gt;');
  });

  it('that the server refuses is refused, and one that is away may come back', async () => {
    mailbox.refuses = true;
    const draft = notifier().compose(headline('waiting'));
    await expect(draft?.send(TO)).rejects.toMatchObject({ code: 'RECEIVER_REFUSED' });
    const away = { host: '127.0.0.1', port: 1, tls: 'none', from: 'r@example.com' } as const;
    const other = createEmailNotifier({ name: 'mail', kind: 'email', to: ['a@b.de'], smtp: away });
    const lost = other.compose(headline('waiting'))?.send(TO);
    await expect(lost).rejects.toMatchObject({ code: 'RECEIVER_UNAVAILABLE' });
  });
});
