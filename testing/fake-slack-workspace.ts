/** What the fake Slack holds: people, groups, channels, messages, modals. */

export const TEAM = 'T0REALIGN';
export const APP_ID = 'A0REALIGN';
export const BOT_USER = 'U0BOT';
export const BOT_ID = 'B0BOT';
/** What the bot was installed with; the manifest in deploy/ asks for the same. */
export const BOT_SCOPES = [
  'channels:history',
  'channels:read',
  'chat:write',
  'commands',
  'groups:history',
  'groups:read',
  'im:write',
  'usergroups:read',
  'users:read',
  'users:read.email',
] as const;

export type FakeUser = {
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  /** Another one for a guest of Slack Connect. */
  readonly team?: string;
  readonly is_bot?: boolean;
  readonly deleted?: boolean;
  readonly is_restricted?: boolean;
  readonly is_ultra_restricted?: boolean;
  readonly is_stranger?: boolean;
  /** Of an organization with several workspaces. */
  readonly enterprise_user?: { readonly enterprise_id: string; readonly teams: string[] };
};

export type FakeChannel = {
  readonly id: string;
  readonly name: string;
  /** Whether the bot was invited. */
  readonly is_member: boolean;
  readonly is_archived?: boolean;
  readonly is_private?: boolean;
};

export type FakeMessage = {
  readonly channel: string;
  readonly ts: string;
  readonly thread_ts?: string;
  readonly reply_broadcast?: boolean;
  readonly text: string;
  readonly blocks: readonly unknown[];
  readonly metadata?: unknown;
  /** How often it was edited. */
  readonly edits: number;
};

export type Ephemeral = {
  readonly channel: string;
  readonly user: string;
  readonly text: string;
  readonly blocks: readonly unknown[];
};

export type OpenView = {
  readonly id: string;
  readonly user: string;
  readonly view: FakeView;
};

export type FakeView = {
  readonly type: 'modal' | 'home';
  readonly callback_id?: string;
  readonly private_metadata?: string;
  readonly blocks: readonly unknown[];
} & Readonly<Record<string, unknown>>;

/** One call of the Web API, as it came. */
export type SlackCall = {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly atMs: number;
};

export type Workspace = {
  readonly users: Map<string, FakeUser>;
  readonly groups: Map<string, { readonly handle: string; readonly users: readonly string[] }>;
  readonly channels: Map<string, FakeChannel>;
  readonly messages: FakeMessage[];
  readonly ephemerals: Ephemeral[];
  readonly views: OpenView[];
  readonly homes: Map<string, FakeView>;
  readonly calls: SlackCall[];
  scopes: readonly string[];
  /** Ids that open one modal, within three seconds. */
  readonly triggers: Map<string, { readonly user: string; readonly atMs: number }>;
  /** What was answered at `response_url`s. */
  readonly responses: Map<
    string,
    { readonly user: string; readonly channel: string; uses: number }
  >;
  nextNumber(): number;
};

export function createWorkspace(): Workspace {
  let last = 0;
  return {
    users: new Map(),
    groups: new Map(),
    channels: new Map(),
    messages: [],
    ephemerals: [],
    views: [],
    homes: new Map(),
    calls: [],
    scopes: BOT_SCOPES,
    triggers: new Map(),
    responses: new Map(),
    nextNumber: () => {
      last += 1;
      return last;
    },
  };
}

/** Channel ids are what most methods take; some take `#name` as well. */
export function findChannel(workspace: Workspace, named: unknown): FakeChannel | undefined {
  const text = String(named);
  return (
    workspace.channels.get(text) ??
    [...workspace.channels.values()].find((one) => `#${one.name}` === text || one.name === text)
  );
}
