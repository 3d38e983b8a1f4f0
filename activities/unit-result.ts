import type { UnitResult } from '../drift/decide/command-run.ts';
import type { CorrectReport } from '../workflows/messages.ts';

/** What of several results says most about a unit. */
const RANK: readonly UnitResult['result'][] = ['failed', 'asked', 'refused', 'fixed', 'unchanged'];

const RESULT_OF: Readonly<Record<CorrectReport['kind'], UnitResult['result']>> = {
  fixed: 'fixed',
  asked: 'asked',
  refused: 'refused',
  failed: 'failed',
  again: 'failed',
  shared: 'unchanged',
  gone: 'unchanged',
};

/** One result for a unit from what the runs of its drifts report: the one that people must know of first. */
export function unitResultOf(
  reports: readonly CorrectReport[],
): Pick<UnitResult, 'result' | 'reason' | 'questionId'> {
  const ranked = reports
    .map((report) => ({ report, result: RESULT_OF[report.kind] }))
    .toSorted((a, b) => RANK.indexOf(a.result) - RANK.indexOf(b.result));
  const [first] = ranked;
  if (!first) return { result: 'unchanged', reason: 'nothing drifts any more' };
  const said = ranked.filter((one) => one.result === first.result).map((one) => one.report.message);
  const { questionId } = first.report;
  return {
    result: first.result,
    reason: [...new Set(said)].join(' '),
    ...(questionId !== undefined && { questionId }),
  };
}
