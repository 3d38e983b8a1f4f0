import { randomUUID } from 'node:crypto';
import {
  APP_ID,
  BOT_USER,
  type FakeMessage,
  type OpenView,
  TEAM,
  type Workspace,
} from './fake-slack-workspace.ts';

/** What Slack sends for what people do, field by field as it sends them. */
export type Sending = {
  readonly type: 'interactive' | 'slash_commands' | 'events_api';
  readonly payload: Readonly<Record<string, unknown>>;
};

/** An element as it was pressed: of a button its value, of a menu the chosen option. */
export type Pressed = {
  readonly type: string;
  readonly action_id: string;
  readonly block_id?: string;
  readonly value?: string;
  readonly selected_option?: { readonly text?: unknown; readonly value: string };
};

type Context = { readonly workspace: Workspace; readonly apiUrl: string };

export function pressOnMessage(
  context: Context,
  user: string,
  message: FakeMessage,
  action: Pressed,
): Sending {
  const { channel, ts } = message;
  const payload = {
    ...common(context, user),
    type: 'block_actions',
    container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
    channel: { id: channel, name: context.workspace.channels.get(channel)?.name },
    message: { type: 'message', user: BOT_USER, app_id: APP_ID, team: TEAM, ...message },
    state: { values: {} },
    response_url: responseUrl(context, user, channel),
    actions: [{ ...action, action_ts: actionTs() }],
  };
  return { type: 'interactive', payload };
}

export function pressOnHome(context: Context, user: string, action: Pressed): Sending {
  const view = { id: 'VHOME', team_id: TEAM, ...context.workspace.homes.get(user) };
  const payload = {
    ...common(context, user),
    type: 'block_actions',
    container: { type: 'view', view_id: view.id },
    view,
    actions: [{ ...action, action_ts: actionTs() }],
  };
  return { type: 'interactive', payload };
}

/** `values` by block id of the input. */
export function submitModal(
  context: Context,
  { id, user, view }: OpenView,
  values: Readonly<Record<string, string>>,
): Sending {
  const state = Object.fromEntries(
    view.blocks.flatMap((block) => {
      const { type, block_id, element } = block as {
        type: string;
        block_id?: string;
        element?: { type: string; action_id: string };
      };
      if (type !== 'input' || !element || block_id === undefined) return [];
      const value = values[block_id] ?? null;
      return [[block_id, { [element.action_id]: { type: element.type, value } }]];
    }),
  );
  const payload = {
    ...common(context, user),
    type: 'view_submission',
    view: {
      ...view,
      id,
      team_id: TEAM,
      app_id: APP_ID,
      hash: randomUUID(),
      state: { values: state },
    },
    response_urls: [],
  };
  return { type: 'interactive', payload };
}

export function slashCommand(
  context: Context,
  user: string,
  channel: string,
  text: string,
): Sending {
  const { trigger_id, api_app_id, token } = common(context, user);
  const payload = {
    token,
    team_id: teamOf(context, user),
    team_domain: 'realign',
    channel_id: channel,
    channel_name: context.workspace.channels.get(channel)?.name ?? 'directmessage',
    user_id: user,
    user_name: user.toLowerCase(),
    command: '/realign',
    text,
    api_app_id,
    is_enterprise_install: 'false',
    response_url: responseUrl(context, user, channel),
    trigger_id,
  };
  return { type: 'slash_commands', payload };
}

export function homeOpened(user: string): Sending {
  const event = {
    type: 'app_home_opened',
    user,
    channel: `D${user}`,
    tab: 'home',
    event_ts: actionTs(),
  };
  const payload = {
    token: 'legacy',
    team_id: TEAM,
    api_app_id: APP_ID,
    event,
    type: 'event_callback',
    event_id: `Ev${randomUUID()}`,
    event_time: Math.floor(Date.now() / 1_000),
    authorizations: [
      { team_id: TEAM, user_id: BOT_USER, is_bot: true, is_enterprise_install: false },
    ],
  };
  return { type: 'events_api', payload };
}

function common(context: Context, user: string) {
  const team = teamOf(context, user);
  const name = user.toLowerCase();
  return {
    user: { id: user, username: name, name, team_id: team },
    api_app_id: APP_ID,
    token: 'legacy',
    trigger_id: triggerFor(context.workspace, user),
    team: { id: team, domain: 'realign' },
    enterprise: null,
    is_enterprise_install: false,
  };
}

function teamOf({ workspace }: Context, user: string): string {
  return workspace.users.get(user)?.team ?? TEAM;
}

function triggerFor(workspace: Workspace, user: string): string {
  const id = `${workspace.nextNumber()}.${randomUUID()}`;
  workspace.triggers.set(id, { user, atMs: Date.now() });
  return id;
}

function responseUrl({ workspace, apiUrl }: Context, user: string, channel: string): string {
  const id = randomUUID();
  workspace.responses.set(id, { user, channel, uses: 0 });
  return `${apiUrl}/response/${id}`;
}

function actionTs(): string {
  return (Date.now() / 1_000).toFixed(6);
}
