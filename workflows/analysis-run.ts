import { isCancellation, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { AnalysisCounts } from '../activities/types.ts';
import { reasonOf } from './execute.ts';
import type { AnalysisInput } from './messages.ts';
import { follows, reads } from './steps.ts';

const NOTHING: AnalysisCounts = { total: 0, checked: 0, drifted: 0, errors: [] };

/**
 * Compares every declared resource in scope, one environment after the other. Each drift that it finds is reported to that
 * resource's own workflow, exactly as if the watcher had seen it; an environment that cannot be read does not stop the others.
 */
export async function analysisRun(input: AnalysisInput): Promise<AnalysisCounts> {
  const { scope } = input;
  const { runId, workflowId } = workflowInfo();
  let sum = NOTHING;
  const step = { episodeId: runId, key: 'run' };
  for (const environment of await reads.startAnalysis({ ...step, runId, workflowId, scope })) {
    setCurrentDetails(
      `Comparing **${environment}**: ${sum.checked} resources so far, ${sum.drifted} with drift`,
    );
    const before = sum;
    sum = add(before, await analyse({ runId, scope }, environment, before));
  }
  const status = sum.checked === 0 && sum.errors.length > 0 ? 'failed' : 'completed';
  await reads.finishAnalysis({ ...step, runId, status, counts: sum, at: new Date().toISOString() });
  setCurrentDetails(`**Done**: ${sum.checked} resources compared, ${sum.drifted} with drift`);
  return sum;
}

async function analyse(
  { runId, scope }: AnalysisInput & { readonly runId: string },
  environment: string,
  before: AnalysisCounts,
): Promise<AnalysisCounts> {
  try {
    return await follows.analyseEnvironment.executeWithOptions({ summary: environment }, [
      { episodeId: runId, key: environment, environment, scope, before },
    ]);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { ...NOTHING, errors: [`${environment}: ${reasonOf(error).message}`] };
  }
}

function add(a: AnalysisCounts, b: AnalysisCounts): AnalysisCounts {
  return {
    total: a.total + b.total,
    checked: a.checked + b.checked,
    drifted: a.drifted + b.drifted,
    errors: [...a.errors, ...b.errors],
  };
}
