/** Rounds of retries after which only a change brings back what was refused: a day of quarters of an hour. */
export const MAX_ROUNDS = 96;

/** What a receiver has refused, such as a channel that the app is not in. It may have been mended without anyone telling. */
export type Refusals = {
  /** Whose messages they were. */
  readonly subjects: readonly string[];
  /** When they are looked at again; milliseconds since the epoch. */
  readonly retryAtMs: number;
  /** Rounds since something was taken. */
  readonly rounds: number;
};

export const NONE_REFUSED: Refusals = { subjects: [], retryAtMs: 0, rounds: 0 };

/** The first of a round says when all of it is tried again. */
export function noteRefused(
  refusals: Refusals,
  subject: string,
  nowMs: number,
  afterMs: number,
): Refusals {
  const { subjects, rounds } = refusals;
  if (rounds >= MAX_ROUNDS || subjects.includes(subject)) return refusals;
  const retryAtMs = subjects.length === 0 ? nowMs + afterMs : refusals.retryAtMs;
  return { subjects: [...subjects, subject], retryAtMs, rounds };
}

/** What is to be tried again now. */
export function takeRefused(
  refusals: Refusals,
  nowMs: number,
): { readonly refusals: Refusals; readonly subjects: readonly string[] } {
  const { subjects, retryAtMs, rounds } = refusals;
  if (subjects.length === 0 || nowMs < retryAtMs) return { refusals, subjects: [] };
  return { refusals: { ...NONE_REFUSED, rounds: rounds + 1 }, subjects };
}

/** It takes messages again, so that what it refuses from now on has all rounds before it. */
export function noteTaken(refusals: Refusals): Refusals {
  return refusals.rounds === 0 ? refusals : { ...refusals, rounds: 0 };
}
