import { type Activities, type ActivityDeps, createClaudeActivities } from '../activities/index.ts';
import { type ClaudeClient, createClaudeClient } from '../clients/claude.ts';
import { type ClaudeConfig, usesClaude } from '../lib/config-claude.ts';
import { CLAUDE_QUEUE_SUFFIX, WAITING_QUEUE_SUFFIX } from '../workflows/messages.ts';
import type { Parts } from './parts.ts';
import type { SideQueue } from './side-worker.ts';

/** Calls to Claude at once; its own limits are per minute. */
const MAX_CLAUDE_CALLS = 4;

/** Units of all bulk corrections whose drifts' runs are waited for at once, in one process: each holds a connection, no more. */
const MAX_WAITING = 200;

/** One row for each queue beside the main one. */
export function sideQueues(
  { config }: Parts,
  deps: ActivityDeps,
  { correctUnit }: Pick<Activities, 'correctUnit'>,
): readonly SideQueue[] {
  const { taskQueue } = config.temporal;
  return [
    {
      taskQueue: `${taskQueue}${WAITING_QUEUE_SUFFIX}`,
      activities: { correctUnit },
      maxAtOnce: MAX_WAITING,
    },
    ...(usesClaude(config.claude)
      ? [
          {
            taskQueue: `${taskQueue}${CLAUDE_QUEUE_SUFFIX}`,
            activities: createClaudeActivities(deps, openClaude(config.claude)),
            maxAtOnce: MAX_CLAUDE_CALLS,
          },
        ]
      : []),
  ];
}

function openClaude(config: ClaudeConfig & { apiKey: string }): ClaudeClient {
  const { apiKey, url, model, timeoutMs } = config;
  return createClaudeClient({ apiKey, url, model, timeoutMs });
}
