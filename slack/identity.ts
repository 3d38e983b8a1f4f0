import type { Person } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import type { SlackUser } from './client.ts';
import type { SlackDirectory } from './directory.ts';

/** A person, and what Slack calls them now. */
export type Identified = Person & { readonly slackName?: string };

/** Who did something in Slack, as Slack says: the ids of the user and of the user's own workspace. */
export type SlackActor = { readonly user: string; readonly team: string | undefined };

export type IdentityDeps = {
  readonly directory: Pick<SlackDirectory, 'team' | 'user'>;
  readonly people: readonly Person[];
  /** Of members who are not in `people`. */
  readonly memberRole?: 'viewer' | 'approver';
};

/**
 * The person behind an id of Slack. The same person by any door: an entry of `people` by its Slack id, else by e-mail address. Throws
 * FORBIDDEN for people of other workspaces, guests, bots and who has left; `unsure` is what a stop needs while Slack does not say.
 */
export async function identify(
  { directory, people, memberRole }: IdentityDeps,
  { user, team }: SlackActor,
  { unsure = false }: { readonly unsure?: boolean } = {},
): Promise<Identified> {
  const home = await directory.team();
  if (team !== home) throw outsider();
  const known = people.find((one) => one.slackId === user);
  const member = await directory.user(user).catch((error: unknown) => {
    if (unsure && known) return undefined;
    throw error;
  });
  if (!member && known) return known;
  // People of other workspaces are full members there; in a shared channel Slack calls them no strangers.
  if (member && member.teams.length > 0 && !member.teams.includes(home)) throw outsider();
  if (!member?.isMember) {
    throw new AppError(
      'FORBIDDEN',
      'guests, bots and people who have left the workspace may not answer',
    );
  }
  const entry = known ?? byEmail(people, member);
  if (entry) return { ...entry, slackId: user, slackName: member.name };
  return {
    // No name of an entry of `people` has "@" or ":" in it.
    name: member.email ?? `slack:${user}`,
    roles: memberRole === undefined ? [] : [memberRole],
    tokenSha256: '',
    ...{ slackId: user, slackName: member.name },
    ...(member.email !== undefined && { email: member.email }),
  };
}

function outsider(): AppError {
  return new AppError(
    'FORBIDDEN',
    'only members of the workspace that Realign belongs to may answer',
  );
}

/** An entry with another Slack id is another person's, whatever the address. */
function byEmail(people: readonly Person[], { email }: SlackUser): Person | undefined {
  if (email === undefined) return undefined;
  return people.find((one) => one.slackId === undefined && one.email?.toLowerCase() === email);
}
