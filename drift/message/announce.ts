import { showValue } from '../decide/describe.ts';
import type { JsonValue } from '../json.ts';

/** A differing field as people are told of it; `path` is empty where the whole object is missing. */
export type Announced = {
  readonly path: string;
  readonly desired: JsonValue | undefined;
  readonly live: JsonValue | undefined;
};

const REPLICAS = 'spec.replicas';

/** A line for each field: `⚠️  DRIFT DETECTED: backend-api has 5 replicas, expected 3`. The wording is that of the seed systems. */
export function announceDrift(name: string, changes: readonly Announced[]): readonly string[] {
  return changes.map((change) => `⚠️  DRIFT DETECTED: ${name} ${differs(change)}`);
}

/** `✅ Fixed: backend-api scaled to 3 replicas`, for a drift of replicas alone; else only that it is as declared again. */
export function announceFix(name: string, changes: readonly Announced[]): string {
  const [change] = changes;
  const isScaling = changes.length === 1 && change?.path === REPLICAS;
  return isScaling && typeof change.desired === 'number'
    ? `✅ Fixed: ${name} scaled to ${countReplicas(change.desired)}`
    : `✅ Fixed: ${name} is as declared again`;
}

function differs({ path, desired, live }: Announced): string {
  if (path === '') return 'is missing';
  if (path === REPLICAS && typeof live === 'number' && typeof desired === 'number') {
    return `has ${countReplicas(live)}, expected ${desired}`;
  }
  return `has ${path} ${showValue(live)}, expected ${showValue(desired)}`;
}

function countReplicas(count: number): string {
  return count === 1 ? '1 replica' : `${count} replicas`;
}
