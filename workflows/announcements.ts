import {
  ActivityFailure,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  uuid4,
} from '@temporalio/workflow';
import type { AnnouncementActivities, Due, Posted } from '../activities/announcement-types.ts';
import {
  NONE_REFUSED,
  noteRefused,
  noteTaken,
  type Refusals,
  takeRefused,
} from '../drift/decide/refusals.ts';
import { admit, CALM, flush, isDue, type Storm } from '../drift/message/storm.ts';
import { ACTIVITY_OPTIONS } from './activity-options.ts';
import { type AnnouncementsInput, look } from './announcement-messages.ts';
import { drained, isHistoryLong } from './run-state.ts';

/** Without anything to say for so long the run ends; the next one begins with the next thing to say. */
const IDLE_MS = 10 * 60_000;
/** So many subjects are looked at in one step; more are looked at in the next. */
const MAX_LOOKED_AT = 50;
/** While more than this waits to be said, progress is left out. */
const MAX_WAITING_FOR_PROGRESS = 10;
/** As the configuration has it by itself. */
const RETRY_REFUSED_MS = 15 * 60_000;
const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 60_000;

const reads = proxyActivities<AnnouncementActivities>(ACTIVITY_OPTIONS.read);
type Proxies = typeof reads;

/** What a receiver is still to be told. */
type Desk = {
  readonly input: AnnouncementsInput;
  readonly posts: Pick<Proxies, 'postMessage'>;
  /** Named since the last look. */
  readonly named: Set<string>;
  /** Messages to post or edit, by what they are called. */
  readonly outbox: Map<string, Due>;
  storm: Storm;
  refusals: Refusals;
  failures: number;
};

/**
 * Keeps one receiver's messages as Postgres says things are. A signal only names what has changed; what is said of it is worked out
 * when it is said, so that a receiver that was away hears the present state once, and nothing of what is over by then.
 */
export async function announcements(input: AnnouncementsInput): Promise<void> {
  const desk = openDesk(input);
  for (;;) {
    const isAwake = await condition(() => hasWork(desk), idleMs(desk), { summary: 'quiet' });
    if (!isAwake && !isExpecting(desk)) return drained();
    retryRefused(desk);
    await survey(desk);
    await post(desk);
    if (isHistoryLong()) await startFresh(desk);
  }
}

function openDesk(input: AnnouncementsInput): Desk {
  const { taskQueue, carried } = input;
  const desk: Desk = {
    input,
    posts: proxyActivities<AnnouncementActivities>({
      ...ACTIVITY_OPTIONS.post,
      taskQueue,
    }),
    named: new Set(carried?.subjects),
    outbox: new Map(),
    storm: carried?.storm ?? CALM,
    refusals: carried?.refusals ?? NONE_REFUSED,
    failures: 0,
  };
  setHandler(look, (subject) => void desk.named.add(subject), {
    description: 'Something about this drift or promotion has changed that people may see.',
  });
  return desk;
}

function hasWork({ named, outbox }: Desk): boolean {
  return named.size > 0 || outbox.size > 0;
}

/** Something is due later, without anyone naming it. */
function isExpecting({ storm, refusals }: Desk): boolean {
  return storm.gathered.length > 0 || refusals.subjects.length > 0;
}

function idleMs(desk: Desk): number {
  if (!isExpecting(desk)) return IDLE_MS;
  const { storm, refusals } = desk;
  const dueMs = [
    ...(storm.gathered.length > 0 ? [storm.untilMs] : []),
    ...(refusals.subjects.length > 0 ? [refusals.retryAtMs] : []),
  ];
  return Math.max(1, Math.min(...dueMs) - Date.now());
}

function retryRefused(desk: Desk): void {
  const { refusals, subjects } = takeRefused(desk.refusals, Date.now());
  desk.refusals = refusals;
  for (const subject of subjects) desk.named.add(subject);
}

