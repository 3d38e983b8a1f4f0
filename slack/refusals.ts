import { bold, paragraph, rich, text } from './blocks.ts';
import { SHOWN } from './limits.ts';
import { fallback, type Message } from './render.ts';
import { truncate } from './text.ts';

/** Why an answer had no effect, told to whoever gave it. Codes are those of docs/errors.md. */
const TITLES: Readonly<Record<string, string>> = {
  QUESTION_CLOSED: 'This is over',
  DIGEST_STALE: 'It changed meanwhile',
  NOT_AN_APPROVER: 'Not for you to approve',
  SELF_APPROVAL: 'You made this change',
  ALREADY_DECIDED: 'Decided already',
  FROZEN: 'Nothing may be approved now',
  INVALID_INPUT: 'This cannot be answered so',
};

const NEXT: Readonly<Record<string, string>> = {
  QUESTION_CLOSED: 'Nothing of your answer was done.',
  DIGEST_STALE: 'Read the message again: it shows what the difference is now.',
  NOT_AN_APPROVER: 'Rejecting and snoozing need only the role approver.',
  SELF_APPROVAL: 'Somebody else has to approve it; you can reject or snooze it.',
  FROZEN: 'Rejecting and snoozing are possible at any time.',
};

/** A refusal that everybody understands; a code that is not known here is told with its message. */
export function renderRefusal(code: string, message: string): Message {
  const title = TITLES[code] ?? 'This was not done';
  const next = NEXT[code];
  return answer(`🚫 ${title}`, message, next === undefined ? [] : [next]);
}

/** Whoever pressed a button must never believe in a decision that nobody stored. */
export function renderNotStored(about: {
  /** To find it in the log. */
  readonly requestId: string;
  readonly command?: string;
  /** It may have arrived all the same. */
  readonly isUncertain?: boolean;
}): Message {
  const { requestId, command, isUncertain } = about;
  const instead = command === undefined ? 'Try again.' : `Try again, or use: ${command}`;
  const words = isUncertain
    ? 'It is not certain that your answer arrived. Giving it twice counts once.'
    : 'Your answer could not be stored: nothing was decided.';
  return answer('⚠ Not recorded', words, [instead, `Request ${requestId}`]);
}

/** Tells whoever answered that it counted, in one line. */
export function renderTaken(what: string): Message {
  return answer('✅ Recorded', what, []);
}

function answer(title: string, words: string, more: readonly string[]): Message {
  const lines = [words, ...more].map((one) => [text(truncate(one, SHOWN.messageChars))]);
  return {
    text: fallback(`${title}: ${words}`),
    blocks: [rich([paragraph([[bold(title)], ...lines])])],
  };
}
