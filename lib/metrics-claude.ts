import type { TokenUse } from '../drift/advice/model-prices.ts';
import type { MakeCounter } from './metric-makers.ts';

export type ClaudeCall = {
  readonly purpose: 'explain' | 'summarize';
  readonly result: 'answered' | 'cached' | 'failed' | 'over-budget';
  readonly tokens: TokenUse;
  readonly usd: number;
};

/** What asking Claude takes. */
export function claudeMetrics(counter: MakeCounter): {
  readonly claudeCalled: (call: ClaudeCall) => void;
} {
  const calls = counter(
    'realign_claude_calls_total',
    'Questions for Claude: answered, failed, answered from an earlier answer, or not asked for lack of budget.',
    ['purpose', 'result'],
  );
  const used = counter('realign_claude_tokens_total', 'Tokens that calls to Claude used.', [
    'kind',
  ]);
  const spent = counter(
    'realign_claude_usd_total',
    'US dollars that calls to Claude cost by the configured prices.',
    ['purpose'],
  );
  return {
    claudeCalled({ purpose, result, tokens, usd }) {
      calls.inc({ purpose, result });
      spent.inc({ purpose }, usd);
      for (const [kind, count] of Object.entries(tokens)) used.inc({ kind }, count);
    },
  };
}
