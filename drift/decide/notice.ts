export type NoticeKind = 'reminder' | 'escalation' | 'drift' | 'flapping' | 'fight' | 'blast';

/** Something that people are told without being asked. */
export type Notice = {
  readonly id: string;
  /** What it is about: of several about one subject within a while only the first is posted. */
  readonly subject: string;
  readonly kind: NoticeKind;
  readonly environment: string;
  readonly episodeId: string;
  readonly questionId?: string;
  /** Names of people, or `role:approver`; empty = whoever listens. */
  readonly addressees: readonly string[];
  readonly message: string;
  /** RFC 3339. */
  readonly at: string;
};

const HOUR_MS = 3_600_000;

/** How long after a notice the next one about the same subject is withheld, in milliseconds. */
export const QUIET_FOR_MS: Readonly<Record<NoticeKind, number>> = {
  reminder: 0,
  escalation: 0,
  drift: 0,
  // What goes on is said once, not with each object or turn.
  flapping: HOUR_MS,
  fight: HOUR_MS,
  blast: HOUR_MS / 4,
};
