import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { JsonValue } from '../drift/json.ts';
import { type PatchOperation, revertPatch } from '../drift/json-patch.ts';
import { formatResource, type KubeObject, type ResourceRef } from '../drift/resource-ref.ts';
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
      if (diffDigest !== inspection.diffDigest) {
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
      await send(repair, ref, live, patch);
    },
  };
}

/** A patch whose test of the version fails is answered like any other bad one; a second look tells them apart. */
async function send(
  repair: KubernetesClient,
  ref: ResourceRef,
  live: KubeObject,
  patch: readonly PatchOperation[],
): Promise<void> {
  try {
    await repair.jsonPatch(ref, patch, { fieldManager: FIELD_MANAGER });
  } catch (error) {
    const present = await repair.get(ref);
    if (present?.metadata.resourceVersion === live.metadata.resourceVersion) throw error;
    throw new AppError('CONFLICT', `${formatResource(ref)} changed while it was being repaired`, {
      cause: error,
    });
  }
}
