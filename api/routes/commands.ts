import type { CommandRun } from '../../drift/decide/command-run.ts';
import { AppError } from '../../lib/errors.ts';
import { presentWorkflow } from '../present.ts';
import { presentCommandRun, presentPlannedUnit } from '../present-commands.ts';
import { defineRoute, type Route } from '../route.ts';
import { noQuery } from '../schemas.ts';
import * as schemas from '../schemas-commands.ts';
import type { ApiDeps, PlannedPage, StartedCommand } from '../types.ts';

const RUN_NOT_FOUND = 'Command run not found';

/** What people start by a command, and what has become of it. With `dry_run` the answer is the plan, and nothing is written. */
export function commandRoutes(
  deps: ApiDeps & { readonly commands: NonNullable<ApiDeps['commands']> },
): readonly Route[] {
  const { commands } = deps;
  const started = answerStarted(deps);
  const common = {
    method: 'post',
    access: 'approver',
    query: noQuery,
    answer: schemas.commandAnswer,
  } as const;
  return [
    defineRoute({
      ...common,
      path: '/api/v1/rollbacks',
      summary: 'Take a ConfigHub ChangeSet back, under the policy of each environment',
      body: schemas.rollbackBody,
      failure: 'Failed to start the rollback',
      notFound: 'Change set not found',
      async handle({ body: { change_set: changeSet, dry_run: isDry }, person }) {
        if (!isDry) return started('rollback', await commands.rollback(changeSet, person.name));
        return planned('rollback', await commands.previewRollback(changeSet));
      },
    }),
    defineRoute({
      ...common,
      path: '/api/v1/corrections',
      summary: 'Correct every drifted unit that a ConfigHub Filter selects, each under its policy',
      body: schemas.correctionBody,
      failure: 'Failed to start the correction',
      notFound: 'Filter not found',
      async handle({ body: { filter, space, environment, dry_run: isDry, after }, person }) {
        const scope = { filter, space, ...(environment !== undefined && { environment }) };
        if (!isDry) return started('correction', await commands.correct(scope, person.name));
        return planned('correction', await commands.previewCorrections(scope, after));
      },
    }),
    defineRoute({
      ...common,
      path: '/api/v1/promotions',
      summary: 'Promote the units of one environment that are behind another, under its policy',
      body: schemas.promotionBody,
      failure: 'Failed to start the promotion',
      notFound: 'Environment not found',
      async handle({ body: { from, to, unit, dry_run: isDry, after }, person }) {
        const scope = { from, to, ...(unit !== undefined && { unit }) };
        if (!isDry) return started('promotion', await commands.promote(scope, person.name));
        return planned('promotion', await commands.previewPromotions(scope, after));
      },
    }),
    commandRunRoute(deps),
  ];
}

function commandRunRoute({ store, links }: ApiDeps): Route {
  return defineRoute({
    method: 'get',
    path: '/api/v1/command-runs/:id',
    summary: 'How far a rollback, a correction or a promotion is, and what became of each unit',
    access: 'viewer',
    query: noQuery,
    answer: schemas.commandRun,
    failure: 'Failed to retrieve the run',
    notFound: RUN_NOT_FOUND,
    async handle({ params }) {
      const id = params['id'] ?? '';
      const run = await store.commandRuns.find(id);
      if (!run) throw new AppError('NOT_FOUND', `there is no command run ${id}`);
      const results = await store.commandRuns.listResults(id);
      return { body: presentCommandRun(links, run, results) };
    },
  });
}

function answerStarted({ links }: ApiDeps) {
  return (kind: CommandRun['kind'], { runId, workflowId }: StartedCommand) => ({
    body: {
      ...{ kind, status: 'started', run_id: runId, units: [], next_after: null },
      ...presentWorkflow(links, workflowId),
    },
  });
}

function planned(kind: CommandRun['kind'], { units, next }: PlannedPage) {
  return {
    body: {
      ...{ kind, status: 'planned', run_id: null, workflow_id: null, workflow_url: null },
      ...{ units: units.map(presentPlannedUnit), next_after: next ?? null },
    },
  };
}
