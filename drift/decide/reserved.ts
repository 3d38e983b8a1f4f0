import { deletedObjects, overwrittenKept, type Plan } from './plan.ts';
import type { Finding } from './record.ts';

/** Deleting one of these by mistake loses data; so may making it again. */
const PRECIOUS_KINDS: ReadonlySet<string> = new Set([
  'PersistentVolumeClaim',
  'Namespace',
  'CustomResourceDefinition',
]);

/** What of them a promotion may not delete by itself either: they hold data, or others hold theirs through them. */
const HOLDS_DATA: ReadonlySet<string> = new Set([
  ...PRECIOUS_KINDS,
  'PersistentVolume',
  'StatefulSet',
  'Secret',
]);

/**
 * Whether carrying a plan out is left to people whatever the policy says, because it overwrites what an ignore rule keeps, or deletes
 * objects. A promotion brings what its upstream decided, so it deletes by itself what holds no data.
 */
export function isLeftToPeople(
  plan: Pick<Plan, 'reach'>,
  about: 'drift' | 'promotion' | 'rollback',
): boolean {
  if (overwrittenKept(plan).length > 0) return true;
  const deleted = deletedObjects(plan);
  if (about !== 'promotion') return deleted.length > 0;
  return deleted.some((resource) => HOLDS_DATA.has(resource.split('/', 1)[0] ?? ''));
}

/**
 * Why a drift is left to people whatever the policy says, or undefined: desired changes that nobody has applied yet, values of
 * Secrets, objects that hold data, and security-relevant changes by nobody knows whom.
 */
export function reservedForPeople({
  ref,
  changes,
  direction,
}: Pick<Finding, 'ref' | 'changes' | 'direction'>): string | undefined {
  if (direction === 'reverse' || direction === 'both') {
    return 'desired has changes that are not applied yet';
  }
  if (changes.some((change) => change.type === 'SecretChange'))
    return 'it changes the value of a Secret';
  if (PRECIOUS_KINDS.has(ref.kind) && changes.some((change) => change.op === 'object-missing')) {
    return `a missing ${ref.kind} is not made again without a person`;
  }
  if (changes.some((change) => change.severity === 'critical' && change.who === 'unknown')) {
    return 'a critical change by an unknown writer';
  }
  return undefined;
}
