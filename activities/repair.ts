import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { JsonValue } from '../drift/json.ts';
import { type PatchOperation, revertPatch } from '../drift/patch/json-patch.ts';
import { formatResource, type KubeObject, type ResourceRef } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { dryRunOfApply } from './dry-run.ts';
import { type Inspection, inspect } from './inspect.ts';
import type { Activities } from './types.ts';

/** Its writes are told apart from ConfigHub's, and count as ours when drift is attributed. */
const FIELD_MANAGER = 'realign-repair';

/**
 * Puts right by one JSON Patch what a forced apply cannot: it leaves what people added, and is refused where that does not go
 * together with what is declared (two ports without a name). Needs `residue: patch` and its identity.
 */
export function createRepairActivities(
  deps: ActivityDeps,
): Pick<Activities, 'removeResidue' | 'patchRefused'> {
  return {
    async patchRefused({ ref, diffDigest }) {
      const { repair } = environmentOf(deps, ref.environment);
      const inspection = await inspect(deps, ref);
      if (deps.config.residue !== 'patch' || !repair || !inspection?.live)
        return { patched: false };
      // An earlier attempt of this step has done it, and died before it could say so; the apply is still to come.
      if (inspection.comparison.changes.length === 0) return { patched: true };
      const { desired, live } = inspection;
      if (diffDigest !== inspection.diffDigest) throw driftChanged();
      const predicted = await dryRunOfApply(deps, repair, desired.object, live);
      if (predicted.ok || predicted.refusal.kind !== 'unrepairable') return { patched: false };
      try {
        await revert(repair, inspection, live);
        return { patched: true };
      } catch (error) {
        // A field that nobody can change: the refusal of the apply says so best.
        if (error instanceof AppError && error.code === 'KUBERNETES_REFUSED')
          return { patched: false };
        throw error;
      }
    },

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
      if (diffDigest !== inspection.diffDigest) throw driftChanged();
      await revert(repair, inspection, inspection.live);
    },
  };
}

/** Sets every field that differs back, all of them or none. */
async function revert(
  repair: KubernetesClient,
  { comparison, desired: { ref } }: Inspection,
  live: KubeObject,
): Promise<void> {
  const version = live.metadata.resourceVersion ?? '';
  const patch = revertPatch(live as unknown as JsonValue, version, comparison.changes);
  if (!patch) throw changedMeanwhile(ref);
  await send(repair, ref, live, patch);
}

function driftChanged(): AppError {
  return new AppError('CONFLICT', 'the drift changed after it was decided on');
}

function changedMeanwhile(ref: ResourceRef, cause?: unknown): AppError {
  const message = `${formatResource(ref)} changed while it was being repaired`;
  return new AppError('CONFLICT', message, { cause });
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
    throw changedMeanwhile(ref, error);
  }
}
