import { defineSignal } from '@temporalio/workflow';
import type { Refusals } from '../drift/decide/refusals.ts';
import type { Storm } from '../drift/message/storm.ts';

export type AnnouncementsInput = {
  readonly receiver: string;
  /** Where messages are posted from: what a receiver may be sent is limited there. */
  readonly taskQueue: string;
  /** What was refused is tried again after so long; absent in runs that began before it could be set. */
  readonly retryRefusedMs?: number;
  /** State handed from run to run of one chain. */
  readonly carried?: {
    readonly subjects: readonly string[];
    readonly storm: Storm;
    readonly refusals: Refusals;
  };
};

/** Names an episode or promotion of which people may see something else now. */
export const look = defineSignal<[string]>('look');
