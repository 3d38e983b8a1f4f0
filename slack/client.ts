import type { HomeView, KnownBlock, ModalView } from '@slack/types';
import { type WebAPICallResult, WebClient, type WebClientOptions } from '@slack/web-api';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { asSlackError } from './errors.ts';
import { toSlackLogger } from './logger.ts';

export type SlackMessage = { readonly text: string; readonly blocks: readonly KnownBlock[] };

/** What a message is found by after a post whose answer was lost. */
type SlackMetadata = {
  readonly event_type: string;
  readonly event_payload: Readonly<Record<string, string | number | boolean>>;
};

type PostedMessage = { readonly channel: string; readonly ts: string };

/** Whom the bot's token belongs to, and what it may do. */
type SlackSelf = {
  readonly team: string;
  readonly teamName: string;
  readonly botUser: string;
  /** What the app is called in the workspace. */
  readonly botName: string;
  readonly scopes: readonly string[];
};

export type SlackUser = {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  /** Of the user's own: workspaces, and the organization that they belong to. None where Slack does not say. */
  readonly teams: readonly string[];
  /** Full and present: no bot and no guest. Whoever is of another workspace may be one, too. */
  readonly isMember: boolean;
};

type SlackGroup = { readonly id: string; readonly handle: string };

/** The Web API, as far as Realign uses it. Every call throws an AppError; none is repeated: Temporal, or a person, does that. */
export type SlackClient = {
  whoAmI(): Promise<SlackSelf>;
  post(
    message: SlackMessage & {
      readonly channel: string;
      readonly thread?: string;
      /** Shows a reply in the channel as well. */
      readonly broadcast?: boolean;
      readonly metadata?: SlackMetadata;
    },
  ): Promise<PostedMessage>;
  update(
    posted: PostedMessage,
    message: SlackMessage & { readonly metadata?: SlackMetadata },
  ): Promise<void>;
  /** Seen by one person, until Slack is loaded anew. */
  whisper(channel: string, user: string, message: SlackMessage): Promise<void>;
  /** The same at a `response_url`: wherever the person is, and without the bot in the channel. */
  respond(url: string, message: SlackMessage): Promise<void>;
  /** Messages of the app itself in a channel, newest first, or the replies of one thread; at most 200 of each. */
  recent(
    channel: string,
    options: { readonly sinceMs: number; readonly thread?: string },
  ): Promise<readonly { readonly ts: string; readonly metadata?: SlackMetadata }[]>;
  openModal(trigger: string, view: ModalView): Promise<void>;
  publishHome(user: string, view: HomeView): Promise<void>;
  user(id: string): Promise<SlackUser>;
  userByEmail(email: string): Promise<SlackUser>;
  groups(): Promise<readonly SlackGroup[]>;
  groupMembers(group: string): Promise<readonly string[]>;
  channel(id: string): Promise<{ readonly name: string; readonly isMember: boolean }>;
  /** Id of a channel that the app is in, by its name without `#`; undefined where it is in none of that name. */
  channelNamed(name: string): Promise<string | undefined>;
};

const TIMEOUT_MS = 10_000;
const MAX_CONCURRENT_CALLS = 20;
const MAX_MESSAGES = 200;
/** Of one page, as many as Slack gives. */
const MAX_CHANNELS = 999;
const MAX_CHANNEL_PAGES = 10;

type SlackClientOptions = {
  readonly botToken: string;
  readonly apiUrl: string;
  readonly log: Log;
  readonly timeoutMs?: number;
};

/** How every client of the Web API is set up: attempts are for Temporal to count, so the SDK makes only one. */
export function webClientOptions({
  apiUrl,
  log,
  timeoutMs = TIMEOUT_MS,
}: Omit<SlackClientOptions, 'botToken'>): WebClientOptions {
  return {
    slackApiUrl: apiUrl,
    retryConfig: { retries: 0 },
    // Otherwise one 429 would hold back every other call of this client.
    rejectRateLimitedCalls: true,
    timeout: timeoutMs,
    maxRequestConcurrency: MAX_CONCURRENT_CALLS,
    allowAbsoluteUrls: false,
    logger: toSlackLogger(log),
  };
}

export function createSlackClient(options: SlackClientOptions): SlackClient {
  const web = new WebClient(options.botToken, webClientOptions(options));
  return { ...messages(web), ...people(web), respond: createRespond(options.timeoutMs) };
}

type Messages = 'post' | 'update' | 'whisper' | 'recent' | 'openModal' | 'publishHome';

function messages(web: WebClient): Pick<SlackClient, Messages> {
  return {
    async post({ channel, thread, broadcast, metadata, ...message }) {
      const sent = {
        channel,
        ...toBody(message),
        ...(metadata && { metadata: toMetadata(metadata) }),
        unfurl_links: false,
        unfurl_media: false,
      };
      const reply = thread === undefined ? sent : { ...sent, thread_ts: thread };
      const isShown = thread !== undefined && broadcast === true;
      const answer = await call('chat.postMessage', () =>
        web.chat.postMessage(
          isShown ? { ...sent, thread_ts: thread, reply_broadcast: true } : reply,
        ),
      );
      return {
        channel: needed('chat.postMessage', answer.channel),
        ts: needed('chat.postMessage', answer.ts),
      };
    },
    async update({ channel, ts }, { metadata, ...message }) {
      const more = metadata && { metadata: toMetadata(metadata) };
      await call('chat.update', () =>
        web.chat.update({ channel, ts, ...toBody(message), ...more }),
      );
    },
    async whisper(channel, user, message) {
      await call('chat.postEphemeral', () =>
        web.chat.postEphemeral({ channel, user, ...toBody(message) }),
      );
    },
    async recent(channel, { sinceMs, thread }) {
      const oldest = String(sinceMs / 1_000);
      const asked = { channel, oldest, include_all_metadata: true, limit: MAX_MESSAGES };
      const answer =
        thread === undefined
          ? await call('conversations.history', () => web.conversations.history(asked))
          : await call('conversations.replies', () =>
              web.conversations.replies({ ...asked, ts: thread }),
            );
      return (answer.messages ?? []).flatMap(({ ts, metadata, bot_id }) => {
        if (ts === undefined || bot_id === undefined) return [];
        const found = metadataOf(metadata);
        return [{ ts, ...(found && { metadata: found }) }];
      });
    },
    async openModal(trigger_id, view) {
      await call('views.open', () => web.views.open({ trigger_id, view }));
    },
    async publishHome(user_id, view) {
      await call('views.publish', () => web.views.publish({ user_id, view }));
    },
  };
}

