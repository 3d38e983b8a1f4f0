import type { Finding } from './record.ts';

/** Deleting one of these by mistake loses data; so may making it again. */
const PRECIOUS_KINDS: ReadonlySet<string> = new Set([
  'PersistentVolumeClaim',
  'Namespace',
  'CustomResourceDefinition',
]);

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
