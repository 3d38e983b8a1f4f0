import type { RuleHit } from '../desired/live-comparer.ts';
import type { Log } from '../lib/log.ts';
import type { RuleHitCount, Store } from '../store/types.ts';

/** A rule that hides an autoscaler's work decides with each event; one row a minute says as much. */
const WRITE_INTERVAL_MS = 60_000;

export type RuleHits = {
  /** Counts; never waits and never throws. */
  note(hit: RuleHit): void;
  /** Writes what was counted since. */
  flush(): Promise<void>;
};

/**
 * Counts what ignore rules decide and adds it to Postgres, for each rule at most once a minute: the first hit at once, later ones
 * with the first that comes after the minute. What Postgres did not take is kept for the next time.
 */
export function createRuleHits(deps: {
  readonly store: Pick<Store['ruleHits'], 'add'>;
  readonly log: Log;
  readonly now: () => number;
}): RuleHits {
  const { store, log, now } = deps;
  const waiting = new Map<string, RuleHitCount>();
  const writtenMs = new Map<string, number>();

  const write = async (rule: string): Promise<void> => {
    const count = waiting.get(rule);
    if (!count) return;
    waiting.delete(rule);
    writtenMs.set(rule, now());
    try {
      await store.add([count]);
    } catch (error) {
      const since = waiting.get(rule);
      waiting.set(rule, { ...count, ...since, hits: count.hits + (since?.hits ?? 0) });
      log.warn({ rule, error: String(error) }, 'could not count the hits of an ignore rule');
    }
  };

  return {
    note({ rule, environment, resource, path }) {
      const hits = (waiting.get(rule)?.hits ?? 0) + 1;
      const lastHit = new Date(now()).toISOString();
      waiting.set(rule, { rule, hits, lastHit, environment, resource, path });
      const dueMs = (writtenMs.get(rule) ?? Number.NEGATIVE_INFINITY) + WRITE_INTERVAL_MS;
      if (now() >= dueMs) void write(rule);
    },
    async flush() {
      await Promise.all([...waiting.keys()].map(write));
    },
  };
}
