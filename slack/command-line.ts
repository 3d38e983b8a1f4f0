import type { Decision, Question } from '../drift/decide/record.ts';
import type { MessageView } from '../drift/message/message-view.ts';
import { AppError } from '../lib/errors.ts';
import { encodeValue, SNOOZES, type Snooze } from './action-value.ts';
import { renderDrifts, renderHelp, renderShow, renderStatus, type StatusView } from './commands.ts';
import { type Door, sayTaken } from './door.ts';
import type { SlackActor } from './identity.ts';
import { REASON_CHARS } from './modals.ts';
import { renderTaken } from './refusals.ts';
import type { Message } from './render.ts';

/** What `/realign` reads; it throws FORBIDDEN for whoever may not look. */
export type Lookout = {
  status(actor: SlackActor): Promise<StatusView>;
  drifts(
    actor: SlackActor,
    environment?: string,
  ): Promise<{ readonly views: readonly MessageView[]; readonly total: number }>;
  /** `prod/Deployment/shop/checkout`, `Deployment:shop:checkout`, or the id of a question. Throws NOT_FOUND. */
  show(actor: SlackActor, named: string): Promise<MessageView>;
  question(actor: SlackActor, id: string): Promise<Question>;
};

/** What is typed behind `/realign`, answered to whoever typed it. */
export type SlashCommands = {
  run(command: { readonly actor: SlackActor; readonly text: string }): Promise<Message>;
};

type Typed = { readonly actor: SlackActor; readonly rest: readonly string[] };

/** Fewer digits could be anybody's. */
const MIN_DIGEST_DIGITS = 8;

export function createSlashCommands(
  lookout: Lookout,
  door: Pick<Door, 'answer' | 'explain'>,
  /** Throws TOO_MANY_REQUESTS: looking costs the store more than answering does. */
  limit: (user: string) => void,
): SlashCommands {
  const commands: Readonly<Record<string, (typed: Typed) => Promise<Message>>> = {
    help: async () => renderHelp(),
    status: async ({ actor }) => renderStatus(await lookout.status(actor)),
    drifts: async ({ actor, rest }) => {
      const { views, total } = await lookout.drifts(actor, rest[0]);
      return renderDrifts(views, total);
    },
    show: async ({ actor, rest }) => renderShow(await lookout.show(actor, needed(rest[0], 'show'))),
    approve: (typed) => approve(lookout, door, typed),
    reject: (typed) => stop(lookout, door, typed, 'reject'),
    snooze: (typed) => stop(lookout, door, typed, 'snooze'),
  };
  return {
    async run({ actor, text }) {
      const [name = 'help', ...rest] = text.split(/\s+/).filter((word) => word !== '');
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (!command) return renderHelp(name);
      try {
        limit(actor.user);
        return await command({ actor, rest });
      } catch (error) {
        return door.explain(error);
      }
    },
  };
}

/** Without the first digits of the digest the question is only shown: its buttons say what they are about. */
async function approve(
  lookout: Lookout,
  door: Pick<Door, 'answer'>,
  { actor, rest: [id, digits = ''] }: Typed,
): Promise<Message> {
  const question = await lookout.question(actor, needed(id, 'approve'));
  if (digits === '') return renderShow(await lookout.show(actor, question.id));
  if (digits.length < MIN_DIGEST_DIGITS || !question.digest.startsWith(digits)) {
    throw new AppError('DIGEST_STALE', `the diff of ${question.id} is not ${digits}`);
  }
  return answer(door, actor, question, { decision: 'approve' });
}

/** A stop changes nothing, so it is bound to whatever the question says now. */
async function stop(
  lookout: Lookout,
  door: Pick<Door, 'answer'>,
  { actor, rest: [id, ...words] }: Typed,
  decision: 'reject' | 'snooze',
): Promise<Message> {
  const question = await lookout.question(actor, needed(id, decision));
  if (decision === 'snooze') {
    return answer(door, actor, question, { decision, snoozeFor: snoozeOf(words[0]) });
  }
  const reason = words.join(' ');
  if (reason.length < REASON_CHARS.min || reason.length > REASON_CHARS.max) {
    const { min, max } = REASON_CHARS;
    throw new AppError('INVALID_INPUT', `reject needs a reason of ${min} to ${max} characters`);
  }
  return answer(door, actor, question, { decision, reason });
}

async function answer(
  door: Pick<Door, 'answer'>,
  actor: SlackActor,
  { id, digest }: Question,
  given: { readonly decision: Decision; readonly reason?: string; readonly snoozeFor?: Snooze },
): Promise<Message> {
  const { decision, reason, snoozeFor } = given;
  const value = encodeValue({ question: id, digest, ...(snoozeFor && { snoozeFor }) });
  const taken = await door.answer({ actor, value, decision, ...(reason && { reason }) });
  return taken.said ?? renderTaken(sayTaken(id, decision));
}

function snoozeOf(word: string = '4h'): Snooze {
  const known = SNOOZES.find((one) => one === word);
  if (known) return known;
  throw new AppError('INVALID_INPUT', `snooze takes ${SNOOZES.join(', ')}, not ${word}`);
}

function needed(word: string | undefined, command: string): string {
  if (word !== undefined) return word;
  throw new AppError('INVALID_INPUT', `/realign ${command} needs to know of what`);
}
