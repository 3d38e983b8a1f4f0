import { createHmac } from 'node:crypto';
import {
  homeOpened,
  type Pressed,
  pressOnHome,
  pressOnMessage,
  type Sending,
  slashCommand,
  submitModal,
} from './fake-slack-payloads.ts';
import { ACK_LIMIT_MS, type FakeSockets } from './fake-slack-sockets.ts';
import { transcriptOf } from './fake-slack-transcript.ts';
import type { FakeMessage, OpenView, Workspace } from './fake-slack-workspace.ts';

export type Delivery = {
  /** Within three seconds; otherwise people see a warning. */
  readonly acked: boolean;
  readonly afterMs: number;
  /** Over HTTP. */
  readonly status?: number;
  /** What was answered with the ack: errors of a modal, the text of a command. */
  readonly answer?: unknown;
  /** Sends exactly the same once more: the same bytes and signature, or the same envelope. */
  again(): Promise<Delivery>;
};

export type SlackHands = {
  /** Where what people do is sent: an address of the receiver, or `socket` (as it begins). */
  sendTo(receiver: URL | 'socket'): void;
  /** Presses a button by its label or action id and confirms it; of a menu the option by its label. */
  click(
    user: string,
    message: Pick<FakeMessage, 'channel' | 'ts'>,
    label: string,
  ): Promise<Delivery>;
  /** The same on the user's App Home. */
  clickHome(user: string, label: string): Promise<Delivery>;
  /** Presses what the message does not show, as whoever has the bot's token could arrange. */
  press(
    user: string,
    message: Pick<FakeMessage, 'channel' | 'ts'>,
    action: Pressed,
  ): Promise<Delivery>;
  /** Fills in the modal that was opened last for the user; values by block id. */
  submit(user: string, values: Readonly<Record<string, string>>): Promise<Delivery>;
  slash(user: string, text: string, channel?: string): Promise<Delivery>;
  openHome(user: string): Promise<Delivery>;
  /** Anything, signed or not, over HTTP. */
  post(body: string, sign?: Signing): Promise<Delivery>;
};

/** How a request is signed where not as Slack does. */
export type Signing = {
  readonly secret?: string;
  readonly ageS?: number;
  readonly contentType?: string;
};

type Context = {
  readonly workspace: Workspace;
  readonly sockets: FakeSockets;
  readonly signingSecret: string;
  readonly apiUrl: string;
};

/** What people do in Slack, sent to the receiver as Slack sends it. */
export function createHands(context: Context): SlackHands {
  const { workspace } = context;
  let receiver: URL | 'socket' = 'socket';
  const send = (sending: Sending): Promise<Delivery> =>
    receiver === 'socket' ? overSocket(context, sending) : overHttp(context, receiver, sending);
  return {
    sendTo(next) {
      receiver = next;
    },
    click: (user, named, label) => {
      const message = messageOf(workspace, named);
      return send(pressOnMessage(context, user, message, find(workspace, message.blocks, label)));
    },
    clickHome: (user, label) => {
      const blocks = workspace.homes.get(user)?.blocks ?? [];
      return send(pressOnHome(context, user, find(workspace, blocks, label)));
    },
    press: (user, named, action) =>
      send(pressOnMessage(context, user, messageOf(workspace, named), action)),
    submit: (user, values) => {
      const opened = workspace.views.findLast((one) => one.user === user);
      if (!opened) throw new Error(`no modal is open for ${user}`);
      refuseShort(opened, values);
      return send(submitModal(context, opened, values));
    },
    slash: (user, text, channel = 'C0DRIFTS') => send(slashCommand(context, user, channel, text)),
    openHome: (user) => send(homeOpened(user)),
    post: (body, sign) => {
      if (receiver === 'socket') throw new Error('this is sent over HTTP only');
      return post(receiver, body, headersOf(context, body, sign));
    },
  };
}

