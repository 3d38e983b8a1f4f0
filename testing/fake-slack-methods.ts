import { type Refusal, refuseMessage, refuseView } from './fake-slack-blocks.ts';
import {
  APP_ID,
  BOT_ID,
  BOT_USER,
  type FakeChannel,
  type FakeMessage,
  type FakeUser,
  type FakeView,
  findChannel,
  TEAM,
  type Workspace,
} from './fake-slack-workspace.ts';

type Args = Readonly<Record<string, unknown>>;
export type MethodAnswer =
  | ({ readonly ok: true } & Args)
  | { readonly ok: false; readonly error: string; readonly [more: string]: unknown };
type Method = {
  /** One of these is needed. */
  readonly scopes?: readonly string[];
  readonly run: (workspace: Workspace, args: Args) => MethodAnswer;
};

const TRIGGER_LIFE_MS = 3_000;
const CHANNELS_OF_A_PAGE = 1;

/** What each method of the Web API does; all but `apps.connections.open`, which the server answers itself. */
const METHODS: Readonly<Record<string, Method>> = {
  'auth.test': {
    run: () => ({
      ok: true,
      url: 'https://realign.slack.com/',
      team: 'Realign',
      team_id: TEAM,
      user: 'realign',
      user_id: BOT_USER,
      bot_id: BOT_ID,
      app_id: APP_ID,
      is_enterprise_install: false,
    }),
  },
  'bots.info': {
    scopes: ['users:read'],
    run: () => ({ ok: true, bot: { id: BOT_ID, app_id: APP_ID, user_id: BOT_USER } }),
  },
  'chat.postMessage': { scopes: ['chat:write'], run: postMessage },
  'chat.update': { scopes: ['chat:write'], run: updateMessage },
  'chat.delete': { scopes: ['chat:write'], run: deleteMessage },
  'chat.postEphemeral': { scopes: ['chat:write'], run: postEphemeral },
  'conversations.history': { scopes: ['channels:history', 'groups:history'], run: history },
  'conversations.replies': { scopes: ['channels:history', 'groups:history'], run: replies },
  'conversations.info': {
    scopes: ['channels:read', 'groups:read'],
    run: (workspace, args) => {
      const channel = workspace.channels.get(String(args['channel']));
      return channel ? { ok: true, channel } : refused('channel_not_found');
    },
  },
  'users.conversations': {
    scopes: ['channels:read', 'groups:read'],
    run: ({ channels }, args) => {
      // Small pages, so that whoever asks has to ask for the next.
      const all = [...channels.values()].filter((one) => one.is_member);
      const start = Number(args['cursor'] ?? 0);
      const end = start + Math.min(Number(args['limit'] ?? 100), CHANNELS_OF_A_PAGE);
      const next_cursor = end < all.length ? String(end) : '';
      return { ok: true, channels: all.slice(start, end), response_metadata: { next_cursor } };
    },
  },
  'users.info': {
    scopes: ['users:read'],
    run: (workspace, args) => {
      const user = workspace.users.get(String(args['user']));
      return user ? { ok: true, user: present(workspace, user) } : refused('user_not_found');
    },
  },
  'users.lookupByEmail': {
    scopes: ['users:read.email'],
    run: (workspace, args) => {
      const user = [...workspace.users.values()].find((one) => one.email === args['email']);
      return user ? { ok: true, user: present(workspace, user) } : refused('users_not_found');
    },
  },
  'usergroups.list': {
    scopes: ['usergroups:read'],
    run: ({ groups }) => ({
      ok: true,
      usergroups: [...groups].map(([id, { handle, users }]) => ({
        id,
        team_id: TEAM,
        is_usergroup: true,
        handle,
        name: handle,
        user_count: users.length,
        date_delete: 0,
      })),
    }),
  },
  'usergroups.users.list': {
    scopes: ['usergroups:read'],
    run: ({ groups }, args) => {
      const group = groups.get(String(args['usergroup']));
      return group ? { ok: true, users: [...group.users] } : refused('no_such_subteam');
    },
  },
  'views.open': { run: openView },
  'views.publish': { run: publishView },
};

