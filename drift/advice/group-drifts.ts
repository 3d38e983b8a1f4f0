import type { Finding } from '../decide/record.ts';
import { type Severity, severityRank, worstSeverity } from '../field-change.ts';
import { schemaPathOf } from '../field-path.ts';
import { formatResource } from '../resource-ref.ts';

/** One open drift among many. */
export type OpenDrift = { readonly finding: Finding; readonly firstDetected: string };

/** Drifts that look like the work of one hand: the same actor, the same fields, one after the other. */
export type DriftGroup = {
  /** A person by the audit log, else a field manager. */
  readonly actor: string;
  /** Without the keys of list items. */
  readonly fields: readonly string[];
  readonly kinds: readonly string[];
  /** `environment/Kind/namespace/name`, the oldest first. */
  readonly resources: readonly string[];
  readonly severity: Severity;
  readonly first: string;
  readonly last: string;
  /** Absent where it is not known of any. */
  readonly costDeltaUsdMonthly?: number;
};

/** Longer pauses separate what one hand did. */
const MAX_PAUSE_MS = 15 * 60_000;
/** Differences of more fields are told apart by these. */
const MAX_FIELDS = 8;

/** The groups of many drifts, the largest first, then the worst. Each drift is in exactly one. */
export function groupDrifts(drifts: readonly OpenDrift[]): readonly DriftGroup[] {
  const alike = new Map<string, OpenDrift[]>();
  for (const drift of drifts) {
    const key = JSON.stringify([actorOf(drift.finding), fieldsOf(drift.finding)]);
    alike.set(key, [...(alike.get(key) ?? []), drift]);
  }
  return [...alike.values()]
    .flatMap(splitAtPauses)
    .map(toGroup)
    .toSorted(
      (a, b) =>
        b.resources.length - a.resources.length ||
        severityRank(b.severity) - severityRank(a.severity) ||
        a.first.localeCompare(b.first),
    );
}

/** `4 drifts of spec.replicas by alice within 3 minutes`. */
export function describeGroup({ actor, fields, resources, first, last }: DriftGroup): string {
  const count = resources.length === 1 ? '1 drift' : `${resources.length} drifts`;
  const what = fields.map((field) => field || 'whole objects').join(', ');
  const minutes = Math.round((Date.parse(last) - Date.parse(first)) / 60_000);
  const within = minutes <= 1 ? 'a minute' : `${minutes} minutes`;
  return `${count} of ${what} by ${actor}${resources.length > 1 ? ` within ${within}` : ''}`;
}

function actorOf({ author, who }: Finding): string {
  return author ?? (who === 'unknown' || who === '' ? 'somebody unknown' : who);
}

function fieldsOf({ changes }: Finding): readonly string[] {
  return [...new Set(changes.map((one) => schemaPathOf(one.path)))].toSorted().slice(0, MAX_FIELDS);
}

function splitAtPauses(drifts: readonly OpenDrift[]): readonly (readonly OpenDrift[])[] {
  const ordered = drifts.toSorted((a, b) => a.firstDetected.localeCompare(b.firstDetected));
  const runs: OpenDrift[][] = [];
  let previousMs = Number.NEGATIVE_INFINITY;
  for (const drift of ordered) {
    const atMs = Date.parse(drift.firstDetected);
    const last = runs.at(-1);
    if (last && atMs - previousMs <= MAX_PAUSE_MS) last.push(drift);
    else runs.push([drift]);
    previousMs = atMs;
  }
  return runs;
}

function toGroup(drifts: readonly OpenDrift[]): DriftGroup {
  const findings = drifts.map((one) => one.finding);
  const costs = findings.flatMap(({ costDeltaUsdMonthly: usd }) =>
    usd === undefined ? [] : [usd],
  );
  const [oldest] = drifts;
  const sum = Math.round(costs.reduce((total, usd) => total + usd, 0) * 1000) / 1000;
  return {
    actor: oldest ? actorOf(oldest.finding) : '',
    fields: oldest ? fieldsOf(oldest.finding) : [],
    kinds: [...new Set(findings.map((one) => one.ref.kind))].toSorted(),
    resources: findings.map(({ ref }) => `${ref.environment}/${formatResource(ref)}`),
    severity: worstSeverity(findings.map((one) => one.severity)),
    first: oldest?.firstDetected ?? '',
    last: drifts.at(-1)?.firstDetected ?? '',
    ...(costs.length > 0 && { costDeltaUsdMonthly: sum }),
  };
}
