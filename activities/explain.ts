import { Context } from '@temporalio/activity';
import { z } from 'zod';
import {
  type Analysis,
  CONFIDENCES,
  MAX_RISK,
  MAX_SUMMARY_LENGTH,
  RECOMMENDATIONS,
} from '../drift/advice/analysis.ts';
import {
  type DriftBackground,
  EXPLAIN_PROMPT_VERSION,
  EXPLAIN_SYSTEM,
  explainPrompt,
} from '../drift/advice/explain-prompt.ts';
import type { Episode, Finding } from '../drift/decide/record.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { usesClaude } from '../lib/config-claude.ts';
import { AppError, fromUnknown } from '../lib/errors.ts';
import { askClaude, type ClaudeDeps, NO_TOKENS, type Spent } from './ask-claude.ts';
import type { ClaudeActivities, ClaudeNoteActivities, ExplainInput } from './claude-types.ts';
import type { ActivityDeps } from './deps.ts';
import { environmentOf } from './deps.ts';

const MAX_TEXT = 600;
const PAST_EPISODES = 6;

const text = (max: number) => z.string().min(1).max(max);
/** Nothing beyond these fields is taken: an answer that wants to do something is no answer. */
const noteSchema = z.strictObject({
  summary: text(MAX_SUMMARY_LENGTH),
  probableCause: text(MAX_TEXT),
  risk: z.int().min(0).max(MAX_RISK),
  riskReason: text(MAX_TEXT),
  effect: text(MAX_TEXT),
  recommendation: z.enum(RECOMMENDATIONS),
  confidence: z.enum(CONFIDENCES),
});

/** Has Claude explain a difference, and keeps its note beside the episode. Nothing reads the note to decide anything. */
export function createExplainActivities(deps: ClaudeDeps): Pick<ClaudeActivities, 'explain'> {
  return {
    async explain(input) {
      const { episodeId, diffDigest, ref } = input;
      const known = await deps.store.analyses.find(episodeId, diffDigest);
      if (known?.status === 'ready') return;
      const episode = await deps.store.episodes.find(episodeId);
      const finding = episode?.finding;
      if (!episode || finding?.diffDigest !== diffDigest) {
        throw new AppError('NOT_FOUND', 'the difference is another one by now');
      }
      const background = await backgroundOf(deps, ref, episode);
      await explain(deps, input, finding, background);
      await deps.announce?.(episodeId);
    },
  };
}

/** Keeps why there is no note, and says whether there may be any. */
export function createUnexplainedActivities({
  store,
  config,
  announce,
}: Pick<ActivityDeps, 'store' | 'config' | 'announce'>): ClaudeNoteActivities {
  return {
    async noteUnexplained({ episodeId, diffDigest, code, reason }) {
      const { model } = config.claude;
      await store.analyses.save(episodeId, diffDigest, missing(model, code, reason));
      await announce?.(episodeId);
    },

    usesClaude: () => Promise.resolve(usesClaude(config.claude)),
  };
}

async function explain(
  deps: ClaudeDeps,
  { episodeId, key, diffDigest }: ExplainInput,
  finding: Finding,
  background: DriftBackground,
): Promise<void> {
  const { model } = deps.config.claude;
  const { attempt } = Context.current().info;
  const { environment, group, kind, namespace, name } = finding.ref;
  let spent: Spent | undefined;
  const request = {
    purpose: 'explain',
    id: `${episodeId}:${key}:${attempt}`,
    sameAs: [
      ...[String(EXPLAIN_PROMPT_VERSION), environment, group, kind, namespace, name],
      ...[diffDigest, finding.author ?? finding.who],
    ],
    system: EXPLAIN_SYSTEM,
    user: explainPrompt(finding, background),
    schema: noteSchema,
  } as const;
  try {
    const { answer, isCached, tokens, usd } = await askClaude(deps, request, (one) => {
      spent = one;
    });
    const at = new Date().toISOString();
    const note = { ...answer, model };
    const analysis: Analysis = { status: 'ready', note, model, isCached, tokens, usd, at };
    await deps.store.analyses.save(episodeId, diffDigest, analysis);
  } catch (error) {
    const { code, message } = fromUnknown(error);
    if (spent) {
      const kept = { ...missing(model, code, message), ...spent };
      await deps.store.analyses.save(episodeId, diffDigest, kept);
    }
    throw error;
  }
}

function missing(model: string, code: string, reason: string): Analysis {
  const at = new Date().toISOString();
  return { status: 'missing', code, reason, model, isCached: false, tokens: NO_TOKENS, usd: 0, at };
}

/** Where the unit cannot be read, the rest is worth asking about all the same. */
async function backgroundOf(
  deps: Pick<ClaudeDeps, 'store' | 'environments' | 'log'>,
  ref: ResourceRef,
  episode: Episode,
): Promise<DriftBackground> {
  const past = await deps.store.episodes.listFor(ref, PAST_EPISODES);
  const signal = Context.current().cancellationSignal;
  const declared = await environmentOf(deps, ref.environment)
    .source.find(ref, signal)
    .catch((error: unknown) => {
      deps.log.debug({ reason: String(error) }, 'explained without its unit');
      return undefined;
    });
  if (!declared) return { episode, past };
  const { spaceSlug, slug, headRevision: revision, upstream } = declared.unit;
  const name = `${spaceSlug}/${slug}`;
  const from = upstream && { upstream: `revision ${upstream.revision} of unit ${upstream.unitId}` };
  return { episode, past, unit: { name, revision, ...from } };
}