function overSocket({ sockets }: Context, { type, payload }: Sending): Promise<Delivery> {
  const id = crypto.randomUUID();
  const once = async (): Promise<Delivery> => {
    const { acked, afterMs, payload: answer } = await sockets.send(type, payload, id);
    return { acked, afterMs, ...(answer !== undefined && { answer }), again: once };
  };
  return once();
}

function overHttp(context: Context, to: URL, { type, payload }: Sending): Promise<Delivery> {
  const isEvent = type === 'events_api';
  const fields = type === 'interactive' ? { payload: JSON.stringify(payload) } : payload;
  const form = new URLSearchParams(fields as Record<string, string>).toString();
  const body = isEvent ? JSON.stringify(payload) : form;
  const contentType = isEvent ? 'application/json' : 'application/x-www-form-urlencoded';
  return post(to, body, headersOf(context, body, { contentType }));
}

/** As Slack signs: version, time and the bytes of the body, under the app's secret. */
function headersOf(
  { signingSecret }: Context,
  body: string,
  {
    secret = signingSecret,
    ageS = 0,
    contentType = 'application/x-www-form-urlencoded',
  }: Signing = {},
): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1_000) - ageS);
  const hash = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    'content-type': contentType,
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${hash}`,
  };
}

async function post(to: URL, body: string, headers: Record<string, string>): Promise<Delivery> {
  const startedMs = Date.now();
  const again = () => post(to, body, headers);
  try {
    const signal = AbortSignal.timeout(ACK_LIMIT_MS);
    const response = await fetch(to, { method: 'POST', body, headers, signal });
    const text = await response.text();
    const answer = text === '' ? undefined : readAnswer(text);
    const { ok: acked, status } = response;
    const afterMs = Date.now() - startedMs;
    return { acked, afterMs, status, ...(answer !== undefined && { answer }), again };
  } catch {
    return { acked: false, afterMs: Date.now() - startedMs, again };
  }
}

function readAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf(
  workspace: Workspace,
  { channel, ts }: Pick<FakeMessage, 'channel' | 'ts'>,
): FakeMessage {
  const found = workspace.messages.find((one) => one.channel === channel && one.ts === ts);
  if (!found)
    throw new Error(`there is no message ${ts} in ${channel}:\n${transcriptOf(workspace)}`);
  return found;
}

type Element = {
  readonly type: string;
  readonly action_id?: string;
  readonly text?: { readonly text: string };
  readonly value?: string;
  readonly options?: readonly {
    readonly text: { readonly text: string };
    readonly value: string;
  }[];
};

/** The button or option with this label or action id, as it would be pressed. */
function find(workspace: Workspace, blocks: readonly unknown[], label: string): Pressed {
  for (const block of blocks) {
    const { block_id, elements, accessory } = block as {
      block_id?: string;
      elements?: readonly Element[];
      accessory?: Element;
    };
    for (const element of [...(elements ?? []), ...(accessory ? [accessory] : [])]) {
      const { type, action_id = 'unnamed', value, text, options } = element;
      const base = { type, action_id, ...(block_id !== undefined && { block_id }) };
      const selected = options?.find((one) => one.text.text === label);
      if (selected) return { ...base, selected_option: selected };
      if (type === 'button' && (text?.text === label || action_id === label)) {
        return { ...base, ...(value !== undefined && { value }) };
      }
    }
  }
  throw new Error(`there is no button "${label}" in:\n${transcriptOf(workspace)}`);
}

/** Slack itself does not send a text that is too short. */
function refuseShort({ view }: OpenView, values: Readonly<Record<string, string>>): void {
  for (const block of view.blocks) {
    const { block_id = '', element } = block as {
      block_id?: string;
      element?: { min_length?: number };
    };
    const value = values[block_id];
    if (value !== undefined && value.length < (element?.min_length ?? 0)) {
      throw new Error(`Slack asks for ${element?.min_length} characters in ${block_id}`);
    }
  }
}
