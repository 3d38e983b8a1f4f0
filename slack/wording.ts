import type { Direction, Severity } from '../drift/field-change.ts';
import type { ChangedBy, MessageState, MessageView } from '../drift/message/message-view.ts';
import { SHOWN } from './limits.ts';
import { listOf, shorten } from './text.ts';

/** The words of states and severities: always a word beside the sign, because colours are not seen by everybody. */

export const SEVERITY_SIGN: Readonly<Record<Severity, string>> = {
  critical: '🔴',
  high: '🟠',
  medium: '🟡',
  low: '🔵',
  info: '⚪',
};

type Wording = { readonly sign: string; readonly word: string };

const STATES: Readonly<Record<MessageState, Wording>> = {
  analysing: { sign: '🔍', word: 'Looking closer' },
  waiting: { sign: '', word: 'Drift' },
  approved: { sign: '👍', word: 'Approved' },
  fixing: { sign: '🔧', word: 'Fixing' },
  fixed: { sign: '✅', word: 'Fixed' },
  'partly-fixed': { sign: '🚧', word: 'Partly fixed' },
  failed: { sign: '❌', word: 'Fix failed' },
  rejected: { sign: '🚫', word: 'Rejected' },
  'accepted-live': { sign: '📌', word: 'Kept live' },
  snoozed: { sign: '💤', word: 'Snoozed' },
  expired: { sign: '⌛', word: 'Expired' },
  superseded: { sign: '🔄', word: 'Changed again' },
  resolved: { sign: '🍃', word: 'Went away' },
  tracked: { sign: '📝', word: 'Recorded' },
  notified: { sign: '🔔', word: 'Drift' },
};

/** Of what is no drift. */
const OTHERS: Readonly<Record<string, Readonly<Partial<Record<MessageState, Wording>>>>> = {
  promotion: {
    analysing: { sign: '🔍', word: 'Promotion' },
    waiting: { sign: '⏫', word: 'Promotion' },
    fixing: { sign: '🔧', word: 'Promoting' },
    fixed: { sign: '✅', word: 'Promoted' },
    failed: { sign: '❌', word: 'Promotion failed' },
    resolved: { sign: '🍃', word: 'Not needed any more' },
  },
  rollback: {
    analysing: { sign: '🔍', word: 'Rollback' },
    waiting: { sign: '⏪', word: 'Rollback' },
    fixing: { sign: '🔧', word: 'Rolling back' },
    fixed: { sign: '✅', word: 'Rolled back' },
    failed: { sign: '❌', word: 'Rollback failed' },
    resolved: { sign: '🍃', word: 'Not needed any more' },
  },
};

/** The first line of a message: `🟠 Drift · HIGH · Deployment/checkout · prod`. */
export function headlineOf(view: MessageView): string {
  const { sign, word } = wordingOf(view);
  const isDrift = view.about === 'drift';
  const severity = isDrift ? [view.severity.toUpperCase()] : [];
  const what = shorten(subjectOf(view), MAX_SUBJECT_CHARS);
  const where = shorten(view.environment, MAX_ENVIRONMENT_CHARS);
  return [`${sign || SEVERITY_SIGN[view.severity]} ${word}`, ...severity, what, where]
    .filter((one) => one !== '')
    .join(' · ');
}

const MAX_SUBJECT_CHARS = 84;
const MAX_ENVIRONMENT_CHARS = 32;

export function wordingOf({ about, state }: Pick<MessageView, 'about' | 'state'>): Wording {
  return OTHERS[about]?.[state] ?? STATES[state];
}

/** `Deployment/checkout`, or the unit of a promotion. */
export function subjectOf({ ref, unit }: Pick<MessageView, 'ref' | 'unit'>): string {
  return ref ? `${ref.kind}/${ref.name}` : (unit ?? '');
}

/** `prod/Deployment/shop/checkout`, as the command line takes it. */
export function resourceArgument({ ref, environment }: MessageView): string | undefined {
  return ref && `${environment}/${ref.kind}/${ref.namespace || '_'}/${ref.name}`;
}

export const DIRECTION_WORDS: Readonly<Record<Direction, string>> = {
  forward: 'live moved away from what is declared',
  reverse: 'what is declared moved on and is not applied yet',
  both: 'live moved away, and what is declared moved on too',
  unknown: 'which side moved is not known',
};

/** Who made it, apart from how sure that is. */
export function writerOf(by: ChangedBy): { readonly who: string; readonly how: string } {
  switch (by.certainty) {
    case 'audit-log':
      return { who: by.author, how: `by the audit log, with ${shorten(by.manager, 40)}` };
    case 'possible':
      return {
        who: listOf(by.authors, SHOWN.people).replaceAll(', ', ' or '),
        how: `possibly, by the audit log; with ${shorten(by.manager, 40)}`,
      };
    case 'field-manager':
      return { who: by.manager, how: 'field manager: a tool, the person is not known' };
    case 'unknown':
      return { who: 'unknown', how: '' };
  }
}

/** `everybody with the role approver`, or the names. */
export function approversOf(approvers: readonly string[]): string {
  if (approvers.length === 0) return 'those with the role approver';
  return listOf(approvers.map(nameOf), SHOWN.people);
}

function nameOf(approver: string): string {
  if (approver.startsWith('role:')) return `the role ${approver.slice(5)}`;
  return approver.startsWith('slack:') ? `the Slack group ${approver.slice(6)}` : approver;
}

export const DECISION_WORDS = {
  approve: 'Approved',
  accept: 'Keep live chosen',
  reject: 'Rejected',
  snooze: 'Snoozed',
} as const;

export const DOOR_WORDS = {
  slack: 'Slack',
  rest: 'REST',
  cli: 'the command line',
  dashboard: 'the dashboard',
} as const;
