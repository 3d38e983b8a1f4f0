import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHands, type SlackHands } from './fake-slack-hands.ts';
import { callMethod, type MethodAnswer } from './fake-slack-methods.ts';
import { createSockets, type FakeSockets } from './fake-slack-sockets.ts';
import { transcriptOf } from './fake-slack-transcript.ts';
import {
  createWorkspace,
  type Ephemeral,
  type FakeChannel,
  type FakeMessage,
  type FakeUser,
  type FakeView,
  type OpenView,
  type SlackCall,
  type Workspace,
} from './fake-slack-workspace.ts';

export type { FakeMessage, OpenView, SlackCall } from './fake-slack-workspace.ts';

/** What happens to a call instead of its answer, or after it. */
export type SlackFault =
  | { readonly kind: 'rate-limited'; readonly retryAfterS: number }
  | { readonly kind: 'status'; readonly status: number }
  /** `ok: false` with this code. */
  | { readonly kind: 'error'; readonly error: string }
  /** No answer until the fake is closed. */
  | { readonly kind: 'hang' }
  /** Done, but the connection breaks before the answer. */
  | { readonly kind: 'drop-after' };

export type FakeSlack = {
  /** For `slack.apiUrl`. */
  readonly apiUrl: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  /** Every call of the Web API so far, answered or not. */
  readonly calls: readonly SlackCall[];
  /** As they are now, oldest first; of one channel (id or name) where named, replies included. */
  messages(channel?: string): readonly FakeMessage[];
  /** What only one person was shown, in order. */
  readonly ephemerals: readonly Ephemeral[];
  readonly views: readonly OpenView[];
  home(user: string): FakeView | undefined;
  addUser(user: FakeUser): void;
  addGroup(id: string, handle: string, users: readonly string[]): void;
  addChannel(channel: FakeChannel): void;
  setScopes(scopes: readonly string[]): void;
  /** As if somebody deleted it. */
  deleteMessage(message: Pick<FakeMessage, 'channel' | 'ts'>): void;
  /** The next `times` calls of a method (`*` = of any) fail; `Infinity` until `heal`. */
  fail(method: string, fault: SlackFault, times?: number): void;
  heal(): void;
  /** Connections of Socket Mode that are open now. */
  openSockets(): number;
  /** As Slack does a few times a day. */
  refreshSockets(): void;
  /** What people see, for reading and for assertions. */
  transcript(): string;
  /** What people do. */
  readonly hands: SlackHands;
  close(): Promise<void>;
};

const BOT_TOKEN = 'xoxb-fake-bot-token';
const APP_TOKEN = 'xapp-fake-app-token';
const SIGNING_SECRET = 'fake-signing-secret-of-32-digits';
const MAX_BODY_BYTES = 1024 * 1024;
/** Slack's own limit of a `response_url`. */
const MAX_RESPONSES = 5;

type Planned = { readonly method: string; readonly fault: SlackFault; left: number };
type Context = {
  readonly workspace: Workspace;
  readonly faults: Planned[];
  readonly sockets: FakeSockets;
  readonly apiUrl: () => string;
};

/**
 * Slack over real HTTP and WebSockets, on a loopback port: it refuses what Slack refuses, fails as told, and sends what people do, signed
 * as Slack signs it. It begins with the channel `drifts` (C0DRIFTS) and nobody in it.
 */
