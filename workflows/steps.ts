import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types.ts';
import { ACTIVITY_OPTIONS } from './activity-options.ts';

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
    | 'closeQuestion'
    | 'confirmDecision'
    | 'notify'
    | 'record'
    | 'closeEpisode'
    | 'startAnalysis'
    | 'finishAnalysis'
  >
>(ACTIVITY_OPTIONS.read);

export const writes = proxyActivities<
  Pick<Activities, 'openChangeSet' | 'writeUnit' | 'upgradeUnit' | 'restoreUnit' | 'removeResidue'>
>(ACTIVITY_OPTIONS.write);

export const confirms = proxyActivities<Pick<Activities, 'confirm'>>(ACTIVITY_OPTIONS.confirm);

export const follows = proxyActivities<
  Pick<Activities, 'applyUnit' | 'verify' | 'analyseEnvironment'>
>(ACTIVITY_OPTIONS.follow);
