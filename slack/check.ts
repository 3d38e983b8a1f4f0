import { WebClient } from '@slack/web-api';
import type { ConnectedSlack } from '../lib/config-slack.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { createSlackClient, type SlackClient, webClientOptions } from './client.ts';
import { createSlackDirectory } from './directory.ts';
import { asSlackError } from './errors.ts';
import { APP_SCOPE, BOT_SCOPES } from './scopes.ts';

/** One thing that was tried, and what to do where it failed. */
type SlackCheck = {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly repair?: string;
};

type SlackCheckOptions = {
  readonly slack: ConnectedSlack;
  /** Those of every receiver in Slack. */
  readonly channels: readonly string[];
  /** Those that policies name. */
  readonly groups: readonly string[];
  /** People with a Slack id or an e-mail address. */
  readonly people: readonly {
    readonly name: string;
    readonly slackId?: string;
    readonly email?: string;
  }[];
  readonly log: Log;
};

/** A signing secret is 32 hex digits. */
const SIGNING_SECRET = /^[0-9a-f]{32}$/;
const MAX_PEOPLE = 50;

/** Tries what Realign needs of Slack, each thing by itself. Nothing is posted. */
export async function checkSlack(options: SlackCheckOptions): Promise<readonly SlackCheck[]> {
  const { slack, channels, groups, people, log } = options;
  const client = createSlackClient({ ...slack, log });
  let isKnown = false;
  const token = await tried('bot token', async () => {
    const { teamName, team, botName, scopes } = await client.whoAmI();
    isKnown = true;
    if (slack.team !== undefined && slack.team !== team) {
      const message = `the token is of the workspace ${team}, slack.team says ${slack.team}`;
      throw new AppError('CONFIG_INVALID', message);
    }
    refuseMissing(scopes);
    return `@${botName} of ${teamName} (${team}), with all scopes`;
  });
  // Without a token that Slack knows, everything else would fail for its sake.
  if (!isKnown) return [token, await checkWayIn(slack, log)];
  const directory = createSlackDirectory(client, slack);
  const checks = [
    checkWayIn(slack, log),
    ...channels.map((one) => tried(`channel ${one}`, () => checkChannel(client, one))),
    ...groups.map((one) =>
      tried(`group ${one}`, async () => {
        const { length } = await directory.membersOf(one);
        if (length > 0) return `${length} members`;
        throw new AppError('CONFIG_INVALID', 'nobody is in it');
      }),
    ),
    ...people
      .slice(0, MAX_PEOPLE)
      .map((one) => tried(`person ${one.name}`, () => checkPerson(client, one))),
  ];
  return [token, ...(await Promise.all(checks))];
}

function refuseMissing(scopes: readonly string[]): void {
  const missing = Object.entries(BOT_SCOPES).filter(([name]) => !scopes.includes(name));
  if (missing.length === 0) return;
  const list = missing.map(([name, why]) => `${name} (${why})`).join(', ');
  throw new AppError('SLACK_REFUSED', `scopes are missing: ${list}`, {
    details: { repair: 'Add them under OAuth & Permissions, then install the app again.' },
  });
}

async function checkWayIn(slack: ConnectedSlack, log: Log): Promise<SlackCheck> {
  if (slack.mode === 'http') {
    return tried('signing secret', async () => {
      if (SIGNING_SECRET.test(slack.signingSecret)) {
        return 'looks as Slack makes them; whether it is right, only a request of Slack shows';
      }
      throw new AppError('CONFIG_INVALID', 'is not 32 hex digits', {
        details: { repair: 'Copy it from Basic Information → App Credentials of the app.' },
      });
    });
  }
  if (slack.mode === 'post') {
    return tried('answers', async () => {
      throw new AppError(
        'CONFIG_INVALID',
        'nothing takes them: messages go out, buttons do nothing',
        {
          details: {
            repair: 'Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP) for the api.',
          },
        },
      );
    });
  }
  return tried('app token', async () => {
    const web = new WebClient(slack.appToken, webClientOptions({ ...slack, log }));
    try {
      await web.apps.connections.open({});
    } catch (error) {
      throw asSlackError('apps.connections.open', error);
    }
    return `opens connections (${APP_SCOPE})`;
  });
}

async function checkChannel(client: SlackClient, channel: string): Promise<string> {
  if (channel.startsWith('#')) {
    const id = await client.channelNamed(channel.slice(1));
    if (id !== undefined) return `${id}, and the app is in it`;
    throw new AppError('SLACK_REFUSED', `the app is in no channel ${channel}`, {
      details: { repair: `Write \`/invite @realign\` in ${channel}, or correct its name.` },
    });
  }
  const { name, isMember } = await client.channel(channel);
  if (isMember) return `#${name}, and the app is in it`;
  throw new AppError('SLACK_REFUSED', `the app is not in #${name}`, {
    details: { repair: `Write \`/invite @realign\` in #${name}.` },
  });
}

async function checkPerson(
  client: SlackClient,
  { slackId, email }: SlackCheckOptions['people'][number],
): Promise<string> {
  const user =
    slackId === undefined ? await client.userByEmail(email ?? '') : await client.user(slackId);
  if (user.isMember) return `${user.name} (${user.id})`;
  throw new AppError('CONFIG_INVALID', `${user.name} (${user.id}) is a guest, a bot or has left`);
}

async function tried(name: string, look: () => Promise<string>): Promise<SlackCheck> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    const { message: detail, repair } = fromUnknown(error);
    return { name, ok: false, detail, repair };
  }
}