export async function startFakeSlack(): Promise<FakeSlack> {
  const workspace = createWorkspace();
  workspace.channels.set('C0DRIFTS', { id: 'C0DRIFTS', name: 'drifts', is_member: true });
  const faults: Planned[] = [];
  const sockets = createSockets();
  const server = createServer((request, response) => {
    handle({ workspace, faults, sockets, apiUrl }, request, response).catch(() =>
      response.destroy(),
    );
  });
  const apiUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on('upgrade', (request, socket, head) => sockets.accept(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const hands = createHands({
    workspace,
    sockets,
    signingSecret: SIGNING_SECRET,
    apiUrl: apiUrl(),
  });
  return {
    apiUrl: `${apiUrl()}/api/`,
    botToken: BOT_TOKEN,
    appToken: APP_TOKEN,
    signingSecret: SIGNING_SECRET,
    ...lookups(workspace),
    ...changes(workspace),
    fail: (method, fault, times = 1) => void faults.push({ method, fault, left: times }),
    heal: () => void faults.splice(0),
    openSockets: sockets.count,
    refreshSockets: sockets.refresh,
    hands,
    close: () => close(server, sockets),
  };
}

function lookups(workspace: Workspace) {
  return {
    calls: workspace.calls,
    ephemerals: workspace.ephemerals,
    views: workspace.views,
    messages: (channel?: string) =>
      workspace.messages.filter(
        (one) =>
          channel === undefined ||
          one.channel === channel ||
          workspace.channels.get(one.channel)?.name === channel,
      ),
    home: (user: string) => workspace.homes.get(user),
    transcript: () => transcriptOf(workspace),
  };
}

function changes(workspace: Workspace) {
  return {
    addUser: (user: FakeUser) => void workspace.users.set(user.id, user),
    addGroup: (id: string, handle: string, users: readonly string[]) =>
      void workspace.groups.set(id, { handle, users }),
    addChannel: (channel: FakeChannel) => void workspace.channels.set(channel.id, channel),
    setScopes: (scopes: readonly string[]) => {
      workspace.scopes = scopes;
    },
    deleteMessage: ({ channel, ts }: Pick<FakeMessage, 'channel' | 'ts'>) => {
      const at = workspace.messages.findIndex((one) => one.channel === channel && one.ts === ts);
      if (at >= 0) workspace.messages.splice(at, 1);
    },
  };
}

async function close(server: Server, sockets: FakeSockets): Promise<void> {
  sockets.close();
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function handle(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  const path = request.url ?? '/';
  if (path.startsWith('/response/')) return takeResponse(context, path, body, response);
  if (!path.startsWith('/api/')) return void response.writeHead(404).end();
  const method = path.slice('/api/'.length);
  const { token, ...args } = parseArgs(body, request.headers['content-type'] ?? '');
  context.workspace.calls.push({ method, args, atMs: Date.now() });
  const fault = takeFault(context.faults, method);
  if (fault && fault.kind !== 'drop-after') return fail(fault, response);
  const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? token;
  const answer = answerTo(context, method, args, given);
  if (fault) return void response.destroy();
  const scopes = given === APP_TOKEN ? ['connections:write'] : context.workspace.scopes;
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    ...(given === undefined ? {} : { 'x-oauth-scopes': scopes.join(',') }),
  });
  response.end(JSON.stringify(answer));
}

function answerTo(
  { workspace, sockets, apiUrl }: Context,
  method: string,
  args: Readonly<Record<string, unknown>>,
  token: unknown,
): MethodAnswer {
  if (token === undefined || token === '') return { ok: false, error: 'not_authed' };
  if (token !== BOT_TOKEN && token !== APP_TOKEN) return { ok: false, error: 'invalid_auth' };
  if (method === 'apps.connections.open') {
    if (token !== APP_TOKEN) return { ok: false, error: 'not_allowed_token_type' };
    return { ok: true, url: sockets.ticketFor(apiUrl()) };
  }
  if (token !== BOT_TOKEN) return { ok: false, error: 'not_allowed_token_type' };
  return callMethod(workspace, method, args);
}

function takeFault(faults: readonly Planned[], method: string): SlackFault | undefined {
  const planned = faults.find((one) => one.left > 0 && ['*', method].includes(one.method));
  if (!planned) return undefined;
  planned.left -= 1;
  return planned.fault;
}

function fail(fault: SlackFault, response: ServerResponse): void {
  if (fault.kind === 'hang') return;
  if (fault.kind === 'error') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ok: false, error: fault.error }));
    return;
  }
  if (fault.kind === 'rate-limited') {
    response.writeHead(429, { 'retry-after': String(fault.retryAfterS) });
    response.end(JSON.stringify({ ok: false, error: 'ratelimited' }));
    return;
  }
  response.writeHead(fault.kind === 'status' ? fault.status : 500).end('away');
}

/** Answers at a `response_url`: five of them, seen by one person unless they say otherwise. */
function takeResponse(
  { workspace }: Context,
  path: string,
  body: string,
  response: ServerResponse,
): void {
  const place = workspace.responses.get(path.slice('/response/'.length));
  if (!place || place.uses >= MAX_RESPONSES) {
    response.writeHead(404).end('expired_url');
    return;
  }
  place.uses += 1;
  const message = JSON.parse(body) as { text?: string; blocks?: readonly unknown[] };
  const { user, channel } = place;
  const blocks = message.blocks ?? [];
  workspace.ephemerals.push({ channel, user, text: message.text ?? '', blocks });
  response.writeHead(200).end('ok');
}

/** A form's fields, or JSON; fields that hold JSON text (blocks, views, metadata) are read as what they say. */
function parseArgs(body: string, type: string): Record<string, unknown> {
  if (type.startsWith('application/json')) return JSON.parse(body) as Record<string, unknown>;
  const fields = [...new URLSearchParams(body)].map(([key, value]) => [key, fieldOf(value)]);
  return Object.fromEntries(fields) as Record<string, unknown>;
}

function fieldOf(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true';
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new Error('the body is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}
