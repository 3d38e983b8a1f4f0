import type { KubernetesClient } from '../clients/kubernetes/index.ts';
import { leftByApply, showsInDryRun } from '../drift/left-by-apply.ts';
import type { KubeObject } from '../drift/resource-ref.ts';
import { AppError } from '../lib/errors.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { type Refusal, refusalOf } from './dry-run-refusal.ts';
import { compareNow, inspect } from './inspect.ts';
import type { Activities, Confirmation } from './types.ts';

/** Beyond this a message is not read any more. */
const MAX_NAMED_FIELDS = 20;
/** What `appliers` begins with where nobody configured it, and what ConfigHub's worker writes as. */
const DEFAULT_MANAGER = 'confighub';

/** Asks the API server itself what an apply would change, under the identity that may patch. Writes nothing. */
export function createConfirmActivities(deps: ActivityDeps): Pick<Activities, 'confirm'> {
  return {
    async confirm({ ref, diffDigest }): Promise<Confirmation> {
      const { repair } = environmentOf(deps, ref.environment);
      const inspection = await inspect(deps, ref);
      if (!inspection) return { kind: 'moved' };
      const { desired, live, comparison } = inspection;
      const { changes } = comparison;
      if (changes.length === 0) return { kind: 'resolved' };
      if (!live || !changes.some(showsInDryRun)) return sameAs(inspection.diffDigest, diffDigest);
      if (!repair) return { kind: 'unconfirmed', because: 'there is no identity for dry runs' };
      const manager = managerOf(live, deps.config.appliers);
      const predicted = await dryRun(repair, desired.object, manager);
      if (!predicted.ok) return predicted.refusal;
      const none = leftByApply(changes, live, predicted.object);
      if (none.length === 0) return sameAs(inspection.diffDigest, diffDigest);
      deps.noteEquivalent(desired, none);
      if (none.length === changes.length) {
        return {
          kind: 'equivalent',
          paths: none.slice(0, MAX_NAMED_FIELDS).map((one) => one.path),
        };
      }
      return sameAs(compareNow(deps, desired, live).diffDigest, diffDigest);
    },
  };
}

function sameAs(present: string, detected: string): Confirmation {
  return { kind: present === detected ? 'confirmed' : 'moved' };
}

/** Who applied this object last counts: under another name the fields that he owns would not be given up. */
function managerOf({ metadata }: KubeObject, appliers: readonly string[]): string {
  const applied = (metadata.managedFields ?? []).filter((one) => one.operation === 'Apply');
  const found = appliers.find((name) => applied.some((one) => one.manager === name));
  return found ?? appliers[0] ?? DEFAULT_MANAGER;
}

type Predicted =
  | { readonly ok: true; readonly object: KubeObject }
  | { readonly ok: false; readonly refusal: Refusal };

async function dryRun(
  repair: KubernetesClient,
  desired: KubeObject,
  fieldManager: string,
): Promise<Predicted> {
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
