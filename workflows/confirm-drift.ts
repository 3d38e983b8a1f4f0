import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { Confirmation } from '../activities/types.ts';
import { askInstead } from '../drift/decide/policy-rule.ts';
import { reasonOf } from './execute.ts';
import { type Case, LOOK_AGAIN, type Next, type Run } from './remediation-run.ts';
import { settleFor, tell } from './stay.ts';
import { confirms } from './steps.ts';

/** Two workers may know different things of how a cluster rewrites values; after so many looks each has learnt it. */
const MAX_LOOKS_AGAIN = 5;

/** Either the drift, with what the confirmation adds to it, or what follows when there is nothing to decide about. */
export type Confirmed = { readonly drift: Case } | { readonly next: Next };

/** Asks the API server what an apply would change, before anyone hears of the drift and before it is fixed. */
export async function confirm(run: Run, drift: Case): Promise<Confirmed> {
  const { finding, decision } = drift;
  const confirmation = await askServer(run, drift);
  if (confirmation.kind === 'moved' && run.looksAgain < MAX_LOOKS_AGAIN) {
    run.looksAgain += 1;
    return { next: LOOK_AGAIN };
  }
  run.looksAgain = 0;
  switch (confirmation.kind) {
    case 'confirmed':
      return { drift };
    case 'moved':
      return { drift: cautioned(drift, 'not confirmed: it changes whenever it is looked at') };
    case 'resolved':
      return end('resolved', 'Drift resolved. Configuration now matches ConfigHub.');
    case 'equivalent': {
      const paths = confirmation.paths.join(', ');
      return end(
        'transient',
        `No drift: the cluster itself makes this of what is declared: ${paths}.`,
      );
    }
    case 'invalid-desired': {
      const message = `Desired state is invalid, and applying it would fail: ${confirmation.because}. Correct the unit.`;
      // Whoever wanted to be asked has the answer.
      run.askedBy = undefined;
      await tell(run, finding, 'drift', message);
      return { next: await settleFor(run, finding, 'failed', message, decision) };
    }
    case 'unrepairable':
      return { drift: cautioned(drift, `an apply cannot repair it: ${confirmation.because}`) };
    case 'unconfirmed':
      return { drift: cautioned(drift, `not confirmed: ${confirmation.because}`) };
  }
}

function end(outcome: 'resolved' | 'transient', message: string): Confirmed {
  return { next: { end: { outcome, message } } };
}

async function askServer(run: Run, { finding }: Case): Promise<Confirmation> {
  const { episodeId, looks, input } = run;
  const { diffDigest } = finding;
  try {
    return await confirms.confirm.executeWithOptions({ summary: 'dry-run the apply' }, [
      { episodeId, key: `${looks}`, ref: input.ref, diffDigest },
    ]);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    return { kind: 'unconfirmed', because: reasonOf(error).message };
  }
}

/** A person must know it before deciding, and nothing is fixed without one. */
function cautioned(drift: Case, caution: string): Case {
  const { decision } = drift;
  if (decision.outcome !== 'auto') return { ...drift, caution };
  return { ...drift, caution, decision: askInstead(decision, caution) };
}
