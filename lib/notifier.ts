import type { Notice } from '../drift/decide/notice.ts';
import type { DigestView } from '../drift/message/digest-view.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import type { Reply } from '../drift/message/thread.ts';

/** Where a message is, in the words of whoever took it: a Slack channel and timestamp, say. */
export type Place = { readonly channel: string; readonly ref: string };

/** What is to be said, whoever says it. */
export type Said =
  | { readonly kind: 'headline'; readonly view: MessageView }
  | { readonly kind: 'digest'; readonly view: DigestView }
  | { readonly kind: 'progress'; readonly view: MessageView }
  | { readonly kind: 'reply'; readonly reply: Reply; readonly view: MessageView }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | {
      readonly kind: 'digest-reminder';
      readonly waiting: number;
      readonly expiresAt: string;
      readonly addressees: readonly string[];
    };

/** A message as one receiver will see it. */
export type Draft = {
  /** Equal texts show the same: then there is nothing to do. */
  readonly fingerprint: string;
  /**
   * Posts it, or edits what is at `posted`. `name` is the same for each try at one message: a receiver that knows it already
   * takes nothing twice. Undefined where nothing was to be corrected. Throws retryable errors for what may pass, others with what to do about them.
   */
  send(to: Delivery): Promise<Place | undefined>;
};

export type Delivery = {
  readonly name: string;
  readonly posted?: Place;
  /** The headline of its thread. */
  readonly thread?: Place;
  /** An earlier try may have arrived, not before that: it is looked for first. RFC 3339. */
  readonly mayHaveArrivedSince?: string;
  /** It is over, and not known to have been told: only what has arrived all the same is corrected. */
  readonly correctsOnly?: boolean;
};

/** One way of telling people. */
export type Notifier = {
  /** There is a thread below each headline. */
  readonly threads: boolean;
  /** Many drifts at once are said in one message. */
  readonly groups: boolean;
  /** Undefined where nothing is said of it here. Nothing is sent yet. */
  compose(said: Said): Draft | undefined;
};
