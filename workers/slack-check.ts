import { groupsIn } from '../drift/decide/approver-group.ts';
import type { Config } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { checkSlack } from '../slack/check.ts';
import type { Check } from './doctor.ts';

/** Tries what this configuration needs of Slack; posts nothing. Throws CONFIG_INVALID where Slack is off. */
export async function examineSlack(config: Config): Promise<readonly Check[]> {
  const { slack, policies, people, notifications } = config;
  if (slack.mode === 'off') {
    throw new AppError(
      'CONFIG_INVALID',
      'Slack is off: set SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET',
      { details: { repair: 'docs/slack.md tells in five steps where the tokens come from.' } },
    );
  }
  const channels = notifications.receivers.flatMap((one) =>
    one.kind === 'slack' ? one.channel : [],
  );
  return checkSlack({
    slack,
    channels: [...new Set(channels)],
    groups: groupsIn(policies),
    people: people.filter((one) => one.slackId !== undefined || one.email !== undefined),
    log: createLog('silent'),
  });
}
