import {
  CancellationScope,
  proxyActivities,
  proxyLocalActivities,
  TemporalFailure,
} from '@temporalio/workflow';
import type { Activities } from '../activities/types.ts';
import { ACTIVITY_OPTIONS, LOCAL_OPTIONS } from './activity-options.ts';

/** The activities, grouped by how they are timed and retried. */
export const reads = proxyActivities<
  Pick<
    Activities,
    | 'detect'
    | 'plan'
    | 'planPromotion'
    | 'preview'
    | 'identifyPromotion'
    | 'listDownstream'
    | 'openQuestion'
    | 'amendQuestion'
    | 'closeQuestion'
    | 'confirmDecision'
    | 'notify'
    | 'record'
    | 'closeEpisode'
    | 'startAnalysis'
    | 'finishAnalysis'
    | 'startCommand'
    | 'noteCommand'
    | 'planRollback'
    | 'selectPromotions'
    | 'findPromotion'
  >
>(ACTIVITY_OPTIONS.read);

export const writes = proxyActivities<
  Pick<
    Activities,
    | 'openChangeSet'
    | 'writeUnit'
    | 'upgradeUnit'
    | 'restoreUnit'
    | 'removeResidue'
    | 'patchRefused'
    | 'rollBackUnit'
    | 'openCorrection'
  >
>(ACTIVITY_OPTIONS.write);

export const confirms = proxyActivities<Pick<Activities, 'confirm'>>(ACTIVITY_OPTIONS.confirm);

export const follows = proxyActivities<
  Pick<
    Activities,
    'applyUnit' | 'verify' | 'analyseEnvironment' | 'verifyUnit' | 'selectCorrections'
  >
>(ACTIVITY_OPTIONS.follow);

type Quick = Pick<Activities, 'detect' | 'plan' | 'openChangeSet' | 'verify' | 'closeEpisode'>;
const local = proxyLocalActivities<Quick>(LOCAL_OPTIONS);

/**
 * Steps that are mostly done in milliseconds: tried once within the workflow task, which costs Temporal one event. Where that fails, for
 * whatever reason, or takes too long, they are activities, with their time-outs, retries and failures; `onSlow` is called before.
 *
 * What such a step answers is on record once the task ends. Until then a killed worker's successor repeats it and may get another
 * answer: nothing that such an answer ends for good may be done in the same task, unless the step that is repeated finds what was done.
 */
export const quick = {
  detect: quickly(local.detect, reads.detect),
  plan: quickly(local.plan, reads.plan),
  openChangeSet: quickly(local.openChangeSet, writes.openChangeSet),
  verify: quickly(local.verify, follows.verify),
  /** Only after `verify`, which stands by what an episode was closed with. */
  closeEpisode: quickly(local.closeEpisode, reads.closeEpisode),
};

type Step<Input, Output> = {
  executeWithOptions(options: { readonly summary: string }, args: [Input]): Promise<Output>;
};

function quickly<Input, Output>(once: Step<Input, Output>, lasting: Step<Input, Output>) {
  return async (input: Input, summary: string, onSlow = () => {}): Promise<Output> => {
    try {
      return await once.executeWithOptions({ summary }, [input]);
    } catch (error) {
      // Without the wrapping of an activity's failure. A worker that stops may have cancelled it, too: only the run itself counts.
      if (!(error instanceof TemporalFailure) || CancellationScope.current().consideredCancelled) {
        throw error;
      }
      onSlow();
      return lasting.executeWithOptions({ summary }, [input]);
    }
  };
}
