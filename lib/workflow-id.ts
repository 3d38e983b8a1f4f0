import type { AnalysisScope } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { sha256 } from './digest.ts';

/** Temporal allows 1,000 bytes; beyond 200 characters its UI and Postgres indexes stop being readable. */
const MAX_ID_CHARS = 200;
const HASH_CHARS = 32;

/** `drift:<environment>:<Kind>[.<group>]:<namespace or _>:<name>`: one open workflow per resource, across restarts. */
export function driftWorkflowId(
  ref: Pick<ResourceRef, 'environment' | 'group' | 'kind' | 'namespace' | 'name'>,
): string {
  const kind = ref.group === '' ? ref.kind : `${ref.kind}.${ref.group}`;
  return join(['drift', ref.environment, kind, ref.namespace || '_', ref.name]);
}

/** `drift-unit:<environment>:<Kind>[.<group>]:<namespace or _>:<name>`: who writes the unit of a resource's drift. */
export function driftUnitWorkflowId(ref: Parameters<typeof driftWorkflowId>[0]): string {
  const kind = ref.group === '' ? ref.kind : `${ref.kind}.${ref.group}`;
  return join(['drift-unit', ref.environment, kind, ref.namespace || '_', ref.name]);
}

/** `promotion:<space>:<unit>:<upstream revision>`: one question per unit and revision that it is brought to. */
export function promotionWorkflowId(space: string, unit: string, upstreamRevision: number): string {
  return join(['promotion', space, unit, String(upstreamRevision)]);
}

/** Of a promotion's workflow id; undefined where the id was shortened. */
export function promotedRevision(workflowId: string): number | undefined {
  const revision = /^promotion:[^~]*:(\d+)$/.exec(workflowId)?.[1];
  return revision === undefined ? undefined : Number(revision);
}

/** `rollback:<space>:<change set>`: a change set is rolled back once at a time. */
export function rollbackWorkflowId(space: string, changeSet: string): string {
  return join(['rollback', space, changeSet]);
}

/** `correct:<run>`: several bulk corrections may run, each drift has one executor all the same. */
export function correctionWorkflowId(runId: string): string {
  return join(['correct', runId]);
}

/** `promote:<from>:<to>:<unit or _>`: what is promoted is told apart by where it comes from and goes to. */
export function promotionRunWorkflowId(from: string, to: string, unit: string | undefined): string {
  return join(['promote', from, to, unit ?? '_']);
}

/** `analysis:all`, or `analysis:<environment>:<namespace>:<resource>` with `_` for what is not narrowed. */
export function analysisWorkflowId(scope: AnalysisScope): string {
  const parts = [scope.environment, scope.namespace, scope.resource];
  if (parts.every((part) => part === undefined)) return 'analysis:all';
  return join(['analysis', ...parts.map((part) => part ?? '_')]);
}

/** `~` is never produced by the encoding, so a shortened id cannot equal a whole one. */
function join(parts: readonly string[]): string {
  const id = parts.map(encodePart).join(':');
  if (id.length <= MAX_ID_CHARS) return id;
  const head = id.slice(0, MAX_ID_CHARS - HASH_CHARS - 1);
  return `${head}~${sha256(id).slice(0, HASH_CHARS)}`;
}

function encodePart(part: string): string {
  return part.replace(/[^A-Za-z0-9._-]/gu, (character) =>
    Buffer.from(character, 'utf8').reduce(
      (text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      '',
    ),
  );
}