/** Looks at what was named, and lets new drifts in: as headlines of their own, or together. */
async function survey(desk: Desk): Promise<void> {
  const { receiver } = desk.input;
  while (desk.named.size > 0) {
    const subjects = [...desk.named].slice(0, MAX_LOOKED_AT);
    for (const subject of subjects) desk.named.delete(subject);
    const summary = `look at ${subjects.length}`;
    const surveyed = await reads.surveyMessages.executeWithOptions({ summary }, [
      { receiver, subjects },
    ]);
    for (const subject of surveyed.fresh) letIn(desk, subject);
    for (const due of surveyed.due) put(desk, due);
  }
  const now = Date.now();
  if (isDue(desk.storm, now, unposted(desk))) await group(desk, now);
}

function letIn(desk: Desk, subject: string): void {
  const headline = headlineOf(subject);
  if (desk.outbox.has(keyOf(headline)) || desk.storm.gathered.includes(subject)) return;
  const { storm, single } = admit(desk.storm, subject, Date.now(), unposted(desk));
  desk.storm = storm;
  if (single) put(desk, headline);
}

async function group(desk: Desk, nowMs: number): Promise<void> {
  const { receiver } = desk.input;
  const { gathered } = desk.storm;
  const { storm, singles, digest } = flush(desk.storm, nowMs, uuid4);
  desk.storm = storm;
  for (const subject of singles) put(desk, headlineOf(subject));
  if (digest === undefined) return;
  const grouped = await reads.groupMessages.executeWithOptions(
    { summary: `group ${gathered.length}` },
    [{ receiver, digest, subjects: gathered, at: new Date(nowMs).toISOString() }],
  );
  for (const due of grouped) put(desk, due);
}

function headlineOf(subject: string): Due {
  return { subject, part: 'headline', urgency: 1, isFirst: true };
}

function keyOf({ subject, part }: Pick<Due, 'subject' | 'part'>): string {
  return `${subject} ${part}`;
}

function put(desk: Desk, due: Due): void {
  if (due.part === 'progress' && desk.outbox.size > MAX_WAITING_FOR_PROGRESS) return;
  const before = desk.outbox.get(keyOf(due));
  if (!before || due.urgency < before.urgency) desk.outbox.set(keyOf(due), due);
}

/** Headlines that nobody has seen yet. */
function unposted({ outbox }: Desk): number {
  return [...outbox.values()].filter((one) => one.isFirst).length;
}

/** Says the most urgent thing. What cannot be said now is said after the others, later each time. */
async function post(desk: Desk): Promise<void> {
  const next = [...desk.outbox.values()].toSorted((a, b) => a.urgency - b.urgency)[0];
  if (!next) return;
  desk.outbox.delete(keyOf(next));
  const { receiver } = desk.input;
  const { subject, part } = next;
  try {
    const summary = `${part} of ${subject}`;
    const said = await desk.posts.postMessage.executeWithOptions({ summary }, [
      { receiver, subject, part },
    ]);
    desk.failures = 0;
    note(desk, subject, said);
    setCurrentDetails(`${desk.outbox.size} messages wait`);
    // Below a headline that is not there yet: the headline comes first.
    if (said === 'too-early') put(desk, { ...next, urgency: next.urgency + 1 });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    // Behind the others, so that one message that cannot be posted holds up no other.
    put(desk, { ...next, urgency: next.urgency + 1 });
    desk.failures += 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** desk.failures, MAX_PAUSE_MS);
    setCurrentDetails(`**${receiver} cannot be reached**; ${desk.outbox.size} messages wait`);
    await sleep(pauseMs, { summary: `${receiver} is away` });
  }
}

function note(desk: Desk, subject: string, said: Posted): void {
  if (said === 'posted') desk.refusals = noteTaken(desk.refusals);
  if (said !== 'refused') return;
  const { retryRefusedMs = RETRY_REFUSED_MS } = desk.input;
  desk.refusals = noteRefused(desk.refusals, subject, Date.now(), retryRefusedMs);
}

/** What waits is looked at again by the fresh run. */
async function startFresh(desk: Desk): Promise<never> {
  await drained();
  const { named, outbox, storm, refusals } = desk;
  const waiting = [...outbox.values()].map((one) => one.subject);
  const subjects = [...new Set([...named, ...waiting, ...storm.gathered])];
  return continueAsNew<typeof announcements>({
    ...desk.input,
    carried: { subjects, storm: { ...storm, gathered: [] }, refusals },
  });
}
