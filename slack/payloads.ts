import { z } from 'zod';
import { REASON_FIELD } from './action-value.ts';
import type { SlackActor } from './identity.ts';

/** What Slack sends, as far as it is read; everything else of it is left alone. */

const id = z.string().min(1).max(100);
const url = z.url({ protocol: /^https?$/ }).max(2_000);
const team = z.object({ id }).nullish();
const user = z.object({ id, team_id: id.optional() });

/** Where the person who did something can be answered. */
export type Place = {
  readonly user: string;
  readonly channel?: string;
  readonly responseUrl?: string;
  /** It was done on the App Home, which is drawn anew. */
  readonly isHome?: boolean;
};

/** Of one click or form; the same where Slack delivers it again. */
const trigger = z.string().min(1).max(500);

export type Press = {
  readonly actor: SlackActor;
  readonly place: Place;
  readonly value: string;
  readonly trigger: string;
};

const press = z
  .object({
    user,
    team,
    trigger_id: trigger,
    response_url: url.optional(),
    channel: z.object({ id }).optional(),
    view: z.object({ type: z.string() }).optional(),
    actions: z.tuple([
      z.object({
        value: z.string().max(2_000).optional(),
        selected_option: z.object({ value: z.string().max(150) }).nullish(),
      }),
    ]),
  })
  .transform((body): Press => {
    const [action] = body.actions;
    return {
      actor: actorOf(body.user, body.team?.id),
      place: {
        user: body.user.id,
        ...(body.channel && { channel: body.channel.id }),
        ...(body.response_url !== undefined && { responseUrl: body.response_url }),
        ...(body.view?.type === 'home' && { isHome: true }),
      },
      value: action.selected_option?.value ?? action.value ?? '',
      trigger: body.trigger_id,
    };
  });

export type Submission = {
  readonly actor: SlackActor;
  readonly trigger: string;
  readonly metadata: string;
  readonly reason: string;
};

const submission = z
  .object({
    user,
    team,
    trigger_id: trigger,
    view: z.object({
      private_metadata: z.string().max(3_000),
      state: z.object({
        values: z.record(
          z.string(),
          z.record(z.string(), z.object({ value: z.string().max(3_000).nullish() })),
        ),
      }),
    }),
  })
  .transform(
    (body): Submission => ({
      actor: actorOf(body.user, body.team?.id),
      trigger: body.trigger_id,
      metadata: body.view.private_metadata,
      reason: (body.view.state.values[REASON_FIELD]?.[REASON_FIELD]?.value ?? '').trim(),
    }),
  );

export type Command = {
  readonly actor: SlackActor;
  readonly place: Place;
  readonly text: string;
};

const command = z
  .object({
    user_id: id,
    team_id: id,
    channel_id: id,
    text: z.string().max(3_000).default(''),
    response_url: url,
  })
  .transform(
    (body): Command => ({
      actor: { user: body.user_id, team: body.team_id },
      place: { user: body.user_id, channel: body.channel_id, responseUrl: body.response_url },
      text: body.text.trim(),
    }),
  );

const opened = z
  .object({ team_id: id, event: z.object({ user: id, tab: z.string() }) })
  .transform(({ team_id, event }) => ({
    actor: { user: event.user, team: team_id },
    isHome: event.tab === 'home',
  }));

export const readPress = (body: unknown): Press => press.parse(body);
export const readSubmission = (body: unknown): Submission => submission.parse(body);
export const readCommand = (body: unknown): Command => command.parse(body);
export const readOpened = (body: unknown) => opened.parse(body);

/** In a channel shared with another workspace the two may differ; then nobody is known. */
function actorOf(from: z.output<typeof user>, team: string | undefined): SlackActor {
  const { id, team_id = team } = from;
  return { user: id, team: team === undefined || team === team_id ? team_id : undefined };
}
