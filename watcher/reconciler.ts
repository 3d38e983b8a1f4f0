import { resourceKey } from '../drift/resource-ref.ts';
import { fromUnknown } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { backoffMs } from './backoff.ts';
import { type Clock, pause } from './clock.ts';
import type { EnvironmentWatch } from './environment-watch.ts';
import type { WatcherDeps } from './types.ts';

/** Holds what the watcher knows against the records of open drifts, and has told what one side lacks. */
export type Reconciler = {
  /** Reaffirms once, then looks for drifts without a record, and records without a run, again and again. Call it once, when everything was compared. */
  start(): void;
  /** Tells every open record the present verdict; asked for after each full list. */
  reaffirm(): void;
  /** Resolves when nothing runs any more after the signal aborted. */
  ended(): Promise<void>;
};

export type ReconcilerDeps = Pick<WatcherDeps, 'activeRecords' | 'lostRecords'> & {
  /** By name of environment. */
  readonly parts: ReadonlyMap<string, { readonly watch: Watch }>;
  readonly recheckMs: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
};

type Watch = Pick<EnvironmentWatch, 'reaffirm' | 'hasDue' | 'tellAgain'>;

const RETRY = { firstMs: 100, maxMs: 30_000 };
/** Each look asks Temporal about every open record; who terminates a run by hand can wait for so long. */
const LOST_MS = 10 * 60_000;

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const reaffirming = createCollapsing(() => reaffirmAll(deps));
  let rechecking: Promise<unknown> = Promise.resolve();
  return {
    start() {
      reaffirming.request();
      rechecking = Promise.all([
        repeat(deps, deps.recheckMs, () => recheck(deps)),
        repeat(deps, LOST_MS, () => reaffirmLost(deps)),
      ]);
    },
    reaffirm: reaffirming.request,
    async ended() {
      await Promise.all([reaffirming.ended(), rechecking]);
    },
  };
}

async function reaffirmAll(deps: ReconcilerDeps): Promise<void> {
  const { activeRecords, parts, log, clock, random, signal } = deps;
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      for (const ref of await activeRecords()) parts.get(ref.environment)?.watch.reaffirm(ref);
      return;
    } catch (error) {
      const reason = fromUnknown(error).message;
      log.warn({ reason, failures }, 'open records cannot be read, trying again');
      await pause(clock, backoffMs(RETRY, failures, random), signal);
    }
  }
}

async function repeat(
  { log, clock, signal }: ReconcilerDeps,
  everyMs: number,
  work: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await pause(clock, everyMs, signal);
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      // The next turn is the retry.
      log.warn({ reason: fromUnknown(error).message }, 'open records cannot be read');
    }
  }
}

async function recheck({ activeRecords, parts, clock }: ReconcilerDeps): Promise<void> {
  // Taken before the records are read: what is told meanwhile cannot be among them.
  const asOfMs = clock.now();
  const due = [...parts].filter(([, { watch }]) => watch.hasDue(asOfMs));
  if (due.length === 0) return;
  const active = Map.groupBy(await activeRecords(), (ref) => ref.environment);
  for (const [environment, { watch }] of due) {
    const refs = active.get(environment) ?? [];
    watch.tellAgain(new Set(refs.map(resourceKey)), asOfMs);
  }
}

/** A record whose run was terminated is told the present verdict, which starts another one. */
async function reaffirmLost({ lostRecords, parts, log }: ReconcilerDeps): Promise<void> {
  if (!lostRecords) return;
  const lost = await lostRecords();
  for (const ref of lost) parts.get(ref.environment)?.watch.reaffirm(ref);
  if (lost.length > 0) log.warn({ count: lost.length }, 'open drifts have lost their runs');
}

type Collapsing = { request(): void; ended(): Promise<void> };

/** Runs `work` one at a time; any number of requests during a run become one more run. */
function createCollapsing(work: () => Promise<void>): Collapsing {
  let current: Promise<void> | undefined;
  let again = false;
  const run = async (): Promise<void> => {
    do {
      again = false;
      await work();
    } while (again);
    current = undefined;
  };
  return {
    request() {
      if (current === undefined) current = run();
      else again = true;
    },
    ended: () => current ?? Promise.resolve(),
  };
}
