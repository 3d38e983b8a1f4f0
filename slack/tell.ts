import type { Log } from '../lib/log.ts';
import type { SlackClient } from './client.ts';
import { slackErrorOf } from './errors.ts';
import type { Place } from './payloads.ts';
import type { Message } from './render.ts';

/** Tells one person something; never throws, for nothing can be done about it then. */
export type Tell = (place: Place, message: Message) => Promise<void>;

/** At the address that came with the action; that is gone after half an hour, or was never there: in the channel, else directly. */
export function createTell(
  client: Pick<SlackClient, 'respond' | 'whisper' | 'post'>,
  log: Log,
): Tell {
  return async (place, message) => {
    const ways = waysTo(client, place, message);
    for (const way of ways) {
      try {
        await way();
        return;
      } catch (error) {
        const fields = { user: place.user, error: String(error), slackError: slackErrorOf(error) };
        log.warn(fields, 'could not tell somebody in Slack');
      }
    }
  };
}

function waysTo(
  client: Pick<SlackClient, 'respond' | 'whisper' | 'post'>,
  { user, channel, responseUrl }: Place,
  message: Message,
): readonly (() => Promise<unknown>)[] {
  return [
    ...(responseUrl === undefined ? [] : [() => client.respond(responseUrl, message)]),
    ...(channel === undefined ? [] : [() => client.whisper(channel, user, message)]),
    // A user's id as channel is the conversation with the app.
    () => client.post({ channel: user, ...message }),
  ];
}
