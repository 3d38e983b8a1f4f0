import { createAnalysisActivities } from './analyse-environment.ts';
import { createApplyActivities } from './apply.ts';
import { createConfirmActivities } from './confirm.ts';
import type { ActivityDeps } from './deps.ts';
import { createDetectActivities } from './detect.ts';
import { createFilterMembership } from './filter-membership.ts';
import { currentHeartbeat, currentRunId } from './heartbeat.ts';
import { createNotifyActivities } from './notify.ts';
import { createPlanActivities } from './plan.ts';
import { createPreviewActivities } from './preview.ts';
import { createQuestionActivities } from './questions.ts';
import { createRecordActivities } from './record.ts';
import { createRemediateActivities } from './remediate.ts';
import { createRepairActivities } from './repair.ts';
import type { Activities } from './types.ts';
import { createVerifyActivities } from './verify.ts';

export type { ActivityDeps, EnvironmentParts } from './deps.ts';
export { createActivityInterceptor } from './interceptor.ts';
export type { Activities } from './types.ts';

/** All activities, ready for a worker. */
export function createActivities(deps: ActivityDeps): Activities {
  const { filtersSpace, refreshMs } = deps.config.confighub;
  const membership = createFilterMembership(deps.hub, {
    slugs: new Set(deps.config.policies.flatMap((rule) => rule.match.filters ?? [])),
    maxAgeMs: refreshMs,
    now: Date.now,
    ...(filtersSpace !== undefined && { filtersSpace }),
  });
  const planning = createPlanActivities(deps, membership);
  return {
    ...createDetectActivities(deps, membership, currentRunId),
    ...createConfirmActivities(deps),
    ...planning,
    ...createPreviewActivities(deps, membership, planning.plan),
    ...createQuestionActivities(deps),
    ...createNotifyActivities(deps),
    ...createRecordActivities(deps),
    ...createRemediateActivities(deps),
    ...createApplyActivities(deps, currentHeartbeat),
    ...createRepairActivities(deps),
    ...createVerifyActivities(deps, currentHeartbeat),
    ...createAnalysisActivities(deps, currentHeartbeat),
  };
}
