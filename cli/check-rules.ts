import { z } from 'zod';
import type { OutputFormat } from './output.ts';
import { renderTable, writeResult } from './output.ts';
import { EXIT } from './report-error.ts';
import { createRest } from './rest.ts';

/** A rule that decided nothing for so long is worth a look: it may be obsolete, or misspelt. */
const UNUSED_AFTER_DAYS = 30;
const DAY_MS = 24 * 3_600_000;

const answerSchema = z.looseObject({
  ignore_rules: z.array(
    z.looseObject({
      id: z.string(),
      effect: z.string(),
      reason: z.string(),
      expires: z.string().nullish(),
      hits: z.number(),
      last_hit: z.string().nullish(),
    }),
  ),
});
type Rule = z.infer<typeof answerSchema>['ignore_rules'][number];

/**
 * Asks the running Realign which ignore rules have expired or decided nothing for 30 days, and prints those. Exit code 1 if there
 * are some. API_UNAVAILABLE and the like are thrown.
 */
export async function checkRules(output: OutputFormat): Promise<number> {
  const rest = createRest(process.env);
  const { ignore_rules: rules } = await rest.get('/api/v1/ignore-rules', answerSchema);
  const stale = rules.flatMap((rule) => {
    const why = whyStale(rule, Date.now());
    return why === undefined ? [] : [{ ...rule, why }];
  });
  writeResult(output, { rules, stale: stale.map(({ id, why }) => ({ id, why })) }, () => {
    const summary = `${rules.length} ignore rule${rules.length === 1 ? '' : 's'}, ${stale.length} of them worth a look.`;
    if (stale.length === 0) return summary;
    const table = renderTable(stale, [
      { title: 'RULE', value: (rule) => rule.id },
      { title: 'HITS', value: (rule) => String(rule.hits) },
      { title: 'WHY', value: (rule) => rule.why },
      { title: 'REASON', value: (rule) => rule.reason },
    ]);
    return `${table}\n\n${summary}`;
  });
  return stale.length === 0 ? EXIT.ok : EXIT.found;
}

function whyStale({ expires, last_hit: lastHit }: Rule, nowMs: number): string | undefined {
  if (expires && Date.parse(expires) <= nowMs) return `expired on ${expires}`;
  if (!lastHit) return 'never decided anything';
  const days = Math.floor((nowMs - Date.parse(lastHit)) / DAY_MS);
  return days >= UNUSED_AFTER_DAYS ? `decided nothing for ${days} days` : undefined;
}
