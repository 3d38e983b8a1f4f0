import type { JsonValue } from '../drift/json.ts';
import { revertPatch } from '../drift/json-patch.ts';
import { formatResource } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { inspect } from './inspect.ts';
import type { Activities } from './types.ts';

/** Its writes are told apart from ConfigHub's, and count as ours when drift is attributed. */
const FIELD_MANAGER = 'realign-repair';

/** Removes what a forced apply leaves behind: fields and items that people added. Needs `residue: patch` and its identity. */
export function createRepairActivities(deps: ActivityDeps): Pick<Activities, 'removeResidue'> {
  return {
    async removeResidue({ ref, diffDigest }) {
      const { repair } = environmentOf(deps, ref.environment);
      if (!repair) {
        throw new AppError(
          'CONFIG_INVALID',
          `environment ${ref.environment} has no identity for repairs`,
        );
      }
      const inspection = await inspect(deps, ref);
      if (!inspection?.live || inspection.comparison.changes.length === 0) return;
      if (diffDigest !== undefined && diffDigest !== inspection.diffDigest) {
        throw new AppError('CONFLICT', 'the drift changed after it was decided on');
      }
      const { live, comparison } = inspection;
      const patch = revertPatch(
        live as unknown as JsonValue,
        live.metadata.resourceVersion ?? '',
        comparison.changes,
      );
      if (!patch)
        throw new AppError(
          'CONFLICT',
          `${formatResource(ref)} changed while it was being repaired`,
        );
      await repair.jsonPatch(ref, patch, { fieldManager: FIELD_MANAGER });
    },
  };
}
