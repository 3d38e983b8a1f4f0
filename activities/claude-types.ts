import type { DriftsSummary } from '../drift/advice/summary.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import type { StepInput } from './types.ts';

export type ExplainInput = StepInput & {
  readonly ref: ResourceRef;
  readonly diffDigest: string;
};

/** Why there is no note: a code of the catalogue of errors, and what happened. */
export type UnexplainedInput = ExplainInput & { readonly code: string; readonly reason: string };

export type SummarizeInput = StepInput & { readonly environment?: string };

/** What is done by asking Claude; on a task queue of its own, so that nothing else ever waits behind it. */
export type ClaudeActivities = {
  /** Writes a note about one difference. Answers with nothing: no value of Claude's reaches a workflow. */
  explain(input: ExplainInput): Promise<void>;
  summarize(input: SummarizeInput): Promise<DriftsSummary>;
};

/** What follows from it, on the queue that always runs. */
export type ClaudeNoteActivities = {
  noteUnexplained(input: UnexplainedInput): Promise<void>;
  /** Whether workers ask Claude: only they know its key. */
  usesClaude(input: StepInput): Promise<boolean>;
};
