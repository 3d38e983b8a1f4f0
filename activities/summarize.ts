import { Context } from '@temporalio/activity';
import { z } from 'zod';
import { groupDrifts, type OpenDrift } from '../drift/advice/group-drifts.ts';
import {
  MAX_SUMMARIZED,
  SUMMARY_PROMPT_VERSION,
  SUMMARY_SYSTEM,
  summaryPrompt,
} from '../drift/advice/summary-prompt.ts';
import { AppError } from '../lib/errors.ts';
import { askClaude, type ClaudeDeps } from './ask-claude.ts';
import type { ClaudeActivities } from './claude-types.ts';

const summarySchema = z.strictObject({
  headline: z.string().min(1).max(300),
  patterns: z.array(z.string().min(1).max(400)).max(8),
  likelyCause: z.string().min(1).max(600),
  nextStep: z.string().min(1).max(600),
});

/** Has Claude say what open drifts have in common. */
export function createSummarizeActivities(deps: ClaudeDeps): Pick<ClaudeActivities, 'summarize'> {
  return {
    async summarize({ episodeId, environment }) {
      const drifts = await openDrifts(deps, environment);
      if (drifts.length === 0) throw new AppError('NOT_FOUND', 'nothing drifts');
      const { workflowExecution, attempt } = Context.current().info;
      const { answer } = await askClaude(
        deps,
        {
          purpose: 'summarize',
          id: `${episodeId}:${workflowExecution?.runId ?? ''}:${attempt}`,
          sameAs: [
            String(SUMMARY_PROMPT_VERSION),
            ...drifts.map(
              ({ finding: { ref, diffDigest } }) => `${JSON.stringify(ref)} ${diffDigest}`,
            ),
          ],
          system: SUMMARY_SYSTEM,
          user: summaryPrompt(drifts, groupDrifts(drifts)),
          schema: summarySchema,
        },
        () => {},
      );
      return { ...answer, model: deps.config.claude.model };
    },
  };
}

async function openDrifts(
  { store }: Pick<ClaudeDeps, 'store'>,
  environment: string | undefined,
): Promise<readonly OpenDrift[]> {
  const { items } = await store.records.list({
    status: 'active',
    limit: MAX_SUMMARIZED,
    ...(environment !== undefined && { environment }),
  });
  return items.flatMap(({ finding, firstDetected }) =>
    finding && firstDetected !== undefined ? [{ finding, firstDetected }] : [],
  );
}
