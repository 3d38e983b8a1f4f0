import { describeStep, type Plan } from '../decide/plan.ts';
import type { StepEntry } from '../decide/record.ts';
import type { ProgressStep } from './message-view.ts';

/** The activities that carry out each kind of step; their keys begin with the unit's id. */
const ACTIVITY_OF: Readonly<Record<string, string>> = {
  write: 'writeUnit',
  upgrade: 'upgradeUnit',
  restore: 'restoreUnit',
  apply: 'applyUnit',
  patch: 'removeResidue',
  ask: 'identifyPromotion',
};

/**
 * How far a plan has been carried out, by the steps on record: its own steps in order, the ChangeSet before and the comparison
 * after them. Of several executions the last counts. `[]` before the first.
 */
export function progressOf(
  plan: Plan | undefined,
  entries: readonly StepEntry[],
): readonly ProgressStep[] {
  const execution = lastExecution(entries);
  if (!plan || execution === undefined) return [];
  const latest = (step: string, key: string) =>
    entries.findLast((one) => one.step === step && one.key === key);
  const restored = entries.filter(
    (one) =>
      one.step === 'restoreUnit' &&
      one.key.startsWith('restore-') &&
      one.key.endsWith(`#${execution}`),
  );
  return [
    toProgress('open the ChangeSet', latest('openChangeSet', `change-set#${execution}`)),
    ...plan.steps.map((step) => {
      const { unitId } = step.unit;
      const key = step.kind === 'ask' ? unitId : `${unitId}#${execution}`;
      return toProgress(describeStep(step), latest(ACTIVITY_OF[step.kind] ?? step.kind, key));
    }),
    ...(restored.length > 0 ? [toProgress('restore what was written', restored.at(-1))] : []),
    ...(restored.length > 0 ? [] : [toProgress('compare again', latestVerify(entries, execution))]),
  ];
}

/** Executions of one episode are numbered behind `#` in the keys of their steps. */
function lastExecution(entries: readonly StepEntry[]): string | undefined {
  return entries
    .findLast((one) => one.step === 'openChangeSet')
    ?.key.split('#')
    .at(-1);
}

function latestVerify(entries: readonly StepEntry[], execution: string): StepEntry | undefined {
  const keys = new Set([execution, `${execution}-residue`]);
  return entries.findLast((one) => one.step === 'verify' && keys.has(one.key));
}

function toProgress(label: string, entry: StepEntry | undefined): ProgressStep {
  if (!entry) return { label, status: 'to-do' };
  const { status, at, attempt, message } = entry;
  const again = attempt > 1 ? `try ${attempt}` : undefined;
  const detail = status === 'failed' ? message : again;
  return {
    label,
    status: status === 'started' ? 'running' : status,
    at,
    ...(detail !== undefined && { detail }),
  };
}
