import type { ClaudeClient } from '../clients/claude.ts';
import { createAnalysisActivities } from './analyse-environment.ts';
import { createApplyActivities } from './apply.ts';
import type { ClaudeActivities } from './claude-types.ts';
import { createCommandActivities } from './commands.ts';
import { createConfirmActivities } from './confirm.ts';
import { createCorrectionActivities } from './corrections.ts';
import type { ActivityDeps } from './deps.ts';
import { createDetectActivities } from './detect.ts';
import { createDriftUnitActivities, withDriftUnits } from './drift-unit.ts';
import { createExplainActivities, createUnexplainedActivities } from './explain.ts';
import { createFilterMembership } from './filter-membership.ts';
import { currentHeartbeat, currentRunId } from './heartbeat.ts';
import { createNotifyActivities } from './notify.ts';
import { createPlanActivities } from './plan.ts';
import { createPreviewActivities } from './preview.ts';
import { createPromotionActivities } from './promotions.ts';
import { createQuestionActivities } from './questions.ts';
import { createRecordActivities } from './record.ts';
import { createRemediateActivities } from './remediate.ts';
import { createRepairActivities } from './repair.ts';
import { createRollbackActivities } from './rollback.ts';
import { createSummarizeActivities } from './summarize.ts';
import type { Activities } from './types.ts';
import { withUnitWrites } from './unit-writes.ts';
import { createVerifyActivities } from './verify.ts';

export { type AnnounceDeps, createAnnouncementActivities } from './announce.ts';
export type { ActivityDeps, EnvironmentParts } from './deps.ts';
export { currentAttempt } from './heartbeat.ts';
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
  const activities: Activities = {
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
    ...createCommandActivities(deps),
    ...createRollbackActivities(deps, membership, currentHeartbeat),
    ...createPromotionActivities(deps),
    ...createCorrectionActivities(deps, currentHeartbeat),
    ...createUnexplainedActivities(deps),
    ...createDriftUnitActivities(deps),
  };
  return withDriftUnits(withUnitWrites(activities, deps), deps);
}

/** What is done by asking Claude, for a worker of its own queue. */
export function createClaudeActivities(deps: ActivityDeps, claude: ClaudeClient): ClaudeActivities {
  const asking = { ...deps, claude };
  return { ...createExplainActivities(asking), ...createSummarizeActivities(asking) };
}
