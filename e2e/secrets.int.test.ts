import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { demoConfig, installDemo, newTokens } from '../cli/demo/stage.ts';
import { createKubernetesClient, type KubernetesClient } from '../clients/kubernetes/index.ts';
import type { Question } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { type Config, parseConfig } from '../lib/config.ts';
import { createLog, type Log } from '../lib/log.ts';
import { eventually } from '../testing/eventually.ts';
import { type FakeClaude, startFakeClaude } from '../testing/fake-claude.ts';
import { type FakeSlack, startFakeSlack } from '../testing/fake-slack.ts';
import { createMailbox } from '../testing/mailbox.ts';
import { type Embedded, startEmbedded } from '../workers/embedded.ts';
import { ALL_ROLES, type Realign, startRealign } from '../workers/realign.ts';

// Credentials are planted where people put them, and every door is open at once: Slack, Claude, a webhook, PagerDuty, mail, units of
// drifts, the api, AI tools. Nothing that is said, kept or logged anywhere may hold one.

const REALIGN = fileURLToPath(new URL('../bin/realign', import.meta.url));
const NAMESPACE = 'acorn-bear-prod';
const DECLARED = 'canary-5e1bd07a-declared';
const CHANGED = 'canary-c29f6ab4-by-hand';
const tokens = newTokens();
const controller = new AbortController();
const logged: string[] = [];
const hooks: string[] = [];
const http = createServer((request, response) => {
  let body = `${request.url} ${JSON.stringify(request.headers)}`;
  request.on('data', (part) => {
    body += String(part);
  });
  request.on('end', () => {
    hooks.push(body);
    response.writeHead(202).end();
  });
});
const mailbox = createMailbox();
const mails = () => mailbox.mails.map(readable);
let claude: FakeClaude;
let slack: FakeSlack;
let embedded: Embedded;
let realign: Realign;
let admin: KubernetesClient;

beforeAll(async () => {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const hookPort = (http.address() as AddressInfo).port;
  [claude, slack, embedded] = await Promise.all([
    startFakeClaude(),
    startFakeSlack(),
    startEmbedded({ log: createLog('silent'), api: { host: '127.0.0.1', port: 0 } }),
  ]);
  await installDemo(embedded, createLog('silent'));
  realign = await startRealign({
    config: configWith(hookPort, await mailbox.listen()),
    ...{ log: keepingLog(), roles: ALL_ROLES, signal: controller.signal },
  });
  await realign.ready;
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin ?? '';
  admin = await createKubernetesClient({ kubeconfig, userAgent: 'kubectl' });
}, 180_000);

afterAll(async () => {
  controller.abort();
  admin?.close();
  await realign?.stop();
  await Promise.all([embedded?.stop(), slack?.close(), claude?.stop()]);
  http.close();
  await mailbox.close();
});

it('no credential is said, kept or logged, whatever is open', async () => {
  await plant();
  const question = await questionAbout('apps', 'Deployment');
  await questionAbout('', 'ConfigMap');
  await questionAbout('', 'Secret');
  await eventually(() => slack.messages().filter((one) => says(one, 'vault')).length === 3, {
    ...{ what: 'three messages in Slack', timeoutMs: 30_000 },
  });
  const heard = () =>
    [
      mails(),
      hooks.filter((one) => one.includes('/hook')),
      hooks.filter(isAlert),
      claude.requests,
    ].every((some) => some.filter((one) => one.includes('vault')).length >= 3);
  await eventually(heard, { what: 'mails, webhooks, alerts and notes', timeoutMs: 60_000 });
  const people = [tokens.operator, tokens.approver].slice(0, question.quorum);
  for (const token of people) await approve(question, token);
  await eventually(async () => (await find(question))?.status === 'approved', {
    ...{ what: 'the approval', timeoutMs: 20_000 },
  });
  await eventually(() => slack.messages().some((one) => says(one, 'vault') && says(one, 'Fixed')), {
    ...{ what: 'the fix, as Slack shows it', timeoutMs: 60_000 },
  });

  const told = {
    slack: JSON.stringify([slack.calls, slack.messages()]),
    claude: claude.requests.join('\n'),
    hooks: hooks.join('\n'),
    mails: mails().join('\n'),
    api: await apiText(),
    tools: await toolText(),
    units: await unitText(),
    histories: await historyText(),
    database: await databaseText(),
    log: logged.join('\n'),
  };
  for (const [where, text] of Object.entries(told)) {
    expect(text, where).toContain('vault');
    for (const canary of [DECLARED, CHANGED]) {
      expect(text.includes(canary), `${where} has ${canary}`).toBe(false);
      const encoded = Buffer.from(canary).toString('base64').replaceAll('=', '');
      expect(text.includes(encoded), `${where} has ${canary}, encoded`).toBe(false);
    }
  }
}, 180_000);

