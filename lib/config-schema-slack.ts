import { z } from 'zod';
import { MAX_LIST, name, text, webUrl } from './config-schema-parts.ts';

/** The roles that decide nothing by themselves are not among them: a workspace is full of people. */
/** More than any workspace grants one app. */
const MAX_POSTS_PER_SECOND = 50;
const MEMBER_ROLES = ['viewer', 'approver'] as const;

export const slackChannel = text.regex(
  /^(?:[CGD][A-Z0-9]{2,}|#[^\s#<>]{1,80})$/,
  "expected a channel's id (C0123456789) or #name",
);
export const slackTeam = text.regex(
  /^[TE][A-Z0-9]{2,}$/,
  "expected a workspace's id (T0123456789)",
);
export const slackBotToken = text.regex(
  /^xoxb-[!-~]+\s*$/,
  'expected a bot token, which begins with xoxb-',
);
export const slackAppToken = text.regex(
  /^xapp-[!-~]+\s*$/,
  'expected an app-level token, which begins with xapp-',
);

/** The section `slack` of realign.yaml. */
export const slack = z
  .strictObject({
    mode: z.enum(['off', 'http', 'socket']).exactOptional(),
    botToken: slackBotToken.exactOptional(),
    botTokenFile: text.exactOptional(),
    appToken: slackAppToken.exactOptional(),
    appTokenFile: text.exactOptional(),
    signingSecret: text.exactOptional(),
    signingSecretFile: text.exactOptional(),
    team: slackTeam.exactOptional(),
    channel: slackChannel.exactOptional(),
    memberRole: z.enum(MEMBER_ROLES).exactOptional(),
    approveOnWeb: z.array(name).max(MAX_LIST).default([]),
    postsPerSecond: z.number().min(0.01).max(MAX_POSTS_PER_SECOND).default(0.8),
    apiUrl: webUrl.prefault('https://slack.com/api'),
  })
  .prefault({});
