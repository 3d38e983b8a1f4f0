import { isGroup } from '../drift/decide/approver-group.ts';
import type { Person } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import type { SlackDirectory } from './directory.ts';

/** What Slack says of the groups among a question's approvers. */
type Membership = {
  /** Those that the person belongs to. */
  readonly own: readonly string[];
  /** Ids of who belongs to each; null where Slack does not say. */
  readonly members: Readonly<Record<string, readonly string[] | null>>;
  /** APPROVERS_UNKNOWN where the person may belong to one that Slack does not tell of, and to no other. */
  readonly failure?: AppError;
};

/** Which of a question's approvers are groups that somebody belongs to, whatever door the person comes by. */
export type ApproverGroups = {
  /** Never throws. */
  look(person: Person, approvers: readonly string[]): Promise<Membership>;
  /** Throws APPROVERS_UNKNOWN when Slack does not say, and has not said for a quarter of an hour. */
  of(person: Person, approvers: readonly string[]): Promise<readonly string[]>;
};

/** The audit keeps so many ids of one group. */
const MAX_KEPT_MEMBERS = 500;
const NOBODY: Membership = { own: [], members: {} };

export function createApproverGroups(
  directory: Pick<SlackDirectory, 'membersOf' | 'userByEmail'>,
): ApproverGroups {
  const look = async (person: Person, approvers: readonly string[]): Promise<Membership> => {
    const groups = approvers.filter(isGroup);
    if (groups.length === 0 || (person.slackId === undefined && person.email === undefined)) {
      return NOBODY;
    }
    try {
      const id = await idOf(directory, person);
      return id === undefined ? NOBODY : await membershipOf(directory, id, groups);
    } catch (error) {
      const members = Object.fromEntries(groups.map((one) => [one, null]));
      const what = `cannot tell who has the address ${person.email}`;
      return { own: [], members, failure: unknown(what, error) };
    }
  };
  return {
    look,
    async of(person, approvers) {
      const { own, failure } = await look(person, approvers);
      if (failure) throw failure;
      return own;
    },
  };
}

/** Whoever is in one of them may decide, whatever is not known of the others. */
async function membershipOf(
  directory: Pick<SlackDirectory, 'membersOf'>,
  id: string,
  groups: readonly string[],
): Promise<Membership> {
  const found = await Promise.allSettled(groups.map((one) => directory.membersOf(one)));
  const idsOf = (at: number) => {
    const one = found[at];
    return one?.status === 'fulfilled' ? one.value : undefined;
  };
  const own = groups.filter((_, at) => idsOf(at)?.includes(id));
  const members = Object.fromEntries(
    groups.map((one, at) => [one, idsOf(at)?.slice(0, MAX_KEPT_MEMBERS) ?? null]),
  );
  const failed = found.find((one) => one.status === 'rejected');
  if (own.length > 0 || !failed) return { own, members };
  const what = `cannot tell who belongs to ${groups.join(', ')}`;
  return { own, members, failure: unknown(what, failed.reason) };
}

async function idOf(
  directory: Pick<SlackDirectory, 'userByEmail'>,
  { slackId, email }: Person,
): Promise<string | undefined> {
  return slackId ?? (await directory.userByEmail(email ?? ''))?.id;
}

function unknown(what: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError('APPROVERS_UNKNOWN', `${what}: ${reason}`, { cause });
}
