import { AppError } from '../lib/errors.ts';
import { createFreshCache } from '../lib/fresh-cache.ts';
import type { SlackClient, SlackUser } from './client.ts';
import { slackErrorOf } from './errors.ts';

/** Who is who in the workspace; remembered for a minute, and for a quarter of an hour while Slack does not answer. */
export type SlackDirectory = {
  /** Id of the workspace whose people may decide. */
  team(): Promise<string>;
  user(id: string): Promise<SlackUser>;
  userByEmail(email: string): Promise<SlackUser | undefined>;
  /** Ids of the members of `@handle` or `slack:S0123`. */
  membersOf(group: string): Promise<readonly string[]>;
};

const FRESH_MS = 60_000;
const STALE_MS = 15 * 60_000;
const MAX_USERS = 5_000;
const MAX_GROUPS = 500;

/** What Slack says of somebody or something that is not there any more. */
const GONE = new Set(['user_not_found', 'users_not_found', 'no_such_subteam', 'user_not_visible']);

export function createSlackDirectory(
  client: Pick<SlackClient, 'whoAmI' | 'user' | 'userByEmail' | 'groups' | 'groupMembers'>,
  { team, now = Date.now }: { readonly team?: string; readonly now?: () => number } = {},
): SlackDirectory {
  const limits = { freshMs: FRESH_MS, staleMs: STALE_MS, now, isFinal: isGone };
  // A token belongs to one workspace for good.
  const ownTeam = createFreshCache(async () => (await client.whoAmI()).team, {
    ...limits,
    freshMs: Number.POSITIVE_INFINITY,
    maxEntries: 1,
  });
  const users = createFreshCache((id) => client.user(id), { ...limits, maxEntries: MAX_USERS });
  const emails = createFreshCache((email) => findByEmail(client, email), {
    ...limits,
    maxEntries: MAX_USERS,
  });
  const handles = createFreshCache(() => client.groups(), { ...limits, maxEntries: 1 });
  const members = createFreshCache((id) => client.groupMembers(id), {
    ...limits,
    maxEntries: MAX_GROUPS,
  });
  return {
    team: async () => team ?? (await ownTeam('')),
    user: users,
    userByEmail: emails,
    async membersOf(group) {
      if (group.startsWith('slack:')) return members(group.slice('slack:'.length));
      const found = (await handles('')).find((one) => `@${one.handle}` === group);
      if (!found) throw new AppError('SLACK_REFUSED', `Slack has no user group ${group}`);
      return members(found.id);
    },
  };
}

/** Nobody with this address is an answer, too. */
async function findByEmail(
  client: Pick<SlackClient, 'userByEmail'>,
  email: string,
): Promise<SlackUser | undefined> {
  try {
    return await client.userByEmail(email);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return GONE.has(slackErrorOf(error) ?? '');
}
