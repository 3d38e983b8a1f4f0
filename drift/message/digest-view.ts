import { type Severity, severityRank, worstSeverity } from '../field-change.ts';
import { formatResource } from '../resource-ref.ts';
import { isFinal, type MessageState, type MessageView } from './message-view.ts';

/** More rows than this are no longer read. */
export const MAX_DIGEST_ROWS = 15;

/** One drift of a storm. */
export type DigestItem = {
  readonly episodeId: string;
  readonly state: MessageState;
  readonly severity: Severity;
  readonly environment: string;
  /** `Kind/namespace/name`, or the unit of a promotion. */
  readonly subject: string;
  readonly summary: string;
  readonly questionId?: string;
};

/** Drifts with one cause: the same cluster, writer, fields and fix. */
export type DigestGroup = {
  readonly key: string;
  /** For people: `kubectl-edit changed spec.replicas in prod`. */
  readonly cause: string;
  readonly severity: Severity;
  /** Worst first. */
  readonly items: readonly DigestItem[];
  /** How many of the items are in each state. */
  readonly states: Readonly<Partial<Record<MessageState, number>>>;
  /** Present where one click may approve all that wait. */
  readonly approval?: GroupApproval;
};

export type GroupApproval = {
  /** Hash over the sorted digests of the items' questions. */
  readonly digest: string;
  /** Questions that are approved by it. */
  readonly questionIds: readonly string[];
  readonly objects: number;
  /** As the group's, but of what is approved alone. */
  readonly cause: string;
  /** That all of them are in, and that nothing of their fixes leaves. */
  readonly environment: string;
};

/** Many drifts at once, in one message that is edited as they end. */
export type DigestView = {
  /** Names the message for as long as it lives. */
  readonly id: string;
  readonly startedAt: string;
  readonly total: number;
  /** Items that still need somebody or something. */
  readonly open: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
  /** Largest first. Of all groups, not only those shown. */
  readonly groups: readonly DigestGroup[];
};

/** What one person finds when opening the app. */
export type HomeView = {
  readonly person: string;
  /** Questions that this person may answer, worst first. */
  readonly waitingForMe: readonly MessageView[];
  /** Open questions for others: barred, answered already, or not an approver. */
  readonly waitingForOthers: readonly MessageView[];
  readonly recentlyEnded: readonly MessageView[];
  /** Open drifts that nobody is asked about. */
  readonly otherOpen: number;
  readonly at: string;
};

/** One message for many drifts; `hash` makes one digest of several (hashes cannot be computed here). */
export function makeDigestView(
  about: Pick<DigestView, 'id' | 'startedAt'> & { readonly views: readonly MessageView[] },
  hash: (digests: readonly string[]) => string,
): DigestView {
  const { id, startedAt, views } = about;
  const groups = Map.groupBy(views, groupKeyOf);
  return {
    id,
    startedAt,
    total: views.length,
    open: views.filter((one) => !isFinal(one.state)).length,
    bySeverity: countSeverities(views),
    groups: [...groups].map(([key, members]) => toGroup(key, members, hash)).toSorted(byWeight),
  };
}

/** Drifts with the same key have one cause and one remedy. */
export function groupKeyOf(view: MessageView): string {
  const paths = [...new Set(view.changes.map((one) => one.path))].toSorted();
  const fix = view.fixes[0]?.fix ?? '';
  const where = view.cluster ?? view.environment;
  return JSON.stringify([where, writerName(view), view.about, paths, fix]);
}

function toGroup(
  key: string,
  views: readonly MessageView[],
  hash: (digests: readonly string[]) => string,
): DigestGroup {
  const states: Partial<Record<MessageState, number>> = {};
  for (const { state } of views) states[state] = (states[state] ?? 0) + 1;
  const approval = approvalOf(views, hash);
  return {
    key,
    cause: causeOf(views),
    severity: worstSeverity(views.map((one) => one.severity)),
    items: views
      .toSorted((a, b) => severityRank(b.severity) - severityRank(a.severity))
      .map(toItem),
    states,
    ...(approval && { approval }),
  };
}

/** More questions than one click may answer. */
export const MAX_GROUP = 100;

/**
 * All at once only where each is the same question to the same people, nowhere near production, reaches no other environment, and
 * lacks no approval but this one: a click that leaves half of a quorum open would be called by a wrong name.
 */
function approvalOf(
  views: readonly MessageView[],
  hash: (digests: readonly string[]) => string,
): GroupApproval | undefined {
  const waiting = views.filter((one) => one.state === 'waiting');
  const [first] = waiting;
  const questions = waiting.flatMap((one) => (one.question ? [one.question] : []));
  if (!first || waiting.length < 2 || waiting.length > MAX_GROUP) return undefined;
  const isUniform = waiting.every(
    (one) =>
      isDecidedByOne(one) &&
      one.rule === first.rule &&
      one.environment === first.environment &&
      one.fixes[0]?.fix === 'revert' &&
      one.approvalChannel === 'slack' &&
      !one.isProduction,
  );
  if (!isUniform) return undefined;
  const reach = waiting.flatMap((one) => one.fixes[0]?.reach ?? []);
  if (reach.some((one) => one.environment !== first.environment)) return undefined;
  const objects = reach.flatMap((one) => one.resources);
  return {
    digest: hash(questions.map((one) => one.digest).toSorted()),
    questionIds: questions.map((one) => one.id),
    objects: new Set(objects).size,
    cause: causeOf(waiting),
    environment: first.environment,
  };
}

function isDecidedByOne({ question }: MessageView): boolean {
  return question !== undefined && question.quorum - question.approvals.length === 1;
}

function toItem(view: MessageView): DigestItem {
  const { episodeId, state, severity, environment, summary, ref, unit, question } = view;
  return {
    episodeId,
    state,
    severity,
    environment,
    subject: ref ? formatResource(ref) : (unit ?? ''),
    summary,
    ...(question && { questionId: question.id }),
  };
}

function causeOf(views: readonly MessageView[]): string {
  const [first] = views;
  if (!first) return '';
  const paths = [...new Set(first.changes.map((one) => one.path))];
  const [path = ''] = paths;
  const others = paths.length - 1;
  const more = others > 0 ? ` and ${others} more ${others === 1 ? 'field' : 'fields'}` : '';
  const environments = [...new Set(views.map((one) => one.environment))].join(', ');
  if (first.about !== 'drift') return `${first.about} in ${environments}`;
  const what = path === '' ? 'made, removed or left out objects' : `changed ${path}${more}`;
  return `${writerName(first)} ${what} in ${environments}`;
}

/** Who made a change, as far as it is known: a person, several, or a tool. */
export function writerName({ changedBy }: Pick<MessageView, 'changedBy'>): string {
  switch (changedBy.certainty) {
    case 'audit-log':
      return changedBy.author;
    case 'possible':
      return changedBy.authors.join(' or ');
    case 'field-manager':
      return changedBy.manager;
    case 'unknown':
      return 'somebody unknown';
  }
}

function countSeverities(views: readonly MessageView[]): Readonly<Record<Severity, number>> {
  const counts: Record<Severity, number> = { info: 0, low: 0, medium: 0, high: 0, critical: 0 };
  for (const { severity } of views) counts[severity] += 1;
  return counts;
}

function byWeight(one: DigestGroup, other: DigestGroup): number {
  return (
    severityRank(other.severity) - severityRank(one.severity) ||
    other.items.length - one.items.length
  );
}
