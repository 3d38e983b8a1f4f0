import { formatCostDelta } from '../drift/advice/cost.ts';
import { printable, renderTable } from './output.ts';
import type { AnalysisAnswer, CostsAnswer, SummaryAnswer } from './wire-advice.ts';

/** Said wherever a model speaks, so that nobody takes it for a fact or a decision. */
const MARK = 'AI, advice only';

/** A note of Claude as a block, or why there is none; nothing where it was not asked. */
export function renderAnalysis(analysis: AnalysisAnswer | null | undefined): readonly string[] {
  if (!analysis) return [];
  if (analysis.status === 'missing') {
    return [printable(`No analysis by Claude: ${analysis.reason ?? 'no reason is known'}`)];
  }
  const { recommendation, confidence, availability_risk: risk } = analysis;
  const lines = [
    `Claude (${MARK}; ${analysis.model}): risk ${risk} of 100, recommends to ${SAID[recommendation ?? ''] ?? recommendation}, ${confidence} confidence`,
    `  ${analysis.summary}`,
    `  Cause:  ${analysis.probable_cause}`,
    `  Effect: ${analysis.effect}`,
    `  Risk:   ${analysis.risk_reason}`,
  ];
  return [lines.map(printable).join('\n')];
}

const SAID: Readonly<Record<string, string>> = {
  revert: 'revert',
  accept: 'accept what is live',
  'look-closer': 'look closer',
};

/** Groups of open drifts, and Claude's prose over them where there is any. */
export function renderSummary({
  drifts,
  groups,
  advice,
  advice_missing: missing,
}: SummaryAnswer): string {
  if (drifts === 0) return 'No drift.';
  const table = renderTable(groups, [
    { title: 'DRIFTS', value: (group) => String(group.resources.length), align: 'right' },
    { title: 'SEVERITY', value: (group) => group.severity },
    {
      title: 'COST',
      value: ({ cost_delta_usd_monthly: usd }) => (usd ? formatCostDelta(usd) : '-'),
      align: 'right',
    },
    { title: 'WHAT', value: (group) => group.description },
    { title: 'SUCH AS', value: (group) => group.resources[0] ?? '-' },
  ]);
  if (!advice)
    return [table, ...(missing ? [printable(`Without Claude: ${missing}`)] : [])].join('\n\n');
  const prose = [
    `Claude (${MARK}; ${advice.model}): ${advice.headline}`,
    ...advice.patterns.map((pattern) => `  - ${pattern}`),
    `  Likely cause: ${advice.likely_cause}`,
    `  Next: ${advice.next_step}`,
  ];
  return [prose.map(printable).join('\n'), table].join('\n\n');
}

/** What drift costs now, and what fixing it has saved this month; amounts below each other. */
export function renderCosts(costs: CostsAnswer): string {
  const { open_drift_cost_usd_monthly: open, open_drifts_without_cost: unknown } = costs;
  const known = open === null ? 'not known' : showUsd(open, 'signed');
  const rest = unknown === 0 ? '' : `, and ${unknown} whose cost is not known`;
  const saved = showUsd(costs.saved_usd_this_month, 'plain');
  const width = Math.max(known.length, saved.length);
  return [
    `Open drift:        ${known.padStart(width)}${rest}`,
    `Saved this month:  ${saved.padStart(width)}`,
  ].join('\n');
}

const dollars = (digits: number) =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const IN_CENTS = dollars(2);
const IN_TENTHS = dollars(3);
/** Below it whole cents would say nothing. */
const MIN_USD_IN_CENTS = 0.1;

/** `+$1,203.40/month`; tenths of a cent where there is little more. */
function showUsd(usd: number, sign: 'signed' | 'plain'): string {
  const amount = Math.abs(usd);
  const format = amount === 0 || amount >= MIN_USD_IN_CENTS ? IN_CENTS : IN_TENTHS;
  const plus = sign === 'signed' && usd > 0 ? '+' : '';
  return `${usd < 0 ? '−' : plus}$${format.format(amount)}/month`;
}