/** Runs a method as Slack would for a bot with these scopes. */
export function callMethod(workspace: Workspace, name: string, args: Args): MethodAnswer {
  const method = METHODS[name];
  if (!method) return refused('unknown_method');
  const { scopes } = method;
  if (scopes && !scopes.some((scope) => workspace.scopes.includes(scope))) {
    const provided = workspace.scopes.join(',');
    return { ...refused('missing_scope'), needed: scopes.join(','), provided };
  }
  return method.run(workspace, args);
}

function postMessage(workspace: Workspace, args: Args): MethodAnswer {
  const channel = conversationOf(workspace, args['channel']);
  if (!channel) return refused('channel_not_found');
  if (!channel.is_member) return refused('not_in_channel');
  if (channel.is_archived) return refused('is_archived');
  const refusal = refuseMessage(args);
  if (refusal) return toAnswer(refusal);
  const thread = args['thread_ts'];
  if (thread !== undefined && !find(workspace, channel.id, thread)) {
    return refused('invalid_thread_ts');
  }
  const message: FakeMessage = {
    channel: channel.id,
    ts: nextTs(workspace),
    ...(thread !== undefined && { thread_ts: String(thread) }),
    ...(args['reply_broadcast'] === true && { reply_broadcast: true }),
    text: String(args['text']),
    blocks: blocksOf(args),
    ...(args['metadata'] !== undefined && { metadata: args['metadata'] }),
    edits: 0,
  };
  workspace.messages.push(message);
  return { ok: true, channel: channel.id, ts: message.ts, message: presentMessage(message) };
}

function updateMessage(workspace: Workspace, args: Args): MethodAnswer {
  // Unlike posting, editing takes ids only.
  const channel = workspace.channels.get(String(args['channel']));
  if (!channel) return refused('channel_not_found');
  const message = find(workspace, channel.id, args['ts']);
  if (!message) return refused('message_not_found');
  const refusal = refuseMessage(args);
  if (refusal) return toAnswer(refusal);
  const edited: FakeMessage = {
    ...message,
    text: String(args['text']),
    blocks: blocksOf(args),
    ...(args['metadata'] !== undefined && { metadata: args['metadata'] }),
    edits: message.edits + 1,
  };
  workspace.messages[workspace.messages.indexOf(message)] = edited;
  return { ok: true, channel: channel.id, ts: edited.ts, text: edited.text };
}

function deleteMessage(workspace: Workspace, args: Args): MethodAnswer {
  const message = find(workspace, String(args['channel']), args['ts']);
  if (!message) return refused('message_not_found');
  workspace.messages.splice(workspace.messages.indexOf(message), 1);
  return { ok: true, channel: message.channel, ts: message.ts };
}

function postEphemeral(workspace: Workspace, args: Args): MethodAnswer {
  const channel = workspace.channels.get(String(args['channel']));
  if (!channel) return refused('channel_not_found');
  if (!channel.is_member) return refused('not_in_channel');
  if (!workspace.users.has(String(args['user']))) return refused('user_not_in_channel');
  const refusal = refuseMessage(args);
  if (refusal) return toAnswer(refusal);
  const [user, text] = [String(args['user']), String(args['text'])];
  workspace.ephemerals.push({ channel: channel.id, user, text, blocks: blocksOf(args) });
  return { ok: true, message_ts: nextTs(workspace) };
}

function history(workspace: Workspace, args: Args): MethodAnswer {
  const channel = workspace.channels.get(String(args['channel']));
  if (!channel) return refused('channel_not_found');
  if (!channel.is_member) return refused('not_in_channel');
  const oldest = Number(args['oldest'] ?? 0);
  const limit = Number(args['limit'] ?? 100);
  const found = workspace.messages.filter(
    (one) =>
      one.channel === channel.id &&
      Number(one.ts) > oldest &&
      (one.thread_ts === undefined || one.reply_broadcast),
  );
  const all = args['include_all_metadata'] === 'true' || args['include_all_metadata'] === true;
  const messages = found
    .toReversed()
    .slice(0, limit)
    .map((one) => presentMessage(one, all));
  return { ok: true, messages, has_more: found.length > limit };
}

