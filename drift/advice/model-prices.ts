/** What a model costs in US dollars per million tokens. */
export type ModelPrices = {
  readonly input: number;
  readonly output: number;
  /** Input that is kept for five minutes. */
  readonly cacheWrite: number;
  /** Input that was kept by an earlier call. */
  readonly cacheRead: number;
};

/** Tokens that one call used; `input` counts what is neither written to the cache nor read from it. */
export type TokenUse = {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite: number;
  readonly cacheRead: number;
};

const MILLION = 1_000_000;

/**
 * List prices of https://platform.claude.com/docs/en/about-claude/pricing, as read in November 2026; `claude.prices` overrides
 * them. Those of Haiku 5.5 are for prompts of up to 100,000 tokens, which ours never reach.
 */
export const MODEL_PRICES: Readonly<Record<string, ModelPrices>> = {
  'claude-fable-5-1': { input: 10, output: 50, cacheWrite: 12.5, cacheRead: 0.25 },
  'claude-opus-5-5': { input: 4, output: 20, cacheWrite: 5, cacheRead: 0.2 },
  'claude-opus-5': { input: 5, output: 25, cacheWrite: 6.25, cacheRead: 0.5 },
  'claude-sonnet-5-5': { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.1 },
  'claude-sonnet-5': { input: 2, output: 10, cacheWrite: 2.5, cacheRead: 0.2 },
  'claude-haiku-5-5': { input: 0.1, output: 0.5, cacheWrite: 0.125, cacheRead: 0.01 },
};

/** What a call cost in US dollars. */
export function usdOf(prices: ModelPrices, used: TokenUse): number {
  const { input, output, cacheWrite, cacheRead } = used;
  const millionths =
    input * prices.input +
    output * prices.output +
    cacheWrite * prices.cacheWrite +
    cacheRead * prices.cacheRead;
  return millionths / MILLION;
}

/** The most that a call can cost: every character of the prompt a token of its own, and the longest answer. */
export function mostUsdOf(prices: ModelPrices, promptChars: number, maxOutput: number): number {
  const input = Math.max(prices.input, prices.cacheWrite);
  return (promptChars * input + maxOutput * prices.output) / MILLION;
}
