import type { FieldChange } from '../field-change.ts';
import type { JsonValue } from '../json.ts';
import { formatResource, type KubeObject } from '../resource-ref.ts';
import { isPublicValue } from '../secrets/public-value.ts';
import {
  driftCategoryOf,
  driftSetOf,
  type RecordStatus,
  recordStatusOf,
  worstChange,
} from './drift-set.ts';
import type { Episode, Finding } from './record.ts';

/** `apiVersion` of what records a drift. No cluster serves it, and no source takes it for a declared object. */
const DRIFT_API_VERSION = 'realign.dev/v1';
const KIND = 'Drift';
const HIDDEN = '(not shown)';

/** A drift as the ConfigHub unit that records it. */
export type DriftUnit = {
  /** A label whose value is null is taken away. */
  readonly labels: Readonly<Record<string, string | null>>;
  readonly manifest: JsonValue;
  /** Slug of its Set; absent = in none. */
  readonly set?: string;
  readonly status: RecordStatus;
  /** What is said of this revision. */
  readonly description: string;
};

export function isDriftRecord({ apiVersion }: Pick<KubeObject, 'apiVersion'>): boolean {
  return apiVersion === DRIFT_API_VERSION;
}

/**
 * What the unit of a drift says. Nothing in it moves with the clock, so that writing it again changes nothing; values that people
 * put into ConfigMaps and the like stay out of it, because revisions are kept for good.
 */
export function driftUnitOf(episode: Episode, finding: Finding, name: string): DriftUnit {
  const { ref, policyOutcome } = episode;
  const status = recordStatusOf(episode.outcome, episode.endedAt !== undefined);
  const set = driftSetOf(finding, status);
  const resource = formatResource(ref);
  return {
    labels: {
      record: 'drift',
      environment: ref.environment,
      kind: ref.kind,
      type: worstChange(finding)?.type ?? 'GenericChange',
      severity: finding.severity,
      status,
      'drift-category': driftCategoryOf(ref) ?? null,
      'auto-correctable': policyOutcome === 'auto' ? 'true' : null,
      'requires-approval': policyOutcome === 'ask' ? 'true' : null,
    },
    manifest: {
      apiVersion: DRIFT_API_VERSION,
      kind: KIND,
      metadata: { name },
      spec: specOf(episode, finding, status),
    },
    ...(set !== undefined && { set }),
    status,
    description: `Drift of ${resource} in ${ref.environment}: ${status}`,
  };
}

function specOf(episode: Episode, finding: Finding, status: RecordStatus): JsonValue {
  const { ref, rule, outcome, endedAt, message } = episode;
  return {
    resource: formatResource(ref),
    apiGroup: ref.group,
    environment: ref.environment,
    status,
    outcome,
    severity: finding.severity,
    direction: finding.direction,
    writtenBy: finding.who,
    firstDetected: episode.firstDetected,
    episode: episode.episodeId,
    ...(rule !== undefined && { rule }),
    ...(endedAt !== undefined && { endedAt }),
    ...(endedAt !== undefined && message !== undefined && { message }),
    changes: finding.changes.map(presentChange),
    ...(finding.omitted > 0 && { omittedChanges: finding.omitted }),
  };
}

function presentChange(change: FieldChange): JsonValue {
  const { path, op, type, severity, desired, live } = change;
  return {
    ...{ path, op, type, severity },
    ...(desired !== undefined && { desired: shown(change, desired) }),
    ...(live !== undefined && { live: shown(change, live) }),
  };
}

function shown({ path, redacted }: FieldChange, value: JsonValue): JsonValue {
  return redacted === true || isPublicValue(path, value) ? value : HIDDEN;
}
