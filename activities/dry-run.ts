import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import type { ActivityDeps } from './deps.ts';
import { type Refusal, refusalOf } from './dry-run-refusal.ts';

/** What `appliers` begins with where nobody configured it, and what ConfigHub's worker writes as. */
const DEFAULT_MANAGER = 'confighub';

export type Predicted =
  | { readonly ok: true; readonly object: KubeObject }
  | { readonly ok: false; readonly refusal: Refusal };

/** What the API server would make of an apply of `desired` by whoever applied it last, or why it would refuse it. */
export async function dryRunOfApply(
  { config }: Pick<ActivityDeps, 'config'>,
  repair: KubernetesClient,
  desired: KubeObject,
  live: KubeObject,
): Promise<Predicted> {
  const fieldManager = managerOf(live, config.appliers);
  try {
    const options = { fieldManager, force: true, dryRun: true };
    return { ok: true, object: await repair.applyServerSide(desired, options) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const refusal = refusalOf(error);
    if (refusal) return { ok: false, refusal };
    // In words of our own: the server's may quote what is desired, secrets included.
    throw new AppError(error.code, 'the API server did not carry out a dry run of the apply');
  }
}

/** Who applied this object last counts: under another name the fields that he owns would not be given up. */
function managerOf({ metadata }: KubeObject, appliers: readonly string[]): string {
  const applied = (metadata.managedFields ?? []).filter((one) => one.operation === 'Apply');
  const found = appliers.find((name) => applied.some((one) => one.manager === name));
  return found ?? appliers[0] ?? DEFAULT_MANAGER;
}
