import { expect, test } from 'vitest';
import { callsOf } from './reminders.ts';

const QUESTION = { askedAt: '2026-07-01T10:00:00Z', expiresAt: '2026-07-01T20:00:00Z' };
const at = (call: { atMs: number }) => new Date(call.atMs).toISOString().slice(11, 16);

test('reminders come at parts of the window, the escalation among them', () => {
  const calls = callsOf(QUESTION, {
    remindersAt: [0.25, 0.5, 0.9],
    escalation: { at: 0.75, to: ['ann'] },
  });
  expect(calls.map((call) => `${at(call)} ${call.kind}`)).toEqual([
    '12:30 reminder',
    '15:00 reminder',
    '17:30 escalation',
    '19:00 reminder',
  ]);
});

test('a rule without reminders is silent', () => {
  expect(callsOf(QUESTION, { remindersAt: [] })).toEqual([]);
});
