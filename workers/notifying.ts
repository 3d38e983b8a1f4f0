import {
  type AnnounceDeps,
  createAnnouncementActivities,
  currentAttempt,
} from '../activities/index.ts';
import { createEmailNotifier } from '../clients/notify/email.ts';
import { createPagerdutyNotifier } from '../clients/notify/pagerduty.ts';
import { createWebhookNotifier } from '../clients/notify/webhook.ts';
import type { Receiver } from '../lib/config-notifications.ts';
import type { Notifier } from '../lib/notifier.ts';
import { createSlackClient } from '../slack/client.ts';
import { createSlackNotifier } from '../slack/notifier.ts';
import { type Announce, createAnnouncer, postQueueOf } from './announcer.ts';
import type { Parts } from './parts.ts';
import type { SideQueue } from './side-worker.ts';
import { createSubjects } from './subjects.ts';

const MAX_SLACK_CALLS = 2;

/** How people are told, for a process with workers. */
export type Notifying = {
  readonly announce: Announce;
  readonly activities: ReturnType<typeof createAnnouncementActivities>;
  /** Where there is a receiver in Slack. */
  readonly sideQueues: readonly SideQueue[];
};

export function openNotifying(parts: Parts): Notifying {
  const { config, store, log, metrics, temporal } = parts;
  const { notifications, slack } = config;
  const load = createSubjects(parts);
  const notifiers = openNotifiers(parts);
  const deps: AnnounceDeps = {
    ...{ store, notifiers, load, metrics, log, routing: notifications },
    now: Date.now,
    attempt: currentAttempt,
  };
  const activities = createAnnouncementActivities(deps);
  const usesSlack = notifications.receivers.some((one) => one.kind === 'slack');
  const { taskQueue } = config.temporal;
  return {
    activities,
    announce: createAnnouncer(temporal, { config, store, load }),
    sideQueues:
      usesSlack && slack.mode !== 'off'
        ? [
            {
              taskQueue: postQueueOf(taskQueue, 'slack'),
              activities: { postMessage: activities.postMessage },
              maxAtOnce: MAX_SLACK_CALLS,
              maxPerSecond: slack.postsPerSecond,
            },
          ]
        : [],
  };
}

function openNotifiers(parts: Parts): ReadonlyMap<string, Notifier> {
  const { receivers } = parts.config.notifications;
  const open = createOpen(parts);
  return new Map(
    receivers.flatMap((one): readonly [string, Notifier][] => {
      const notifier = open(one);
      return notifier ? [[one.name, notifier]] : [];
    }),
  );
}

function createOpen({ config, log }: Parts): (receiver: Receiver) => Notifier | undefined {
  const { slack, people } = config;
  const client = slack.mode === 'off' ? undefined : createSlackClient({ ...slack, log });
  const slackIdOf = (name: string) => people.find((one) => one.name === name)?.slackId;
  return (receiver) => {
    switch (receiver.kind) {
      case 'slack':
        return client && createSlackNotifier(client, receiver, slackIdOf);
      case 'webhook':
        return createWebhookNotifier(receiver, Date.now);
      case 'pagerduty':
        return createPagerdutyNotifier(receiver);
      case 'email':
        return createEmailNotifier(receiver);
    }
  };
}

/** Questions that were asked while nobody was to be told, or that could not be posted: they are looked at once at the start. */
export async function announceWaiting({ store, config }: Parts, announce: Announce): Promise<void> {
  if (config.notifications.receivers.length === 0) return;
  for (const subject of await store.messages.listUnposted()) await announce(subject);
}
