import type { JsonValue } from './json.ts';

/**
 * How one field differs: `changed` (both have it), `removed` (desired has it, live lacks it), `added` (live has it beyond
 * desired), `pending` (desired moved on and is not applied yet), `object-missing` (the whole object; path "").
 */
export const CHANGE_OPS = ['changed', 'removed', 'added', 'pending', 'object-missing'] as const;
export type ChangeOp = (typeof CHANGE_OPS)[number];

export const CHANGE_TYPES = [
  'Scaling',
  'VersionChange',
  'ResourceChange',
  'ConfigurationChange',
  'LabelChange',
  'AnnotationChange',
  'PortChange',
  'VolumeChange',
  'SecretChange',
  'ConfigMapChange',
  'MissingResource',
  'ExtraResource',
  'SecurityChange',
  'GenericChange',
] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Live moved away (forward), desired moved on and is not applied (reverse), both, or it cannot be told. */
export const DIRECTIONS = ['forward', 'reverse', 'both', 'unknown'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** One difference between desired and live, at the API server's own ownership grain. */
export type FieldChange = {
  /** Dotted, list items by key: `spec.template.spec.containers[name=api].image`, `data["nginx.conf"]`. */
  readonly path: string;
  readonly op: ChangeOp;
  /** Absent where desired does not have the field. Redacted values are texts such as `24 bytes`. */
  readonly desired?: JsonValue;
  readonly live?: JsonValue;
  readonly type: ChangeType;
  readonly severity: Severity;
  /** Field manager of the last writer, or `unknown`. It names a tool, never a person. */
  readonly who: string;
  /** RFC 3339, when managedFields tell. */
  readonly when?: string;
  readonly subresource?: string;
  readonly confidence: 'high' | 'medium' | 'low';
  /** True where `desired` and `live` are descriptions instead of values. */
  readonly redacted?: boolean;
};

/** 0 for info … 4 for critical. */
export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** The worst of several severities; `info` for none. */
export function worstSeverity(severities: Iterable<Severity>): Severity {
  let worst: Severity = 'info';
  for (const one of severities) if (severityRank(one) > severityRank(worst)) worst = one;
  return worst;
}
