import { monthlyCostDeltaUsd } from '../drift/advice/cost.ts';
import { driftScore } from '../drift/compare/classify.ts';
import { overdue } from '../drift/compare/overdue.ts';
import { describeAhead } from '../drift/decide/describe.ts';
import type { PolicyFacts } from '../drift/decide/policy.ts';
import type { Finding, Outcome } from '../drift/decide/record.ts';
import { reservedForPeople } from '../drift/decide/reserved.ts';
import { type FieldChange, severityRank, worstSeverity } from '../drift/field-change.ts';
import { formatResource, type ResourceRef } from '../drift/resource-ref.ts';
import { redactChanges } from '../drift/secrets/redact.ts';
import { productionFacts } from '../lib/production.ts';
import { authorshipOf } from './authorship.ts';
import { availabilityOf } from './availability.ts';
import { createDeclaredCounts } from './declared-counts.ts';
import { holdIdOf } from './delivered-beside.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { detectUnmanaged } from './detect-unmanaged.ts';
import type { FilterMembership } from './filter-membership.ts';
import { type Inspection, inspect, redactedStates } from './inspect.ts';
import { judge } from './judge.ts';
import { openEpisode, rememberFinding, rulesFor } from './remember-finding.ts';
import type { Activities, DetectInput, Detection } from './types.ts';
import { toUnitRef } from './unit-lineage.ts';
import { withinBytes } from './within-bytes.ts';

/** More changes than people read, and few enough for the payloads of a run; the rest is counted, and the digest covers it. */
const SHOWN_CHANGES = { maxCount: 50, maxBytes: 14 * 1024 };
/** A blast lasts minutes; what is declared hardly changes meanwhile. */
const DECLARED_MAX_AGE_MS = 60_000;

export function createDetectActivities(
  deps: ActivityDeps,
  membership: FilterMembership,
  runId: () => string,
): Pick<Activities, 'detect'> {
  const declared = createDeclaredCounts(deps, { maxAgeMs: DECLARED_MAX_AGE_MS, now: Date.now });
  return {
    async detect(input) {
      const look = await lookAt(deps, membership, input.ref, input.graceOver);
      if (!look) return detectUnmanaged(deps, input, runId());
      const { inspection, finding, facts } = look;
      const unit = toUnitRef(inspection.desired.unit);
      if (!finding) return { inScope: true, unit, ...(await sharedFix(deps, input)) };
      const states = redactedStates(deps, inspection);
      const detectedMs = await openEpisode(deps, input, { finding, states, runId: runId() });
      const surroundings = { detectedMs, ...unappliedSince(inspection) };
      const rules = rulesFor(deps, input.ref.environment);
      const judgement = await judge(deps, declared, rules, { finding, facts }, surroundings);
      await rememberFinding(deps, input, {
        ...{ finding, decision: judgement.decision, states },
        ...{ unitId: await holdIdOf(deps, unit), labels: facts.labels },
      });
      const confirms = deps.config.confirm === 'dry-run' && { confirms: true };
      const explain = deps.config.claude.apiKey !== undefined && { explain: true };
      return { finding, inScope: true, unit, judgement, ...confirms, ...explain };
    },
  };
}

const FIXED: ReadonlySet<Outcome> = new Set(['fixed', 'accepted']);

/** The resource whose run has fixed the unit, where this run has waited for it; or is at it, and has still to see whether it did. */
async function sharedFix(
  { store }: Pick<ActivityDeps, 'store'>,
  { sharedWith }: DetectInput,
): Promise<Pick<Detection, 'fixedWith' | 'fixUnderWay'>> {
  const holder = sharedWith === undefined ? undefined : await store.episodes.find(sharedWith);
  if (!holder) return {};
  const resource = formatResource(holder.ref);
  if (holder.endedAt !== undefined) return FIXED.has(holder.outcome) ? { fixedWith: resource } : {};
  return holder.outcome === 'fixing' ? { fixUnderWay: resource } : {};
}

type Look =
  | { readonly inspection: Inspection; readonly finding?: never; readonly facts?: never }
  | {
      readonly inspection: Inspection;
      readonly finding: Finding;
      readonly facts: Omit<PolicyFacts, 'flapping' | 'atMs'>;
    };

/** Reads both sides afresh, and what is to be known of their difference; undefined when nothing declares the resource. */
export async function lookAt(
  deps: ActivityDeps,
  membership: FilterMembership,
  ref: ResourceRef,
  graceOver = false,
): Promise<Look | undefined> {
  const inspection = await inspect(deps, ref);
  if (!inspection) return undefined;
  const judged = graceOver ? overdueInspection(inspection) : inspection;
  const found = findingOf(deps, judged);
  if (!found) return { inspection };
  const finding = {
    ...found,
    ...(await authorsOf(deps, inspection)),
    ...(await risksOf(deps, inspection, found)),
  };
  return { inspection, finding, facts: await factsOf(deps, membership, judged, finding) };
}

