import type { z } from 'zod';
import type { CommandRun, PlannedUnit, UnitResult } from '../drift/decide/command-run.ts';
import { presentPlan, presentWorkflow } from './present.ts';
import type * as schemas from './schemas-commands.ts';
import type { ApiDeps } from './types.ts';

export function presentPlannedUnit(
  planned: PlannedUnit,
): z.input<typeof schemas.commandAnswer>['units'][number] {
  return {
    environment: planned.environment,
    unit: planned.unit,
    resource: planned.resource ?? null,
    outcome: planned.outcome,
    rule: planned.rule ?? null,
    because: planned.because ?? null,
    plan: planned.plan ? presentPlan(planned.plan) : null,
  };
}

export function presentCommandRun(
  links: ApiDeps['links'],
  run: CommandRun,
  results: readonly UnitResult[],
): z.input<typeof schemas.commandRun> {
  return {
    run_id: run.runId,
    kind: run.kind,
    subject: run.subject,
    requested_by: run.requestedBy,
    status: run.status,
    message: run.message,
    change_set: run.changeSet ?? null,
    started_at: run.startedAt,
    ended_at: run.endedAt ?? null,
    results: results.map(({ environment, unit, result, reason, questionId = null }) => {
      return { environment, unit, result, reason, question_id: questionId };
    }),
    ...presentWorkflow(links, run.workflowId),
  };
}
