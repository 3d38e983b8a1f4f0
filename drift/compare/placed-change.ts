import type { ChangeOp } from '../field-change.ts';
import type { PathSegment } from '../field-path.ts';
import { parseFieldPath } from '../field-path.ts';
import type { JsonValue } from '../json.ts';
import { structOfKind } from './schema.ts';

/** What a change is judged by. Values are the real ones, before redaction. */
export type UnclassifiedChange = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly path: string;
  readonly op: ChangeOp;
  readonly desired: JsonValue | undefined;
  readonly live: JsonValue | undefined;
};

/** The same change with its path read: field names in order, list items left out. */
export type PlacedChange = UnclassifiedChange & {
  readonly isBuiltIn: boolean;
  readonly fields: readonly string[];
  readonly segments: readonly PathSegment[];
  /** Field names inside the pod spec, when the path leads into one. */
  readonly inPod: readonly string[] | undefined;
};

/** Reads the path of a change, once for its type and its severity. */
export function placeChange(change: UnclassifiedChange): PlacedChange {
  const segments = parseFieldPath(change.path);
  const fields = segments.flatMap((one) => (one.kind === 'field' ? [one.name] : []));
  const isBuiltIn = structOfKind(change.apiVersion, change.kind) !== undefined;
  return { ...change, isBuiltIn, fields, segments, inPod: podFields(change.kind, fields) };
}

/** The part of a path inside a pod spec: `spec.template.spec.…`, a CronJob's job template, or a Pod itself. */
function podFields(kind: string, fields: readonly string[]): readonly string[] | undefined {
  if (kind === 'Pod') return fields[0] === 'spec' ? fields.slice(1) : undefined;
  const start =
    kind === 'CronJob'
      ? ['spec', 'jobTemplate', 'spec', 'template', 'spec']
      : ['spec', 'template', 'spec'];
  return start.every((name, at) => fields[at] === name) ? fields.slice(start.length) : undefined;
}