/** An older revision of the unit is in the cluster: whatever applies the unit brings the newer one, too. */
function unappliedSince({ desired }: Inspection): { readonly unappliedSinceMs?: number } {
  const sinceMs = Date.parse(desired.unit.updatedAt);
  return desired.applied === 'behind' && !Number.isNaN(sinceMs)
    ? { unappliedSinceMs: sinceMs }
    : {};
}

/** The difference as it may leave the process; undefined when there is none. */
export function findingOf(deps: ActivityDeps, inspection: Inspection): Finding | undefined {
  const { comparison, desired, live, diffDigest } = inspection;
  if (comparison.changes.length === 0) return undefined;
  const all = redactChanges(comparison.changes, desired.ref.kind, deps.keyedHash);
  const inOrder = withinBytes(all, SHOWN_CHANGES);
  // Where not all can be shown, the worst are.
  const changes =
    inOrder.length === all.length ? all : withinBytes(all.toSorted(byWorst), SHOWN_CHANGES);
  const costDelta = live && monthlyCostDeltaUsd(desired.object, live, deps.config.cost);
  return {
    ref: desired.ref,
    uid: live?.metadata.uid ?? '',
    resourceVersion: live?.metadata.resourceVersion ?? '',
    changes,
    omitted: all.length - changes.length,
    severity: comparison.severity,
    direction: comparison.direction,
    ...aheadOf(inspection),
    who: lastWriter(comparison.changes),
    diffDigest,
    ...(costDelta !== undefined && { costDeltaUsdMonthly: costDelta }),
    score: driftScore(comparison.changes),
  };
}

function byWorst(one: FieldChange, other: FieldChange): number {
  return severityRank(other.severity) - severityRank(one.severity);
}

function risksOf(
  deps: ActivityDeps,
  { desired: { ref, object }, live }: Inspection,
  found: Finding,
) {
  const { cluster } = environmentOf(deps, ref.environment);
  return availabilityOf(cluster, { desired: object, live }, found.changes);
}

function authorsOf(deps: ActivityDeps, { desired: { ref }, live, comparison }: Inspection) {
  const { config, store } = deps;
  const { cluster } = environmentOf(deps, ref.environment);
  const { changes } = comparison;
  return authorshipOf({ config, auditWrites: store.auditWrites, cluster }, { ref, live, changes });
}

/** The same difference after the grace of desired changes; its digest is the same, too. */
function overdueInspection(inspection: Inspection): Inspection {
  const { comparison, desired } = inspection;
  const changes = comparison.changes.map((one) => overdue(one, desired.object));
  const severity = worstSeverity(changes.map((one) => one.severity));
  return { ...inspection, comparison: { ...comparison, changes, severity } };
}

function aheadOf({ comparison, desired }: Inspection): Pick<Finding, 'ahead'> {
  const { direction } = comparison;
  if (direction !== 'reverse' && direction !== 'both') return {};
  return { ahead: describeAhead(desired.revision, toUnitRef(desired.unit)) };
}

/** The manager of the newest dated change, else the first one known. */
function lastWriter(changes: Inspection['comparison']['changes']): string {
  const known = changes.filter((one) => one.who !== 'unknown');
  const newest = known.toSorted((a, b) => (b.when ?? '').localeCompare(a.when ?? ''))[0];
  return newest?.who ?? 'unknown';
}

async function factsOf(
  deps: ActivityDeps,
  membership: FilterMembership,
  { desired, live, comparison }: Inspection,
  finding: Finding,
): Promise<Omit<PolicyFacts, 'flapping' | 'atMs'>> {
  const { unit, ref } = desired;
  // Of all changes, also of those that are not shown.
  const { changes, direction } = comparison;
  const reserved = comparison.approval ?? reservedForPeople({ ref, changes, direction });
  const setLabels = await environmentOf(deps, ref.environment).source.setLabelsOf?.(unit);
  return {
    environment: ref.environment,
    kind: ref.kind,
    namespace: ref.namespace,
    name: ref.name,
    managers: [...new Set(changes.map((one) => one.who))],
    labels: { ...live?.metadata.labels, ...desired.object.metadata.labels, ...unit.labels },
    ...(setLabels && { setLabels }),
    filters: await membership.filtersOf(unit),
    types: [...new Set(changes.map((one) => one.type))],
    severity: finding.severity,
    direction: finding.direction,
    ...productionFacts(deps.config, ref.environment),
    ...(reserved !== undefined && { reserved }),
  };
}
