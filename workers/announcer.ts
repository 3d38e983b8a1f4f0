import type { TemporalClient } from '../clients/temporal.ts';
import { ownNotices } from '../drift/message/thread.ts';
import type { Config } from '../lib/config.ts';
import type { Receiver } from '../lib/config-notifications.ts';
import { headlineReceivers, type LoadSubject, receiversOf } from '../lib/known-subject.ts';
import type { Store } from '../store/types.ts';
import { type AnnouncementsInput, look } from '../workflows/announcement-messages.ts';

const SIGNAL_TIMEOUT_MS = 5_000;

/** Slack limits what one app may post, so that has a queue of its own, which the server keeps within the limit. */
export function postQueueOf(taskQueue: string, kind: Receiver['kind']): string {
  return kind === 'slack' ? `${taskQueue}-slack` : taskQueue;
}

/** Has every receiver that is concerned look at an episode or promotion again. */
export type Announce = (subject: string) => Promise<void>;

export function createAnnouncer(
  { client }: TemporalClient,
  deps: {
    readonly config: Pick<Config, 'notifications' | 'temporal'>;
    readonly store: Pick<Store, 'messages'>;
    readonly load: LoadSubject;
  },
): Announce {
  const { notifications, temporal } = deps.config;
  const { receivers, retryRefusedMs } = notifications;
  if (receivers.length === 0) return async () => {};
  return async (subject) => {
    const known = await deps.load(subject);
    if (!known) return;
    const told = await deps.store.messages.receiversOf(subject);
    const names = new Set([
      ...told,
      ...headlineReceivers(known, notifications),
      ...(ownNotices(known.notices).length > 0 ? receiversOf(known, notifications, 'notice') : []),
    ]);
    for (const { name, kind } of receivers.filter((one) => names.has(one.name))) {
      const taskQueue = postQueueOf(temporal.taskQueue, kind);
      const input: AnnouncementsInput = { receiver: name, taskQueue, retryRefusedMs };
      await client.connection.withDeadline(Date.now() + SIGNAL_TIMEOUT_MS, () =>
        client.workflow.signalWithStart('announcements', {
          // Installations that share a namespace have task queues of their own.
          workflowId: `announcements:${temporal.taskQueue}:${name}`,
          taskQueue: temporal.taskQueue,
          args: [input],
          signal: look,
          signalArgs: [subject],
          staticSummary: `What ${name} is told`,
        }),
      );
    }
  };
}
