/** What Claude makes of many drifts together. Advice, like its notes. */
export type DriftsSummary = {
  readonly headline: string;
  readonly patterns: readonly string[];
  readonly likelyCause: string;
  readonly nextStep: string;
  readonly model: string;
};

/** The summary, or why there is none. */
export type Summarized =
  | { readonly summary: DriftsSummary; readonly missing?: never }
  | { readonly summary?: never; readonly missing: string };
