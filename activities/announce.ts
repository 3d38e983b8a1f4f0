import { leadsOf } from '../drift/message/storm.ts';
import { eventOf } from '../drift/message/thread.ts';
import { fromUnknown, withRepair } from '../lib/errors.ts';
import type { LoadSubject, Routing } from '../lib/known-subject.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Delivery, Notifier, Place } from '../lib/notifier.ts';
import type { Message, MessageName, Store } from '../store/types.ts';
import type {
  AnnouncementActivities,
  Due,
  GroupInput,
  Posted,
  PostInput,
  Surveyed,
  SurveyInput,
} from './announcement-types.ts';
import { HEADLINE, loadMembers, type Wanted, wantedOf, wantedOfDigest } from './wanted-messages.ts';

export type AnnounceDeps = {
  readonly store: Pick<Store, 'messages' | 'digests'>;
  /** By the receiver's name. */
  readonly notifiers: ReadonlyMap<string, Notifier>;
  readonly routing: Routing;
  readonly load: LoadSubject;
  readonly metrics: Pick<Metrics, 'messagePosted' | 'postFailed' | 'subjectParked'>;
  readonly log: Log;
  readonly now: () => number;
  /** Of the activity that is running, from 1. */
  readonly attempt: () => number;
};

/** Tries to put a subject into words, before it is left out. */
const MAX_COMPOSING = 3;

/** Keeps what receivers see as Postgres says things are. */
export function createAnnouncementActivities(deps: AnnounceDeps): AnnouncementActivities {
  return {
    surveyMessages: (input) => survey(deps, input),
    groupMessages: (input) => group(deps, input),
    postMessage: (input) => post(deps, input),
  };
}

async function survey(deps: AnnounceDeps, { receiver, subjects }: SurveyInput): Promise<Surveyed> {
  const notifier = deps.notifiers.get(receiver);
  // A receiver that the configuration does not know any more is told nothing.
  if (!notifier) return { fresh: [], due: [] };
  const fresh: string[] = [];
  const due: Due[] = [];
  const digests = new Set<string>();
  for (const subject of subjects) {
    const membership = await deps.store.digests.membershipOf(receiver, subject);
    if (membership) digests.add(membership.digestId);
    if (membership && !membership.leads) continue;
    const composed = await wantedAt(deps, notifier, receiver, subject);
    if (!composed) continue;
    const { wanted, messages } = composed;
    const headline = messages.find((one) => one.part === HEADLINE);
    const isNew = headline === undefined && membership === undefined;
    const own = wanted.filter((one) => !isNew || one.part !== HEADLINE);
    if (own.length < wanted.length) {
      if (notifier.groups) fresh.push(subject);
      else due.push({ subject, part: HEADLINE, urgency: 1 });
    }
    due.push(...outdated(subject, own, messages));
  }
  for (const subject of digests) {
    const composed = await wantedAt(deps, notifier, receiver, subject);
    if (composed) due.push(...outdated(subject, composed.wanted, composed.messages));
  }
  return { fresh, due };
}

type Composed = { readonly wanted: readonly Wanted[]; readonly messages: readonly Message[] };

/**
 * What a receiver should be shown of a subject or digest, beside what it is shown; undefined where that cannot be put into words. By
 * a fault of ours one of them would keep the receiver from all others: it is left out until it changes.
 */
async function wantedAt(
  deps: AnnounceDeps,
  notifier: Notifier,
  receiver: string,
  subject: string,
): Promise<Composed | undefined> {
  try {
    return await compose(deps, notifier, receiver, subject);
  } catch (error) {
    const failure = fromUnknown(error);
    const { code, retryable, message: reason } = failure;
    // A part that is away comes back; and what nobody expected may be over at the next try.
    if (retryable && (code !== 'INTERNAL' || deps.attempt() < MAX_COMPOSING)) throw failure;
    deps.metrics.subjectParked(receiver);
    deps.log.error(
      { receiver, subject, code, reason },
      'nothing can be said of a subject; it is left out until it changes',
    );
    return undefined;
  }
}

async function compose(
  { store, load, routing, now }: AnnounceDeps,
  notifier: Notifier,
  receiver: string,
  subject: string,
): Promise<Composed> {
  const all = await store.messages.listFor(subject);
  const messages = all.filter((one) => one.receiver === receiver);
  const digest = await store.digests.find(subject);
  if (digest) {
    const members = await loadMembers(load, digest);
    return { messages, wanted: wantedOfDigest(notifier, digest, members) };
  }
  const known = await load(subject);
  if (!known) return { messages, wanted: [] };
  const isGrouped = (await store.digests.membershipOf(receiver, subject)) !== undefined;
  const shown = { receiver, messages, isGrouped };
  return { messages, wanted: wantedOf(notifier, known, shown, routing, now()) };
}

