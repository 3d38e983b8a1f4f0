import { makeDigestView } from '../drift/message/digest-view.ts';
import { isFinal, type MessageView } from '../drift/message/message-view.ts';
import { ownNotices, repliesOf } from '../drift/message/thread.ts';
import { digest as digestOf } from '../lib/digest.ts';
import {
  headlineReceivers,
  type KnownSubject,
  type LoadSubject,
  type Routing,
  receiversOf,
} from '../lib/known-subject.ts';
import type { Draft, Notifier, Said } from '../lib/notifier.ts';
import type { Digest, Message } from '../store/types.ts';

export const HEADLINE = 'headline';
/** A notice that stands for itself and is older than this is no news. */
const NEWS_MS = 3_600_000;

const URGENCY = { decided: 0, headline: 1, reply: 2, redraw: 3, progress: 4 } as const;

/** A message as it should be at a receiver now. */
export type Wanted = {
  readonly part: string;
  readonly draft: Draft;
  /** Below the headline, or the digest that the drift is shown in. */
  readonly isReply: boolean;
  readonly urgency: number;
  /** There is only something to correct here, for whom it has reached. */
  readonly correctsOnly?: boolean;
};

/** What one receiver is shown so far of one subject. */
export type Shown = {
  readonly receiver: string;
  readonly messages: readonly Message[];
  /** In the thread of a digest, which calls people for all that it shows. */
  readonly isGrouped: boolean;
};

/** Everything that a receiver should be shown of an episode or promotion. */
export function wantedOf(
  notifier: Notifier,
  known: KnownSubject,
  shown: Shown,
  routing: Routing,
  nowMs: number,
): readonly Wanted[] {
  const { view, notices } = known;
  const headline = shown.messages.find((one) => one.part === HEADLINE);
  const begins = headlineReceivers(known, routing).includes(shown.receiver);
  const isDue = headline !== undefined || begins;
  const urgency = urgencyOf(view);
  const first = isDue
    ? toWanted(notifier, { kind: 'headline', view }, HEADLINE, urgency)
    : undefined;
  const correctsOnly = headline?.place === undefined && !begins;
  const wanted: (Wanted | undefined)[] = [first && { ...first, correctsOnly }];
  if (notifier.threads && headline?.postedAt !== undefined) {
    for (const reply of repliesOf(known, headline.postedAt)) {
      if (shown.isGrouped && (reply.kind === 'reminder' || reply.kind === 'escalation')) continue;
      wanted.push(saidOnce(notifier, { kind: 'reply', reply, view }, reply.id));
    }
    if (view.progress.length > 0) {
      const said = { kind: 'progress', view } as const;
      wanted.push(toWanted(notifier, said, 'progress', URGENCY.progress, true));
    }
  }
  if (receiversOf(known, routing, 'notice').includes(shown.receiver)) {
    const news = ownNotices(notices).filter((one) => nowMs - Date.parse(one.at) < NEWS_MS);
    for (const notice of news) {
      const said = { kind: 'notice', notice } as const;
      wanted.push(toWanted(notifier, said, `notice:${notice.id}`, URGENCY.reply));
    }
  }
  return wanted.filter((one) => one !== undefined);
}

/** Everything that a receiver should be shown of many drifts at once. */
export function wantedOfDigest(
  notifier: Notifier,
  { id, startedAt }: Digest,
  members: readonly KnownSubject[],
): readonly Wanted[] {
  const views = members.map((one) => one.view);
  const view = makeDigestView({ id, startedAt, views }, digestOf);
  const headline = toWanted(notifier, { kind: 'digest', view }, HEADLINE, URGENCY.headline);
  const reminder = notifier.threads ? reminderOf(notifier, views) : undefined;
  return [headline, reminder].filter((one) => one !== undefined);
}

/** One call for all that wait, not one for each. */
function reminderOf(notifier: Notifier, views: readonly MessageView[]): Wanted | undefined {
  const waiting = views.flatMap(({ state, question }) =>
    state === 'waiting' && question ? [question] : [],
  );
  // Each reminder, and the escalation between them, is one more.
  const number = Math.max(
    0,
    ...waiting.map((one) => one.reminded + (one.escalatedTo.length > 0 ? 1 : 0)),
  );
  const [expiresAt] = waiting.map((one) => one.expiresAt).toSorted();
  if (number === 0 || expiresAt === undefined) return undefined;
  const addressees = [...new Set(waiting.flatMap((one) => [...one.approvers, ...one.escalatedTo]))];
  const said = { kind: 'digest-reminder', waiting: waiting.length, expiresAt, addressees } as const;
  return saidOnce(notifier, said, `call:${number}`);
}

/** A reply: it stays as it was when people heard of it. */
function saidOnce(notifier: Notifier, said: Said, part: string): Wanted | undefined {
  const wanted = toWanted(notifier, said, part, URGENCY.reply, true);
  return wanted && { ...wanted, draft: { ...wanted.draft, fingerprint: SAID } };
}

const SAID = 'said';

function toWanted(
  notifier: Notifier,
  said: Said,
  part: string,
  urgency: number,
  isReply = false,
): Wanted | undefined {
  const draft = notifier.compose(said);
  return draft && { part, draft, urgency, isReply };
}

function urgencyOf({ state, question }: MessageView): number {
  if (isFinal(state) || state === 'approved') return URGENCY.decided;
  return state === 'waiting' && question?.approvals.length === 0
    ? URGENCY.headline
    : URGENCY.redraw;
}

/** Members of a digest as they are now. */
export async function loadMembers(
  load: LoadSubject,
  { members }: Digest,
): Promise<readonly KnownSubject[]> {
  const known: KnownSubject[] = [];
  for (let start = 0; start < members.length; start += LOADED_AT_ONCE) {
    const some = members.slice(start, start + LOADED_AT_ONCE);
    const found = await Promise.all(some.map(({ subject }) => load(subject)));
    known.push(...found.filter((one) => one !== undefined));
  }
  return known;
}

/** Postgres has other things to do as well. */
const LOADED_AT_ONCE = 5;
