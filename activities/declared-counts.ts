import { type ActivityDeps, environmentOf } from './deps.ts';

/** How many objects each environment declares. */
export type DeclaredCounts = { of(environment: string): Promise<number> };

type Count = { readonly validUntilMs: number; readonly count: Promise<number> };

/** Asked only when much drifts at once, and then by every drift: counted once in `maxAgeMs` for each environment. */
export function createDeclaredCounts(
  deps: Pick<ActivityDeps, 'environments'>,
  { maxAgeMs, now }: { readonly maxAgeMs: number; readonly now: () => number },
): DeclaredCounts {
  const counts = new Map<string, Count>();
  return {
    of(environment) {
      const known = counts.get(environment);
      if (known && now() < known.validUntilMs) return known.count;
      const loading = environmentOf(deps, environment).source.load();
      const count = loading.then((snapshot) => snapshot.objects.size);
      counts.set(environment, { validUntilMs: now() + maxAgeMs, count });
      // A failure is not remembered: the next drift asks again.
      count.catch(() => counts.delete(environment));
      return count;
    },
  };
}
