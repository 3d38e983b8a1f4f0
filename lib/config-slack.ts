import { type Overrides, withoutUndefined } from './config-environment.ts';
import { type Place, readSecret } from './config-files.ts';
import type { ConfigFile } from './config-schema.ts';

type Shared = {
  readonly botToken: string;
  /** Without a slash at the end. */
  readonly apiUrl: string;
  /** Id of the workspace; absent = the bot's own. */
  readonly team?: string;
  /** Where questions go that no route sends elsewhere. */
  readonly channel?: string;
  /** What full members of the workspace may do who are not in `people`; absent = nothing. */
  readonly memberRole?: 'viewer' | 'approver';
  /** Environments whose fixes are approved elsewhere: Slack shows and stops them only. */
  readonly approveOnWeb: readonly string[];
  /** Posts and edits of all workers together. */
  readonly postsPerSecond: number;
};

/** How people are reached in Slack, and how what they do there comes back. */
export type SlackConfig =
  | { readonly mode: 'off'; readonly lacks?: string }
  /** Posts only: enough for a worker, which nobody answers to. `lacks` is what the mode of the file needs beside. */
  | (Shared & { readonly mode: 'post'; readonly lacks?: string })
  | ReceivingSlack;

export type ReceivingSlack =
  | (Shared & { readonly mode: 'http'; readonly signingSecret: string })
  | (Shared & { readonly mode: 'socket'; readonly appToken: string });

export type ConnectedSlack = Exclude<SlackConfig, { readonly mode: 'off' }>;

/** Without `mode` the secrets that are there decide. Those that a mode lacks are missed by the api alone: each process has its own. */
export function toSlack(section: ConfigFile['slack'], env: Overrides, place: Place): SlackConfig {
  const { botToken, appToken, signingSecret } = secretsOf(section, env, place);
  const { apiUrl, team, memberRole, approveOnWeb, postsPerSecond, mode: named } = section;
  if (named === 'off') return { mode: 'off' };
  if (botToken === undefined) {
    return { mode: 'off', ...(named && { lacks: 'SLACK_BOT_TOKEN or slack.botTokenFile' }) };
  }
  const channel = env.slackChannel ?? section.channel;
  const shared = {
    ...{ botToken, apiUrl, approveOnWeb, postsPerSecond },
    ...withoutUndefined({ team, channel, memberRole }),
  };
  // Where both would do, Socket Mode: it needs no address that Slack can reach.
  if (named !== 'http' && appToken !== undefined) return { ...shared, mode: 'socket', appToken };
  if (named !== 'socket' && signingSecret !== undefined) {
    return { ...shared, mode: 'http', signingSecret };
  }
  if (named === undefined) return { ...shared, mode: 'post' };
  const lacks =
    named === 'http'
      ? 'SLACK_SIGNING_SECRET or slack.signingSecretFile'
      : 'SLACK_APP_TOKEN or slack.appTokenFile';
  return { ...shared, mode: 'post', lacks };
}

type Secrets = {
  readonly botToken: string | undefined;
  readonly appToken: string | undefined;
  readonly signingSecret: string | undefined;
};

function secretsOf(section: ConfigFile['slack'], env: Overrides, place: Place): Secrets {
  const { botToken, botTokenFile, appToken, appTokenFile } = section;
  const { signingSecret, signingSecretFile } = section;
  return {
    botToken: env.slackBotToken ?? readSecret(place, ['slack', 'botToken'], botToken, botTokenFile),
    appToken: env.slackAppToken ?? readSecret(place, ['slack', 'appToken'], appToken, appTokenFile),
    signingSecret:
      env.slackSigningSecret ??
      readSecret(place, ['slack', 'signingSecret'], signingSecret, signingSecretFile),
  };
}