function outdated(
  subject: string,
  wanted: readonly Wanted[],
  messages: readonly Message[],
): readonly Due[] {
  return wanted.flatMap(({ part, draft, urgency }) => {
    const shown = messages.find((one) => one.part === part);
    if (shown?.place && shown.fingerprint === draft.fingerprint) return [];
    const isFirst = part === HEADLINE && shown?.place === undefined;
    return [{ subject, part, urgency, ...(isFirst && { isFirst }) }];
  });
}

async function group(
  { store, load }: AnnounceDeps,
  { receiver, digest, subjects, at }: GroupInput,
): Promise<readonly Due[]> {
  const known = await Promise.all(subjects.map(load));
  // What ended while it waited here is not told of at all.
  const members = known.flatMap((one) => (one && eventOf(one) !== undefined ? [one] : []));
  const before = await store.digests.find(digest);
  const led = before?.members.filter((one) => one.leads).length ?? 0;
  const isMember = new Set(before?.members.map((one) => one.subject));
  const added = members.filter((one) => !isMember.has(one.subject));
  const leads = leadsOf(
    added.map(({ subject, place }) => ({ subject, severity: place.severity })),
    led,
  );
  const joined = added.map(({ subject }) => ({ subject, leads: leads.has(subject) }));
  if (joined.length > 0) await store.digests.add({ id: digest, receiver, at }, joined);
  const isEmpty = joined.length === 0 && before === undefined;
  // Asked anew, so that a retry names those as well that its first try has added.
  const now = isEmpty ? undefined : await store.digests.find(digest);
  const own = now?.members.filter((one) => one.leads && subjects.includes(one.subject)) ?? [];
  return [
    ...(now
      ? [{ subject: digest, part: HEADLINE, urgency: 1, isFirst: before === undefined }]
      : []),
    ...own.map(({ subject }) => ({ subject, part: HEADLINE, urgency: 2, isFirst: true })),
  ];
}

async function post(deps: AnnounceDeps, { receiver, subject, part }: PostInput): Promise<Posted> {
  const { store, notifiers } = deps;
  const notifier = notifiers.get(receiver);
  if (!notifier) return 'over';
  const composed = await wantedAt(deps, notifier, receiver, subject);
  const found = composed?.wanted.find((one) => one.part === part);
  if (!composed || !found) return 'over';
  const { messages } = composed;
  const shown = messages.find((one) => one.part === part);
  if (shown?.place && shown.fingerprint === found.draft.fingerprint) return 'same';
  const above = await aboveOf(deps, { receiver, subject }, found, messages);
  if (above === 'too-early' || above === 'refused') return above;
  const name = { receiver, subject, part };
  const isFirstTry = shown?.place
    ? true
    : await store.messages.claim(name, new Date(deps.now()).toISOString());
  const since = isFirstTry ? undefined : (shown?.claimedAt ?? new Date(deps.now()).toISOString());
  return deliver(deps, name, found, {
    ...(found.correctsOnly && { correctsOnly: true }),
    ...(shown?.place && { posted: shown.place }),
    ...(above && { thread: above }),
    ...(since !== undefined && { mayHaveArrivedSince: since }),
  });
}

/** The headline, or digest, that a message stands below; undefined for one that stands by itself. */
async function aboveOf(
  { store }: AnnounceDeps,
  { receiver, subject }: Pick<MessageName, 'receiver' | 'subject'>,
  { part, isReply }: Wanted,
  messages: readonly Message[],
): Promise<Place | 'too-early' | 'refused' | undefined> {
  const membership = await store.digests.membershipOf(receiver, subject);
  if (!isReply && !(membership && part === HEADLINE)) return undefined;
  const among = membership ? await store.messages.listFor(membership.digestId) : messages;
  const above = among.find((one) => one.receiver === receiver && one.part === HEADLINE);
  if (above?.place) return above.place;
  return above?.failure === undefined ? 'too-early' : 'refused';
}

async function deliver(
  { store, metrics, log, now }: AnnounceDeps,
  name: MessageName,
  { draft }: Wanted,
  to: Omit<Delivery, 'name'>,
): Promise<Posted> {
  const { receiver, subject, part } = name;
  try {
    const place = await draft.send({ name: `${receiver} ${subject} ${part}`, ...to });
    if (!place) return 'over';
    const at = new Date(now()).toISOString();
    await store.messages.posted(name, { place, fingerprint: draft.fingerprint, at });
    metrics.messagePosted(receiver, to.posted ? 'edited' : 'posted');
    return 'posted';
  } catch (error) {
    const failure = fromUnknown(error);
    metrics.postFailed(receiver, failure.code);
    if (failure.retryable) throw failure;
    await store.messages.failed(name, withRepair(failure));
    const { code, repair } = failure;
    log.warn({ ...name, code, reason: failure.message, repair }, 'a message was refused');
    return 'refused';
  }
}
