import type { AnalysisNote } from '../message/message-view.ts';
import type { TokenUse } from './model-prices.ts';

/** What became of asking Claude about one difference: a note, or why there is none. */
export type Analysis = {
  readonly status: 'ready' | 'missing';
  readonly note?: AnalysisNote;
  /** Of the catalogue of errors; where it is missing. */
  readonly code?: string;
  readonly reason?: string;
  readonly model: string;
  /** Taken over from an earlier answer: nothing was sent. */
  readonly isCached: boolean;
  readonly tokens: TokenUse;
  readonly usd: number;
  readonly at: string;
};

/** Limits of a note, for whoever shows it. */
export const MAX_SUMMARY_LENGTH = 400;
export const MAX_RISK = 100;
export const RECOMMENDATIONS = ['revert', 'accept', 'look-closer'] as const;
export const CONFIDENCES = ['low', 'medium', 'high'] as const;
