import type { App } from '@slack/bolt';
import type { Decision } from '../drift/decide/record.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import {
  ACTIONS,
  decodeNote,
  decodeValue,
  encodeNote,
  LINK_PREFIX,
  MODALS,
  REASON_FIELD,
} from './action-value.ts';
import type { SlackClient } from './client.ts';
import type { SlashCommands } from './command-line.ts';
import type { Desk, Door, Taken } from './door.ts';
import type { HomePage } from './home-page.ts';
import { minReason, REASON_CHARS, renderReasonModal } from './modals.ts';
import {
  type Place,
  type Press,
  readCommand,
  readOpened,
  readPress,
  readSubmission,
  type Submission,
} from './payloads.ts';
import type { Tell } from './tell.ts';

export type ListenerDeps = {
  readonly client: Pick<SlackClient, 'openModal'>;
  readonly desk: Pick<Desk, 'find' | 'viewOf'>;
  readonly door: Door;
  readonly commands: SlashCommands;
  readonly home: HomePage;
  readonly tell: Tell;
  /** Runs what is left to do after an ack; refuses when there is too much of it. */
  readonly run: (task: () => Promise<void>) => boolean;
  readonly log: Log;
};

/** Has the app answer to everything that the manifest promises. Each acks before anything else: people wait three seconds. */
export function registerApprovalListeners(app: App, deps: ListenerDeps): void {
  const { log } = deps;
  for (const decision of ['approve', 'snooze'] as const)
    app.action(
      ACTIONS[decision],
      pressed(deps, (press) => answer(deps, press, decision)),
    );
  for (const kind of ['reject', 'accept', 'breakGlass'] as const)
    app.action(
      ACTIONS[kind],
      pressed(deps, (press) => openModal(deps, press, kind)),
    );
  app.action(
    new RegExp(`^${ACTIONS.approveGroup}\\.\\d+$`),
    pressed(deps, async (press) => {
      await sayWhatBecame(deps, press.place, await deps.door.approveGroup(press));
    }),
  );
  // A button that opens a page is reported, too, and must be acked.
  app.action(new RegExp(`^${LINK_PREFIX.replace('.', '\\.')}`), async ({ ack }) => ack());
  for (const kind of ['reject', 'accept', 'breakGlass'] as const) {
    app.view(MODALS[kind], async ({ ack, body }) => {
      const sent = readSubmission(body);
      const errors = reasonErrors(sent.reason, minReason(kind));
      if (errors) return ack({ response_action: 'errors', errors });
      await ack();
      run(deps, { user: sent.actor.user }, () => submit(deps, sent, kind));
    });
  }
  app.command('/realign', async ({ ack, body }) => {
    await ack();
    const command = readCommand(body);
    run(deps, command.place, async () => {
      await deps.tell(command.place, await deps.commands.run(command));
    });
  });
  app.event('app_home_opened', async ({ body }) => {
    const { actor, isHome } = readOpened(body);
    if (isHome) run(deps, { user: actor.user }, () => deps.home.show(actor));
  });
  app.error(async (error) => {
    log.error({ code: error.code, error: error.message.slice(0, 500) }, 'a Slack request failed');
  });
}

function pressed(deps: ListenerDeps, react: (press: Press) => Promise<void>) {
  return async ({ ack, body }: { ack: () => Promise<void>; body: unknown }): Promise<void> => {
    await ack();
    const press = readPress(body);
    run(deps, press.place, () => react(press));
  };
}

/** After an ack nothing that fails may go unsaid: people have seen that it was taken. */
function run(deps: ListenerDeps, place: Place, task: () => Promise<void>): void {
  const isTaken = deps.run(async () => {
    try {
      await task();
    } catch (error) {
      await deps.tell(place, deps.door.explain(error));
    }
  });
  if (isTaken) return;
  deps.log.warn({ user: place.user }, 'too much to do for Slack at once');
  void deps.tell(place, deps.door.explain(new Error('too much to do at once')));
}

async function answer(deps: ListenerDeps, press: Press, decision: Decision): Promise<void> {
  const { actor, value, trigger, place } = press;
  await sayWhatBecame(deps, place, await deps.door.answer({ actor, value, trigger, decision }));
  if (place.isHome) await deps.home.show(actor);
}

async function sayWhatBecame(deps: ListenerDeps, place: Place, { said }: Taken): Promise<void> {
  if (said) await deps.tell(place, said);
}

/** The trigger lives for three seconds, so the modal is opened before anybody's rights are looked at; those count when it is sent. */
async function openModal(
  deps: ListenerDeps,
  { place, value, trigger }: Press,
  kind: keyof typeof MODALS,
): Promise<void> {
  const question = await deps.desk.find(decodeValue(value).question);
  const view = question && (await deps.desk.viewOf(question.episodeId));
  if (!view) throw new AppError('QUESTION_CLOSED', 'this question is not known any more');
  const { channel } = place;
  const note = encodeNote({ value, ...(channel !== undefined && { channel }) });
  await deps.client.openModal(trigger, renderReasonModal(kind, view, note));
}

async function submit(
  deps: ListenerDeps,
  { actor, trigger, metadata, reason }: Submission,
  kind: keyof typeof MODALS,
): Promise<void> {
  const { value, channel } = decodeNote(metadata);
  const given =
    kind === 'breakGlass'
      ? ({ decision: 'approve', isAlone: true } as const)
      : ({ decision: kind } as const);
  const place = { user: actor.user, ...(channel !== undefined && { channel }) };
  const answered = await deps.door.answer({ actor, value, trigger, reason, ...given });
  await sayWhatBecame(deps, place, answered);
  if (channel === undefined) await deps.home.show(actor);
}

function reasonErrors(reason: string, min: number): Record<string, string> | undefined {
  const { max } = REASON_CHARS;
  if (reason.length >= min && reason.length <= max) return undefined;
  return { [REASON_FIELD]: `Give a reason of ${min} to ${max} characters.` };
}