function configWith(hookPort: number, mailPort: number): Config {
  const demo = demoConfig(embedded, tokens);
  const url = `http://127.0.0.1:${hookPort}`;
  const { botToken, appToken, apiUrl } = slack;
  const receivers = [
    { name: 'hook', webhook: { url: `${url}/hook`, secret: 'a secret of the webhook' } },
    { name: 'duty', pagerduty: { url: `${url}/alert`, routingKey: 'a routing key' } },
    { name: 'mail', email: { to: ['ops@example.com'] } },
  ];
  const mail = { host: '127.0.0.1', port: mailPort, tls: 'none', from: 'realign@example.com' };
  // JSON is YAML.
  const sections = parseConfig(
    JSON.stringify({
      slack: { botToken, appToken, apiUrl, channel: 'C0DRIFTS' },
      claude: { apiKey: claude.apiKey, url: claude.url },
      notifications: { receivers, smtp: mail, default: ['slack', 'hook', 'duty', 'mail'] },
      drift: { records: 'units' },
    }),
    { env: {} },
  );
  const { slack: slackSection, notifications, drift } = sections;
  return {
    ...demo,
    ...{ slack: slackSection, notifications, drift, claude: sections.claude },
    resources: [...demo.resources, 'secrets'],
  };
}

/** A Secret, and the two places into which people put credentials instead; then all three are edited by hand. */
async function plant(): Promise<void> {
  const { hub } = realign.parts;
  const space = await hub.findSpace(NAMESPACE);
  if (!space) throw new Error('no space');
  const [target] = await hub.listTargets(space.spaceId);
  // Each in a unit of its own, for one question covers a unit.
  for (const [slug, data] of Object.entries({ SECRET, CONFIG_MAP, DEPLOYMENT })) {
    const unit = await hub.createUnit(space.spaceId, {
      slug: `vault-${slug.toLowerCase().replace('_', '-')}`,
      ...(target && { targetId: target.targetId }),
      data,
    });
    const { operationId } = await hub.applyUnit(unit);
    await hub.waitForOperation(unit, operationId, { timeoutMs: 30_000 });
  }
  const env = '/spec/template/spec/containers/0/env';
  const edits = [
    ['', 'Secret', { '/data/password': Buffer.from(CHANGED).toString('base64') }],
    ['', 'ConfigMap', { '/data/DB_PASSWORD': CHANGED, '/data/settings': settings(CHANGED) }],
    ['apps', 'Deployment', { [`${env}/0/value`]: CHANGED, [`${env}/1/value`]: urlOf(CHANGED) }],
  ] as const;
  for (const [group, kind, values] of edits) {
    const changes = Object.entries(values).map(([path, value]) => {
      return { op: 'replace' as const, path, value };
    });
    await admin.jsonPatch(refOf(group, kind), changes, { fieldManager: 'kubectl-edit' });
  }
}

function urlOf(password: string): string {
  return `postgres://app:${password}@db/shop`;
}

function settings(password: string): string {
  return `mode: fast\npassword: ${password}\n`;
}

const SECRET = `apiVersion: v1
kind: Secret
metadata: { name: vault }
stringData: { password: ${DECLARED} }
`;
const CONFIG_MAP = `apiVersion: v1
kind: ConfigMap
metadata: { name: vault }
data: { DB_PASSWORD: ${DECLARED}, settings: ${JSON.stringify(settings(DECLARED))} }
`;
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: { name: vault }
spec:
  replicas: 1
  selector: { matchLabels: { app: vault } }
  template:
    metadata: { labels: { app: vault } }
    spec:
      containers:
        - name: main
          image: nginx:1.29-alpine
          env:
            - { name: API_TOKEN, value: ${DECLARED} }
            - { name: DATABASE, value: "${urlOf(DECLARED)}" }
