import type { ModalView } from '@slack/types';
import { MIN_EMERGENCY_REASON } from '../drift/decide/question.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import { MODALS, REASON_FIELD } from './action-value.ts';
import { context, plain, rich } from './blocks.ts';
import { describeFix } from './fixes.ts';
import { LIMITS } from './limits.ts';
import { headlineOf } from './wording.ts';

/** What a reason has to have: enough to understand it a year later, not so much that nobody reads it. */
export const REASON_CHARS = { min: 10, max: 500 } as const;

const WORDS = {
  reject: {
    title: 'Reject the fix',
    submit: 'Reject',
    label: 'Why is it not to be fixed?',
    note: 'Nothing is changed, and this difference is not asked about again. The reason goes on record.',
  },
  accept: {
    title: 'Keep what is live',
    submit: 'Keep live',
    label: 'Why is what is live right?',
    note: 'This changes what is declared, so it needs as many people as the fix does. The reason goes on record.',
  },
  breakGlass: {
    title: 'Approve alone',
    submit: 'Break the glass',
    label: 'What is the emergency?',
    note: 'The fix is carried out at once, without anybody else. The whole channel is told who did it and why, and it goes on record.',
  },
} as const;

/** What an answer would carry out. */
const SHOWN_FIX = { accept: 'accept', breakGlass: 'revert' } as const;

export function minReason(kind: keyof typeof MODALS): number {
  return kind === 'breakGlass' ? MIN_EMERGENCY_REASON : REASON_CHARS.min;
}

/** Asks for the reason of a rejection, or of keeping what is live, or of an emergency; `metadata` comes back with the answer. */
export function renderReasonModal(
  kind: keyof typeof MODALS,
  view: MessageView,
  metadata: string,
): ModalView {
  const { title, submit, label, note } = WORDS[kind];
  const fix = kind === 'reject' ? undefined : view.fixes.find((one) => one.fix === SHOWN_FIX[kind]);
  return {
    type: 'modal',
    callback_id: MODALS[kind],
    private_metadata: metadata,
    title: plain(title, LIMITS.modalTitle),
    submit: plain(submit, LIMITS.modalButton),
    close: plain('Back', LIMITS.modalButton),
    blocks: [
      context([headlineOf(view)]),
      ...(fix ? [rich(describeFix(fix, view))] : []),
      {
        type: 'input',
        block_id: REASON_FIELD,
        label: plain(label, LIMITS.buttonLabel),
        element: {
          type: 'plain_text_input',
          action_id: REASON_FIELD,
          multiline: true,
          min_length: minReason(kind),
          max_length: REASON_CHARS.max,
          focus_on_load: true,
        },
      },
      context([note]),
    ],
  };
}