type People =
  | ('whoAmI' | 'user' | 'userByEmail' | 'groups' | 'groupMembers')
  | ('channel' | 'channelNamed');

function people(web: WebClient): Pick<SlackClient, People> {
  return {
    async whoAmI() {
      const answer = await call('auth.test', () => web.auth.test());
      return {
        team: needed('auth.test', answer.team_id),
        teamName: answer.team ?? '',
        botUser: needed('auth.test', answer.user_id),
        botName: answer.user ?? '',
        scopes: answer.response_metadata?.scopes ?? [],
      };
    },
    async user(id) {
      const { user } = await call('users.info', () => web.users.info({ user: id }));
      return toUser('users.info', user);
    },
    async userByEmail(email) {
      const { user } = await call('users.lookupByEmail', () => web.users.lookupByEmail({ email }));
      return toUser('users.lookupByEmail', user);
    },
    async groups() {
      const { usergroups } = await call('usergroups.list', () => web.usergroups.list({}));
      return (usergroups ?? []).flatMap(({ id, handle }) =>
        id === undefined || handle === undefined ? [] : [{ id, handle }],
      );
    },
    async groupMembers(usergroup) {
      const { users } = await call('usergroups.users.list', () =>
        web.usergroups.users.list({ usergroup }),
      );
      return users ?? [];
    },
    async channel(id) {
      const { channel } = await call('conversations.info', () =>
        web.conversations.info({ channel: id }),
      );
      return { name: channel?.name ?? id, isMember: channel?.is_member ?? false };
    },
    channelNamed: (name) => findChannelNamed(web, name),
  };
}

/** Among the app's own channels: those of a whole workspace are too many to read through. */
async function findChannelNamed(web: WebClient, name: string): Promise<string | undefined> {
  let cursor: string | undefined;
  for (let page = 0; page < MAX_CHANNEL_PAGES; page += 1) {
    const answer = await call('users.conversations', () =>
      web.users.conversations({
        ...{ types: 'public_channel,private_channel', exclude_archived: true },
        ...{ limit: MAX_CHANNELS, ...(cursor !== undefined && { cursor }) },
      }),
    );
    const found = answer.channels?.find((one) => one.name === name);
    if (found?.id !== undefined) return found.id;
    cursor = answer.response_metadata?.next_cursor;
    if (cursor === undefined || cursor === '') return undefined;
  }
  return undefined;
}

/** A `response_url` takes five messages within half an hour; after that the person is told in another way. */
function createRespond(timeoutMs = TIMEOUT_MS): SlackClient['respond'] {
  return async (url, message) => {
    const body = JSON.stringify({
      response_type: 'ephemeral',
      replace_original: false,
      ...toBody(message),
    });
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(timeoutMs);
    // Elsewhere is not where Slack said.
    const redirect = 'manual';
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect }).catch(
      (error: unknown) => {
        throw asSlackError('response_url', error);
      },
    );
    await response.body?.cancel();
    if (response.ok) return;
    throw new AppError('SLACK_REFUSED', `response_url: Slack answered ${response.status}`);
  };
}

async function call<T extends WebAPICallResult>(method: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asSlackError(method, error);
  }
}

function needed(method: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new AppError('SLACK_UNAVAILABLE', `${method}: Slack's answer lacks what it should say`);
}

function toBody({ text, blocks }: SlackMessage) {
  return { text: escapeMarkup(text), blocks: [...blocks] };
}

/** `text` is read as markup where no blocks are shown, such as in notifications. */
function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function toMetadata({ event_type, event_payload }: SlackMetadata) {
  return { event_type, event_payload: { ...event_payload } };
}

function metadataOf(found: unknown): SlackMetadata | undefined {
  if (typeof found !== 'object' || found === null) return undefined;
  const { event_type, event_payload } = found as Partial<SlackMetadata>;
  return event_type !== undefined && event_payload ? { event_type, event_payload } : undefined;
}

type FoundUser = {
  readonly id?: string;
  readonly name?: string;
  readonly team_id?: string;
  readonly real_name?: string;
  readonly deleted?: boolean;
  readonly is_bot?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_stranger?: boolean;
  readonly enterprise_user?: { readonly enterprise_id?: string; readonly teams?: string[] };
  readonly profile?: { readonly email?: string };
};

function toUser(method: string, user: FoundUser = {}): SlackUser {
  const id = needed(method, user.id);
  const isGuest = user.is_restricted || user.is_ultra_restricted || user.is_stranger;
  const email = user.profile?.email;
  const { enterprise_id, teams = [] } = user.enterprise_user ?? {};
  return {
    id,
    name: user.real_name ?? user.name ?? id,
    ...(email !== undefined && { email: email.toLowerCase() }),
    teams: [user.team_id, enterprise_id, ...teams].filter((one) => one !== undefined),
    isMember: !user.deleted && !user.is_bot && !isGuest,
  };
}
