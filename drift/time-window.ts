/** Days of the week as `Intl` shortens them in English, in lower case. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A time that comes again (`mon` to `fri`, 09:00 to 17:00) or a stretch of days, or both. Absent = any. */
export type TimeWindow = {
  readonly days?: readonly Weekday[];
  /** `HH:MM` on the clock of the time zone. A window whose `to` is not after its `from` ends on the next day. */
  readonly from?: string;
  /** The first minute that is outside. */
  readonly to?: string;
  /** `YYYY-MM-DD`, both days included. */
  readonly since?: string;
  readonly until?: string;
  /** IANA name: `Europe/Berlin`, `UTC`. */
  readonly timeZone: string;
};

/** Milliseconds since the epoch; `untilMs` is outside. */
export type Interval = { readonly fromMs: number; readonly untilMs: number };

const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;
/** Ends are looked for in steps of this, then to the minute; gaps that are shorter may be passed over. */
const STEP_MS = 15 * MINUTE_MS;
/** Nobody plans by an end that is further away. */
const HORIZON_MS = 40 * 24 * 60 * MINUTE_MS;
const MAX_INTERVALS = 50;

/** True while the window is open at a time (milliseconds since the epoch). */
export function isWithin(window: TimeWindow, atMs: number): boolean {
  return createClock(window)(atMs);
}

/** When the window that is open at a time closes, milliseconds since the epoch; at most forty days later. */
export function endOf(window: TimeWindow, atMs: number): number {
  return edgeAfter(createClock(window), atMs, atMs + HORIZON_MS);
}

/** When any of the windows is open between two times, in order; at most fifty stretches. */
export function intervalsWithin(
  windows: readonly TimeWindow[],
  fromMs: number,
  toMs: number,
): readonly Interval[] {
  if (windows.length === 0) return [];
  const clocks = windows.map(createClock);
  const isOpen = (atMs: number) => clocks.some((one) => one(atMs));
  const found: Interval[] = [];
  let atMs = fromMs;
  while (atMs < toMs && found.length < MAX_INTERVALS) {
    const edgeMs = edgeAfter(isOpen, atMs, toMs);
    if (isOpen(atMs)) found.push({ fromMs: atMs, untilMs: edgeMs });
    atMs = edgeMs;
  }
  return found;
}

/** `mon, tue 09:00 to 17:00 Europe/Berlin`. */
export function describeWindow({ days, from, to, since, until, timeZone }: TimeWindow): string {
  const parts = [
    days?.join(', '),
    from !== undefined || to !== undefined ? `${from ?? '00:00'} to ${to ?? '24:00'}` : undefined,
    since !== undefined ? `since ${since}` : undefined,
    until !== undefined ? `until ${until}` : undefined,
    timeZone,
  ];
  return parts.filter((part) => part !== undefined).join(' ');
}

/** The first time after `atMs` at which `isOpen` says something else, to the minute; `limitMs` if there is none before. */
function edgeAfter(isOpen: (atMs: number) => boolean, atMs: number, limitMs: number): number {
  const before = isOpen(atMs);
  let lowMs = atMs;
  let highMs = atMs;
  do {
    lowMs = highMs;
    highMs = Math.min(highMs + STEP_MS, limitMs);
    if (highMs === limitMs && isOpen(highMs) === before) return limitMs;
  } while (isOpen(highMs) === before);
  let edgeMs = Math.floor(lowMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  while (edgeMs < highMs && isOpen(edgeMs) === before) edgeMs += MINUTE_MS;
  return Math.min(edgeMs, highMs);
}

/** The same question asked many times: what reads the clock of a time zone is made once. */
function createClock(window: TimeWindow): (atMs: number) => boolean {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: window.timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const fromMinute = minuteOf(window.from ?? '00:00');
  const toMinute = minuteOf(window.to ?? '24:00');
  const isOvernight = toMinute <= fromMinute;
  return (atMs) => {
    const { day, date, minute } = localTime(format, atMs);
    const isTail = isOvernight && minute < toMinute;
    if (!isTail && (minute < fromMinute || (!isOvernight && minute >= toMinute))) return false;
    // The hours after midnight belong to the day on which the window opened.
    const opened = isTail ? localTime(format, atMs - (minute + 1) * MINUTE_MS) : { day, date };
    if (window.days && !window.days.includes(opened.day)) return false;
    if (window.since !== undefined && opened.date < window.since) return false;
    return window.until === undefined || opened.date <= window.until;
  };
}

function localTime(
  format: Intl.DateTimeFormat,
  atMs: number,
): { readonly day: Weekday; readonly date: string; readonly minute: number } {
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const name = parts.get('weekday')?.toLowerCase();
  return {
    day: WEEKDAYS.find((one) => one === name) ?? 'mon',
    date: `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`,
    minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')),
  };
}

function minuteOf(time: string): number {
  const [hours = '0', minutes = '0'] = time.split(':');
  return Math.min(Number(hours) * 60 + Number(minutes), DAY_MINUTES);
}