function replies(workspace: Workspace, args: Args): MethodAnswer {
  const [channel, ts] = [String(args['channel']), String(args['ts'])];
  if (!find(workspace, channel, ts)) return refused('thread_not_found');
  const all = args['include_all_metadata'] === 'true' || args['include_all_metadata'] === true;
  const messages = workspace.messages
    .filter((one) => one.channel === channel && (one.ts === ts || one.thread_ts === ts))
    .slice(0, Number(args['limit'] ?? 1_000))
    .map((one) => presentMessage(one, all));
  return { ok: true, messages, has_more: false };
}

function openView(workspace: Workspace, args: Args): MethodAnswer {
  const trigger = workspace.triggers.get(String(args['trigger_id']));
  if (!trigger) return refused('invalid_trigger_id');
  // Each opens one modal.
  workspace.triggers.delete(String(args['trigger_id']));
  if (Date.now() - trigger.atMs > TRIGGER_LIFE_MS) return refused('expired_trigger_id');
  const refusal = refuseView(args['view']);
  if (refusal) return toAnswer(refusal);
  const view = args['view'] as FakeView;
  const id = `V${workspace.nextNumber()}`;
  workspace.views.push({ id, user: trigger.user, view });
  return { ok: true, view: { id, ...view } };
}

function publishView(workspace: Workspace, args: Args): MethodAnswer {
  const user = String(args['user_id']);
  if (!workspace.users.has(user)) return refused('invalid_arguments');
  const refusal = refuseView(args['view']);
  if (refusal) return toAnswer(refusal);
  workspace.homes.set(user, args['view'] as FakeView);
  return { ok: true, view: { id: `V${workspace.nextNumber()}` } };
}

/** A user as Slack describes one; the address only to who may read it. */
function present({ scopes }: Workspace, { email, team = TEAM, ...user }: FakeUser): Args {
  const mayRead = scopes.includes('users:read.email');
  return {
    deleted: false,
    is_bot: false,
    is_restricted: false,
    is_ultra_restricted: false,
    // Only where no channel is shared with them.
    is_stranger: false,
    ...user,
    team_id: team,
    real_name: user.name,
    profile: { real_name: user.name, ...(mayRead && email !== undefined && { email }) },
  };
}

function presentMessage({ edits, channel: _, ...message }: FakeMessage, withMetadata = true): Args {
  const { metadata, ...rest } = message;
  return {
    type: 'message',
    user: BOT_USER,
    bot_id: BOT_ID,
    app_id: APP_ID,
    team: TEAM,
    ...rest,
    ...(withMetadata && metadata !== undefined && { metadata }),
    ...(edits > 0 && { edited: { user: BOT_USER, ts: message.ts } }),
  };
}

function find(workspace: Workspace, channel: string, ts: unknown): FakeMessage | undefined {
  return workspace.messages.find((one) => one.channel === channel && one.ts === String(ts));
}

function blocksOf(args: Args): readonly unknown[] {
  return Array.isArray(args['blocks']) ? args['blocks'] : [];
}

/** A person's id is the conversation with the app. */
function conversationOf(workspace: Workspace, named: unknown): FakeChannel | undefined {
  const user = workspace.users.get(String(named));
  return user ? { id: user.id, name: user.name, is_member: true } : findChannel(workspace, named);
}

/** Seconds and a counter, always growing. */
function nextTs(workspace: Workspace): string {
  const seconds = Math.floor(Date.now() / 1_000);
  return `${seconds}.${String(workspace.nextNumber()).padStart(6, '0')}`;
}

function refused(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}

function toAnswer({ error, messages }: Refusal): MethodAnswer {
  return { ok: false, error, ...(messages && { response_metadata: { messages } }) };
}
