import { type Severity, severityRank } from '../field-change.ts';

/** So many new drifts within a window have headlines of their own; the rest share a message. */
export const MAX_SINGLES = 5;
/** So many that wait to be grouped are not kept waiting for the end of the window. */
export const FLUSH_AT = 25;
export const WINDOW_MS = 15_000;
/** In the thread of a digest the worst have headlines of their own. */
const MAX_LEADS = 5;
/** Beyond this a message says nothing to anyone; the next ones begin another digest. */
const MAX_MEMBERS = 200;

/** What a receiver has been told lately. Times in milliseconds since the epoch. */
export type Storm = {
  readonly untilMs: number;
  readonly singles: number;
  /** Wait to be grouped. */
  readonly gathered: readonly string[];
  /** Takes what else comes while the storm lasts. */
  readonly digest?: { readonly id: string; readonly members: number };
};

export const CALM: Storm = { untilMs: 0, singles: 0, gathered: [] };

/** What becomes of something new. */
export type Admission = { readonly storm: Storm; readonly single: boolean };

/**
 * The first few of a window are posted at once, so that a single drift waits for nothing. What comes beyond them is gathered, and
 * prolongs the storm once there is a digest. `unposted`: headlines that have not arrived yet, which keeps a window from
 * ending while nothing can be posted.
 */
export function admit(storm: Storm, subject: string, nowMs: number, unposted: number): Admission {
  const isOver = nowMs >= storm.untilMs && storm.gathered.length === 0;
  const now = isOver ? { ...CALM, singles: unposted, untilMs: nowMs + WINDOW_MS } : storm;
  if (now.singles < MAX_SINGLES && now.digest === undefined) {
    return { storm: { ...now, singles: now.singles + 1 }, single: true };
  }
  const untilMs = now.digest ? nowMs + WINDOW_MS : now.untilMs;
  return { storm: { ...now, untilMs, gathered: [...now.gathered, subject] }, single: false };
}

/**
 * Whether what was gathered is to be posted now. Nothing waits for a window where there is a message already; and while headlines
 * cannot be posted nothing is won by more of them.
 */
export function isDue(
  { gathered, digest, untilMs }: Storm,
  nowMs: number,
  unposted: number,
): boolean {
  if (gathered.length === 0) return false;
  return (
    digest !== undefined || gathered.length >= FLUSH_AT || (nowMs >= untilMs && unposted === 0)
  );
}

/** How what was gathered is posted: as headlines where it is little, else in the storm's digest. */
export function flush(
  storm: Storm,
  nowMs: number,
  newId: () => string,
): { readonly storm: Storm; readonly singles: readonly string[]; readonly digest?: string } {
  const { gathered } = storm;
  const rest = { ...storm, gathered: [] };
  if (!storm.digest && gathered.length <= MAX_SINGLES) {
    // They count as those of a window of their own: what comes now is gathered first.
    const next = { ...rest, singles: MAX_SINGLES, untilMs: nowMs + WINDOW_MS };
    return { storm: next, singles: gathered };
  }
  const isFull = (storm.digest?.members ?? 0) + gathered.length > MAX_MEMBERS;
  const before = isFull ? undefined : storm.digest;
  const id = before?.id ?? newId();
  const digest = { id, members: (before?.members ?? 0) + gathered.length };
  return { storm: { ...rest, digest, untilMs: nowMs + WINDOW_MS }, singles: [], digest: id };
}

/** The worst of those that a digest begins with; `taken` have headlines of their own already. */
export function leadsOf(
  subjects: readonly { readonly subject: string; readonly severity: Severity }[],
  taken: number,
): ReadonlySet<string> {
  const worst = subjects.toSorted((a, b) => severityRank(b.severity) - severityRank(a.severity));
  return new Set(worst.slice(0, Math.max(0, MAX_LEADS - taken)).map((one) => one.subject));
}