`;

function refOf(group: string, kind: string): ResourceRef {
  const place = { environment: 'prod', version: 'v1', namespace: NAMESPACE };
  return { ...place, group, kind, name: 'vault' };
}

function questionAbout(group: string, kind: string): Promise<Question> {
  const { questions } = realign.parts.store;
  return eventually(() => questions.openFor(refOf(group, kind)), {
    ...{ what: `a question about the ${kind}`, timeoutMs: 30_000 },
  });
}

function find({ id }: Question): Promise<Question | undefined> {
  return realign.parts.store.questions.find(id);
}

function says(message: object, words: string): boolean {
  return JSON.stringify(message).includes(words);
}

function isAlert(request: string): boolean {
  return request.includes('/alert');
}

async function approve({ id, digest }: Question, token: string): Promise<void> {
  const answer = await fetch(`${realign.url}/api/v1/questions/${id}/decisions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ decision: 'approve', digest, reason: 'a test' }),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

async function apiText(): Promise<string> {
  const headers = { authorization: `Bearer ${tokens.operator}` };
  const paths = ['drift-records?limit=1000', 'questions?status=all', 'statistics', 'operations'];
  const urls = [...paths.map((one) => `/api/v1/${one}`), '/metrics'];
  const answers = await Promise.all(
    urls.map(async (path) => {
      const answer = await fetch(`${realign.url}${path}`, { headers });
      expect(answer.status, path).toBe(200);
      return answer.text();
    }),
  );
  return answers.join('\n');
}

async function toolText(): Promise<string> {
  const { url } = realign;
  const env = { PATH: process.env['PATH'] ?? '', REALIGN_URL: url, REALIGN_TOKEN: tokens.operator };
  const client = new Client({ name: 'test', version: '0' });
  await client.connect(new StdioClientTransport({ command: REALIGN, args: ['mcp'], env }));
  try {
    const named = { resource: `prod/ConfigMap/${NAMESPACE}/vault` };
    const calls = [
      ...['list_drifts', 'list_questions'].map((name) => ({ name, arguments: {} })),
      ...['show_drift', 'score_drift', 'explain_drift'].map((name) => ({ name, arguments: named })),
    ];
    const answers: unknown[] = [];
    for (const one of calls) answers.push(await client.callTool(one));
    return JSON.stringify(answers);
  } finally {
    await client.close();
  }
}

/** The units of drifts, once there is one for each. */
async function unitText(): Promise<string> {
  const { hub, config } = realign.parts;
  const units = await eventually(
    async () => {
      const space = await hub.findSpace(config.drift.space);
      const found = space ? await hub.listUnits({ space: space.spaceId }) : [];
      const own = found.filter((one) => one.slug.includes('vault'));
      return own.length === 3 && own;
    },
    { what: 'units of three drifts', timeoutMs: 30_000 },
  );
  return JSON.stringify(units);
}

async function historyText(): Promise<string> {
  const { client } = realign.parts.temporal;
  const texts: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    texts.push(workflowId, readable(historyToJSON(history)));
  }
  return texts.join('\n');
}

async function databaseText(): Promise<string> {
  const client = new pg.Client({ connectionString: embedded.stack.postgresUrl });
  await client.connect();
  try {
    const tables = await client.query(
      "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    );
    const texts: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query(
        `select t::text as row from ${client.escapeIdentifier(name)} t`,
      );
      texts.push(...rows.map((one) => one.row));
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
}

/** The same text, and what is encoded in it: payloads of Temporal, bodies of mails. */
function readable(text: string): string {
  const joined = text.replaceAll(/=\r?\n/g, '');
  const encoded = text.match(/(?:[A-Za-z0-9+/]{4,76}\r?\n?)*[A-Za-z0-9+/]{4,}={0,2}/g) ?? [];
  const decoded = encoded.map((one) => Buffer.from(one, 'base64').toString('utf8'));
  return [joined, ...decoded].join('\n');
}

function keepingLog(bindings: object = {}): Log {
  const keep = (fields: object, message: string) => {
    const plain = JSON.stringify({ ...bindings, ...fields, message }, (_key, value: unknown) =>
      value instanceof Error ? `${value.stack} ${String(value.cause)}` : value,
    );
    logged.push(plain);
  };
  const child = (more: object) => keepingLog({ ...bindings, ...more });
  return { debug: keep, info: keep, warn: keep, error: keep, child };
}
