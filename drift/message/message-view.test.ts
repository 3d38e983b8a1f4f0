import { expect, test } from 'vitest';
import type { Outcome, QuestionStatus } from '../decide/record.ts';
import {
  isFinal,
  looksLikeProduction,
  MESSAGE_STATES,
  type MessageState,
  stateOf,
} from './message-view.ts';

const ENDED_AT = '2026-11-20T17:06:01Z';
const STATUSES: readonly (QuestionStatus | undefined)[] = [
  ...([undefined, 'open', 'approved', 'accepted', 'rejected', 'snoozed'] as const),
  ...(['expired', 'withdrawn', 'superseded'] as const),
];

const SINCE_CLOSED = [
  ...(['approved', 'approved', 'rejected', 'snoozed', 'expired'] as const),
  ...(['superseded', 'superseded'] as const),
];
/** The state for each status of the newest question, in the order of STATUSES, while the episode says nothing of its own. */
const LEFT_TO_QUESTIONS = {
  detecting: ['analysing', 'waiting', ...SINCE_CLOSED],
  // Without a question: another run plans for the same unit.
  waiting: ['waiting', 'waiting', ...SINCE_CLOSED],
} as const satisfies Partial<Record<Outcome, readonly MessageState[]>>;

test.each(['detecting', 'waiting'] as const)(
  'an episode that is %s leaves the word to its question',
  (outcome) => {
    const states = STATUSES.map((status) =>
      stateOf({ outcome, policyOutcome: 'ask' }, status && { status }),
    );
    expect(states).toEqual(LEFT_TO_QUESTIONS[outcome]);
  },
);

/** What the episode itself says, whatever a closed question said. */
const TOLD: [Outcome, MessageState][] = [
  ['fixing', 'fixing'],
  ['fixed', 'fixed'],
  ['partly-fixed', 'partly-fixed'],
  ['accepted', 'accepted-live'],
  ['rejected', 'rejected'],
  ['snoozed', 'snoozed'],
  ['expired', 'expired'],
  ['tracked', 'tracked'],
  ['resolved', 'resolved'],
  ['transient', 'resolved'],
  ['failed', 'failed'],
];

test.each(TOLD)(
  'an episode that is %s speaks for itself as %s, unless people are asked anew',
  (outcome, state) => {
    const policyOutcome = outcome === 'tracked' ? ('track' as const) : ('ask' as const);
    for (const status of STATUSES) {
      const open = stateOf({ outcome, policyOutcome }, status && { status });
      expect(open, status).toBe(status === 'open' ? 'waiting' : state);
      const ended = stateOf({ outcome, policyOutcome, endedAt: ENDED_AT }, status && { status });
      expect(ended, `${status}, ended`).toBe(state);
    }
  },
);

test('what a rule only tells of is no other outcome, but another state', () => {
  expect(stateOf({ outcome: 'tracked', policyOutcome: 'notify' }, undefined)).toBe('notified');
  // Of before policies were kept with the episode.
  expect(stateOf({ outcome: 'tracked' }, undefined)).toBe('tracked');
});

test('a promotion has no episode: its question speaks alone', () => {
  const states = STATUSES.map((status) => stateOf(undefined, status && { status }));
  expect(states).toEqual(LEFT_TO_QUESTIONS.detecting);
});

test('every state is reached, and those are final in which nothing happens by itself any more', () => {
  const reached = new Set<MessageState>([
    ...Object.values(LEFT_TO_QUESTIONS).flat(),
    ...TOLD.map(([, state]) => state),
    'notified',
  ]);
  expect([...reached].toSorted()).toEqual([...MESSAGE_STATES].toSorted());
  expect(MESSAGE_STATES.filter((one) => !isFinal(one))).toEqual([
    ...['analysing', 'waiting', 'approved', 'fixing', 'superseded', 'tracked', 'notified'],
  ]);
});

test.each([
  ['prod', {}, true],
  ['Production', {}, true],
  ['prod-eu', {}, true],
  ['eu.prod', {}, true],
  ['prod2', {}, true],
  ['staging', { tier: 'production' }, true],
  ['staging', { tier: 'pre' }, false],
  ['products', {}, false],
  ['nonprod', {}, false],
  ['reproduction', {}, false],
  ['', {}, false],
])('production by name %j and labels %j: %s', (name, labels, expected) => {
  expect(looksLikeProduction(name, labels)).toBe(expected);
});
