import { randomBytes } from 'node:crypto';
import { ensureChangeSet, exactly, markStart } from '../activities/change-sets.ts';
import type { Unit } from '../clients/confighub/index.ts';
import { equals } from '../clients/confighub/where.ts';
import {
  analysisWorkflowId,
  correctionWorkflowId,
  driftWorkflowId,
  promotionRunWorkflowId,
  promotionWorkflowId,
  rollbackWorkflowId,
} from '../lib/workflow-id.ts';
import type { Parts } from '../workers/parts.ts';
import { CALM, done, EDIT, type Scenario, type StartedRun } from './crash-scenarios.ts';
import type { CrashStage } from './crash-stage.ts';
import { allEnd, STEP_TIMEOUT_MS } from './workflows-end.ts';

const NEXT = { mode: 'calm', level: '2' };

/** What people start by a command. The workflow is started at once, without the look beforehand that the doors take. */
export const COMMAND_SCENARIOS = {
  'rollback of a change set': {
    residue: 'report',
    place: 'auto',
    prepare: async (stage, name) => ({ auto: await changedBySet(stage, name) }),
    command: async (stage, parts, name) => {
      const { slug: space } = stage.space('auto');
      const changeSet = `${space}/${setOf(name)}`;
      const workflowId = rollbackWorkflowId(space, setOf(name));
      return start(parts, 'rollback', workflowId, { changeSet });
    },
    answers: [],
    ending: {
      outcome: 'completed',
      live: { auto: CALM },
      applies: { auto: 1 },
      revisions: { auto: 3 },
      changeSets: 1,
      questions: [],
      steps: done(
        'applyUnit',
        'noteCommand',
        'openChangeSet',
        'planRollback',
        'rollBackUnit',
        'startCommand',
        'verifyUnit',
      ),
      unfinished: [],
    },
  },
  'bulk correction': {
    residue: 'report',
    place: 'auto',
    prepare: async (stage, name) => {
      const auto = await stage.install('auto', name, CALM);
      await stage.hub.patchUnit(auto, { labels: { selected: name } });
      const where = `Labels.selected = '${name}'`;
      await stage.hub.createFilter(auto.spaceId, { slug: name, from: 'Unit', where });
      return { auto };
    },
    drift: EDIT,
    command: (stage, parts, name) => {
      const drift = driftWorkflowId(stage.refOf('auto', name));
      const scope = { filter: name, space: '*' };
      return start(parts, 'correct', correctionWorkflowId, { scope }, drift);
    },
    answers: [],
    ending: {
      outcome: 'completed',
      live: { auto: CALM },
      applies: { auto: 1 },
      revisions: { auto: 1 },
      changeSets: 1,
      questions: [],
      steps: done(
        'applyUnit',
        'closeEpisode',
        'correctUnit',
        'detect',
        'noteCommand',
        'noteCommand',
        'openCorrection',
        'plan',
        'record',
        'selectCorrections',
        'startCommand',
        'verify',
      ),
      unfinished: [],
    },
  },
  'promotion by command': {
    residue: 'report',
    place: 'near',
    prepare: async (stage, name) => {
      const home = await stage.install('home', name, CALM);
      const near = await stage.clone(home, 'near');
      await stage.rewrite(home, NEXT);
      return { near };
    },
    command: async (stage, parts, name) => {
      const [from, to] = [stage.space('home').slug, stage.space('near').slug];
      const workflowId = promotionRunWorkflowId(from, to, name);
      const scope = { from, to, unit: name };
      const promotion = promotionWorkflowId(to, name, 2);
      const run = await start(parts, 'promoteBetween', workflowId, { scope }, promotion);
      return { ...run, runIds: run.runIds.flatMap((id) => [id, `${id}-${name}`]) };
    },
    answers: [],
    ending: {
      outcome: 'completed',
      live: { near: NEXT },
      applies: { near: 1 },
      revisions: { near: 2 },
      changeSets: 1,
      questions: [],
      steps: done(
        'applyUnit',
        'noteCommand',
        'noteCommand',
        'openChangeSet',
        'planPromotion',
        'planPromotion',
        'selectPromotions',
        'startCommand',
        'upgradeUnit',
      ),
      unfinished: [],
    },
  },
  'analysis run': {
    residue: 'report',
    place: 'auto',
    prepare: async (stage, name) => ({ auto: await stage.install('auto', name, CALM) }),
    drift: EDIT,
    command: (stage, parts, name) => analyse(stage, parts, name),
    answers: [],
    ending: {
      outcome: 'completed: 1 compared',
      live: { auto: CALM },
      applies: { auto: 1 },
      revisions: { auto: 1 },
      changeSets: 1,
      questions: [],
      steps: done(
        'analyseEnvironment',
        'applyUnit',
        'closeEpisode',
        'detect',
        'finishAnalysis',
        'openChangeSet',
        'plan',
        'startAnalysis',
        'verify',
      ),
      unfinished: [],
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>;

async function start(
  { temporal, store, config }: Parts,
  workflow: string,
  id: string | ((runId: string) => string),
  input: object,
  ...others: readonly string[]
): Promise<StartedRun> {
  const runId = `c${randomBytes(6).toString('hex')}`;
  const { client } = temporal;
  const workflowId = typeof id === 'string' ? id : id(runId);
  await client.workflow.start(workflow, {
    ...{ workflowId, taskQueue: config.temporal.taskQueue },
    args: [{ runId, requestedBy: 'ann', startedAt: new Date().toISOString(), ...input }],
  });
  return {
    runIds: [runId],
    async ended() {
      await allEnd(client, [workflowId, ...others]);
      return (await store.commandRuns.find(runId))?.status ?? 'not on record';
    },
  };
}

async function analyse(
  stage: CrashStage,
  { temporal, store, config }: Parts,
  name: string,
): Promise<StartedRun> {
  const ref = stage.refOf('auto', name);
  const { environment, namespace } = ref;
  const scope = { environment, namespace, resource: `ConfigMap:${namespace}:${name}` };
  const workflowId = analysisWorkflowId(scope);
  const handle = await temporal.client.workflow.start('analysisRun', {
    ...{ workflowId, taskQueue: config.temporal.taskQueue, args: [{ scope }] },
  });
  const runId = handle.firstExecutionRunId;
  return {
    runIds: [runId],
    async ended() {
      await allEnd(temporal.client, [workflowId, driftWorkflowId(ref)]);
      const run = await store.analysisRuns.find(runId);
      // Looked at again, the drift that the first attempt reported may be fixed already.
      return `${run?.status}: ${run?.checked} compared`;
    },
  };
}

function setOf(name: string): string {
  return `made-${name}`;
}

/** A unit whose second revision, which is applied, was made within a change set. */
async function changedBySet({ hub, install, rewrite }: CrashStage, name: string): Promise<Unit> {
  const unit = await install('auto', name, CALM);
  const { spaceId, unitId } = unit;
  const slug = setOf(name);
  const where = equals('UnitID', unitId).expression;
  const { filterId } = await hub.createFilter(spaceId, { slug, from: 'Unit', where });
  const words = { displayName: slug, description: slug };
  const changeSet = await ensureChangeSet(hub, spaceId, { slug, ...words, filterId, writes: true });
  await markStart(hub, unit, changeSet, 'HeadRevisionNum');
  await rewrite(unit, NEXT);
  const { operationId } = await hub.applyUnit(await hub.getUnit(spaceId, unitId));
  await hub.waitForOperation(unit, operationId, { timeoutMs: STEP_TIMEOUT_MS });
  const { tagId } = changeSet;
  await hub.tagUnits(exactly(unit), { tagId, revision: 'LastAppliedRevisionNum' });
  return hub.getUnit(spaceId, unitId);
}
