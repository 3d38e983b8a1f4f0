import { isGroup } from '../drift/decide/approver-group.ts';
import type { Notice } from '../drift/decide/notice.ts';
import type { Receiver } from '../lib/config-notifications.ts';
import { digest } from '../lib/digest.ts';
import type { Delivery, Notifier, Place, Said } from '../lib/notifier.ts';
import { type Mentions, mention, paragraph, rich, text, time } from './blocks.ts';
import type { SlackClient, SlackMessage } from './client.ts';
import { renderDigest } from './digest.ts';
import { slackErrorOf } from './errors.ts';
import { fallback, renderDrift } from './render.ts';
import { countOf, truncate } from './text.ts';
import { renderProgress, renderReply } from './thread.ts';

/** Tells our messages from others in a channel's history. */
const EVENT_TYPE = 'realign_message';
/** Clocks of machines differ. */
const LOOK_BACK_MS = 60_000;
/** Somebody deleted it, or it cannot be edited any more: then it is posted anew. */
const GONE = new Set(['message_not_found', 'cant_update_message', 'edit_window_closed']);
/** Where the app is not, it has not posted. */
const NO_HISTORY = new Set(['channel_not_found', 'not_in_channel']);
const MAX_NOTICE_CHARS = 2_000;

type Client = Pick<SlackClient, 'post' | 'update' | 'recent' | 'channelNamed'>;
/** Slack's id of somebody in `people`. */
type SlackIdOf = (person: string) => string | undefined;
type Rendered = { readonly message: SlackMessage; readonly broadcast: boolean };

/** Tells a channel of a Slack workspace. */
export function createSlackNotifier(
  client: Client,
  receiver: Extract<Receiver, { kind: 'slack' }>,
  slackIdOf: SlackIdOf,
): Notifier {
  const mentions = (addressees: readonly string[]) => mentionsOf(receiver, addressees, slackIdOf);
  return {
    threads: true,
    groups: true,
    compose(said) {
      const rendered = render(said, mentions);
      return (
        rendered && {
          fingerprint: digest(rendered.message),
          send: (to) => send(client, receiver.channel, rendered, to),
        }
      );
    },
  };
}

function render(
  said: Said,
  mentionsFor: (addressees: readonly string[]) => Mentions,
): Rendered | undefined {
  switch (said.kind) {
    case 'headline':
      return quietly(renderDrift(said.view));
    case 'digest':
      return quietly(renderDigest(said.view));
    case 'progress': {
      const message = renderProgress(said.view);
      return message && quietly(message);
    }
    case 'reply': {
      const { reply, view } = said;
      const isCall = reply.kind === 'reminder' || reply.kind === 'escalation';
      const { isBroadcast, ...message } = renderReply(
        view,
        isCall ? { ...reply, mentions: mentionsFor(reply.addressees) } : reply,
      );
      return { message, broadcast: isBroadcast };
    }
    case 'notice':
      return quietly(renderNotice(said.notice));
    case 'digest-reminder':
      return quietly(renderDigestReminder(said, mentionsFor(said.addressees)));
  }
}

function quietly(message: SlackMessage): Rendered {
  return { message, broadcast: false };
}

/** The receiver's group first; roles are nobody that could be called. */
function mentionsOf(
  { mention: group }: Extract<Receiver, { kind: 'slack' }>,
  addressees: readonly string[],
  slackIdOf: SlackIdOf,
): Mentions {
  const named = addressees.filter((one) => isGroup(one) && one.startsWith('slack:'));
  const groups = named.map((one) => one.slice('slack:'.length));
  return {
    groups: [...new Set([...(group === undefined ? [] : [group]), ...groups])],
    users: addressees.flatMap((one) => slackIdOf(one) ?? []),
  };
}

function renderNotice({ kind, message }: Notice): SlackMessage {
  const words = truncate(`${kind === 'blast' ? '🌊' : '🔁'} ${message}`, MAX_NOTICE_CHARS);
  return { text: fallback(words), blocks: [rich([paragraph([[text(words)]])])] };
}

/** One call for all that wait, not one for each. */
function renderDigestReminder(
  { waiting, expiresAt }: Extract<Said, { kind: 'digest-reminder' }>,
  mentions: Mentions,
): SlackMessage {
  const words = `${countOf(waiting, 'question')} of these still wait; the first expires `;
  const line = [...mention(mentions), text(words), time(expiresAt, 'moment')];
  return { text: fallback(`Still waiting: ${waiting}`), blocks: [rich([paragraph([line])])] };
}

async function send(
  client: Client,
  channel: string,
  { message, broadcast }: Rendered,
  { name, posted, thread, mayHaveArrivedSince, correctsOnly = false }: Delivery,
): Promise<Place | undefined> {
  const where = { channel: thread?.channel ?? channel, ...(thread && { thread: thread.ref }) };
  const metadata = { event_type: EVENT_TYPE, event_payload: { name } };
  const edit = async (place: Place | undefined): Promise<Place | undefined> => {
    if (!place) return undefined;
    try {
      await client.update({ channel: place.channel, ts: place.ref }, { ...message, metadata });
      return place;
    } catch (error) {
      if (GONE.has(slackErrorOf(error) ?? '')) return undefined;
      throw error;
    }
  };
  const find = () => findPosted(client, where, name, Date.parse(mayHaveArrivedSince ?? ''));
  const known = posted ?? (mayHaveArrivedSince === undefined ? undefined : await find());
  const edited = await edit(known);
  if (edited || correctsOnly) return edited;
  const { channel: taken, ts } = await client.post({
    ...{ ...message, ...where, metadata },
    ...(broadcast && { broadcast }),
  });
  return { channel: taken, ref: ts };
}

/** Slack takes no key that would make a post happen once, so what may have arrived is looked for. */
async function findPosted(
  client: Client,
  { channel: named, thread }: { readonly channel: string; readonly thread?: string },
  name: string,
  sinceMs: number,
): Promise<Place | undefined> {
  try {
    const channel = named.startsWith('#') ? await client.channelNamed(named.slice(1)) : named;
    // In no channel of that name the app could not have posted.
    if (channel === undefined) return undefined;
    const options = { sinceMs: sinceMs - LOOK_BACK_MS, ...(thread !== undefined && { thread }) };
    const recent = await client.recent(channel, options);
    const found = recent.find(
      ({ metadata }) =>
        metadata?.event_type === EVENT_TYPE && metadata.event_payload['name'] === name,
    );
    return found && { channel, ref: found.ts };
  } catch (error) {
    if (NO_HISTORY.has(slackErrorOf(error) ?? '')) return undefined;
    throw error;
  }
}
