import type { MakeCounter, MakeGauge } from './metric-makers.ts';

/** What receivers of notifications were sent. */
export function messageMetrics(counter: MakeCounter) {
  const messages = counter(
    'realign_messages_total',
    'Messages that reached a receiver: posted anew, or edited.',
    ['receiver', 'how'],
  );
  const failures = counter(
    'realign_slack_post_failures_total',
    'Tries to post or edit a message that failed, in Slack or elsewhere, by the code of the error.',
    ['receiver', 'code'],
  );
  const parked = counter(
    'realign_subjects_parked_total',
    'Drifts and promotions that a receiver is not told of until they change, because nothing can be said of them: a fault.',
    ['receiver'],
  );
  return {
    subjectParked: (receiver: string) => parked.inc({ receiver }),
    messagePosted: (receiver: string, how: 'posted' | 'edited') => messages.inc({ receiver, how }),
    postFailed: (receiver: string, code: string) => failures.inc({ receiver, code }),
  };
}

type Unposted = () => Promise<readonly { readonly environment: string; readonly count: number }[]>;

/** Questions that people cannot see; a Postgres that is away empties the gauge. */
export function unpostedMetric(gauge: MakeGauge) {
  const unposted = gauge(
    'realign_approvals_waiting_unposted',
    'Questions that have waited for a minute and that no message shows.',
    ['environment'],
  );
  let list: Unposted | undefined;
  return {
    use({ unpostedQuestions }: { readonly unpostedQuestions?: Unposted }) {
      list = unpostedQuestions ?? list;
    },
    async read() {
      const found = await list?.().catch(() => []);
      unposted.reset();
      for (const { environment, count } of found ?? []) unposted.set({ environment }, count);
    },
  };
}
