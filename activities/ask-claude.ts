import { Context } from '@temporalio/activity';
import type { z } from 'zod';
import type { ClaudeClient } from '../clients/claude.ts';
import { mostUsdOf, type TokenUse, usdOf } from '../drift/advice/model-prices.ts';
import { isJsonObject } from '../drift/json.ts';
import { sha256 } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { ActivityDeps } from './deps.ts';

export type ClaudeDeps = Pick<
  ActivityDeps,
  'config' | 'store' | 'log' | 'environments' | 'announce'
> & {
  readonly claude: ClaudeClient;
  readonly metrics: Pick<Metrics, 'claudeCalled'>;
};

export type Request<T> = {
  /** For metrics. */
  readonly purpose: 'explain' | 'summarize';
  /** Names the call among all: of the same one, money is set aside once. */
  readonly id: string;
  /** What the answer depends on, and nothing else: to the same question the same answer is good for a day. */
  readonly sameAs: readonly string[];
  readonly system: string;
  readonly user: string;
  readonly schema: z.ZodType<T>;
};

export type Spent = { readonly tokens: TokenUse; readonly usd: number };
export type Asked<T> = Spent & { readonly answer: T; readonly isCached: boolean };

/** Thinking included. An answer is some hundred; one that needs more than this has lost its way. */
const MAX_OUTPUT_TOKENS = 4_000;
export const NO_TOKENS: TokenUse = { input: 0, output: 0, cacheWrite: 0, cacheRead: 0 };

/**
 * Asks, unless the same question was answered lately or the budget is spent. `onSpent` hears what a call cost that failed after the
 * server had answered.
 */
export async function askClaude<T>(
  deps: ClaudeDeps,
  request: Request<T>,
  onSpent: (spent: Spent) => void,
): Promise<Asked<T>> {
  const { config, store, metrics } = deps;
  const { purpose, schema } = request;
  const key = sha256([purpose, config.claude.model, ...request.sameAs].join('\n'));
  const known = schema.safeParse(await store.claudeCalls.recall(key));
  if (known.success) {
    metrics.claudeCalled({ purpose, result: 'cached', tokens: NO_TOKENS, usd: 0 });
    return { answer: known.data, isCached: true, tokens: NO_TOKENS, usd: 0 };
  }
  await setAside(deps, request);
  const asked = await call(deps, request, onSpent);
  if (isJsonObject(asked.answer)) await store.claudeCalls.keep(key, asked.answer);
  return { ...asked, isCached: false };
}

/** The most that the call can cost, before it is made. */
async function setAside<T>(
  { config: { claude }, store, metrics }: ClaudeDeps,
  { id, purpose, system, user }: Request<T>,
): Promise<void> {
  const most = mostUsdOf(claude.prices, system.length + user.length, MAX_OUTPUT_TOKENS);
  const spent = await store.claudeCalls.reserve(id, most, claude.budget);
  if (spent === undefined) return;
  metrics.claudeCalled({ purpose, result: 'over-budget', tokens: NO_TOKENS, usd: 0 });
  throw new AppError('CLAUDE_BUDGET_SPENT', `the budget of this ${spent} for Claude is spent`);
}

async function call<T>(
  { config, store, claude, metrics }: ClaudeDeps,
  { id, purpose, system, user, schema }: Request<T>,
  onSpent: (spent: Spent) => void,
): Promise<Spent & { readonly answer: T }> {
  const { prices } = config.claude;
  let tokens: TokenUse | undefined;
  try {
    const { answer } = await claude.ask({
      ...{ system, user, schema, maxTokens: MAX_OUTPUT_TOKENS },
      signal: Context.current().cancellationSignal,
      onTokens: (used) => {
        tokens = used;
      },
    });
    const used = tokens ?? NO_TOKENS;
    const usd = usdOf(prices, used);
    metrics.claudeCalled({ purpose, result: 'answered', tokens: used, usd });
    await store.claudeCalls.settle(id, usd);
    return { answer, tokens: used, usd };
  } catch (error) {
    const usd = tokens && usdOf(prices, tokens);
    metrics.claudeCalled({ purpose, result: 'failed', tokens: tokens ?? NO_TOKENS, usd: usd ?? 0 });
    if (tokens && usd !== undefined) {
      onSpent({ tokens, usd });
      await store.claudeCalls.settle(id, usd);
    } else if (isRefusal(error)) {
      // A refusal costs nothing. What a call cost that was given up, nobody knows: the most stays set aside.
      await store.claudeCalls.settle(id, 0);
    }
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  return error.code === 'CLAUDE_REFUSED' || error.details['status'] !== undefined;
}
