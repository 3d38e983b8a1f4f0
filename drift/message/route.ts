import { type Severity, severityRank } from '../field-change.ts';

/** What people may be told of. Whoever was told of a beginning is told of what becomes of it, too. */
export const EVENTS = ['question', 'fix', 'failure', 'notice'] as const;
/** A question; an automatic fix; a fix that failed or left something; what is said without being asked. */
export type Event = (typeof EVENTS)[number];

/** What must hold for a route to be taken. Absent = any; lists are alternatives; all present conditions must hold. */
export type RouteMatch = {
  readonly environments?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly kinds?: readonly string[];
  /** Of the object or its unit, with exactly these values. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly severities?: readonly Severity[];
  readonly minSeverity?: Severity;
  readonly events?: readonly Event[];
};

/** Who is told: the first route that matches, and the next ones for as long as they say `continue`. */
export type Route = {
  readonly match: RouteMatch;
  readonly receivers: readonly string[];
  readonly continue: boolean;
};

/** What a route is matched against. */
export type RouteFacts = {
  readonly event: Event;
  readonly environment: string;
  /** '' for what has none. */
  readonly namespace: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly severity: Severity;
};

/** Names of the receivers, each once; those of `otherwise` where no route matches. */
export function receiversFor(
  routes: readonly Route[],
  otherwise: readonly string[],
  facts: RouteFacts,
): readonly string[] {
  const found = new Set<string>();
  for (const route of routes) {
    if (!matches(route.match, facts)) continue;
    for (const receiver of route.receivers) found.add(receiver);
    if (!route.continue) return [...found];
  }
  // As with Alertmanager, a route that says `continue` has matched all the same.
  return found.size > 0 ? [...found] : otherwise;
}

function matches(match: RouteMatch, facts: RouteFacts): boolean {
  const { labels = {}, minSeverity } = match;
  return (
    isAmong(match.environments, facts.environment) &&
    isAmong(match.namespaces, facts.namespace) &&
    isAmong(match.kinds, facts.kind) &&
    isAmong(match.severities, facts.severity) &&
    isAmong(match.events, facts.event) &&
    (minSeverity === undefined || severityRank(facts.severity) >= severityRank(minSeverity)) &&
    Object.entries(labels).every(([key, value]) => facts.labels[key] === value)
  );
}

function isAmong<T>(list: readonly T[] | undefined, value: T): boolean {
  return list === undefined || list.includes(value);
}
