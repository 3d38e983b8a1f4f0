import { leftByApply, showsInDryRun } from '../drift/patch/left-by-apply.ts';
import { type ActivityDeps, environmentOf } from './deps.ts';
import { dryRunOfApply } from './dry-run.ts';
import { compareNow, inspect } from './inspect.ts';
import type { Activities, Confirmation } from './types.ts';

/** Beyond this a message is not read any more. */
const MAX_NAMED_FIELDS = 20;

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
      const predicted = await dryRunOfApply(deps, repair, desired.object, live);
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
