import type { Question } from '../drift/decide/record.ts';
import { severityRank } from '../drift/field-change.ts';
import { type HomeView, makeDigestView } from '../drift/message/digest-view.ts';
import { isFinal, type MessageView } from '../drift/message/message-view.ts';
import type { Person } from '../lib/config.ts';
import { digest } from '../lib/digest.ts';
import { AppError } from '../lib/errors.ts';
import type { LoadSubject } from '../lib/known-subject.ts';
import type { Lookout } from '../slack/command-line.ts';
import type { StatusView } from '../slack/commands.ts';
import { type Asked, type Desk, mayDecide } from '../slack/door.ts';
import type { SlackActor } from '../slack/identity.ts';
import { keepRefusal, takeDecision } from './decide.ts';
import { findRecord } from './routes/records.ts';
import type { ApiDeps } from './types.ts';

export type SlackDeskDeps = Pick<
  ApiDeps,
  'store' | 'decisions' | 'metrics' | 'clock' | 'groups'
> & {
  readonly load: LoadSubject;
  /** Names of environments. */
  readonly environments: readonly string[];
  /** Groups that rules name: their members may look. */
  readonly approverGroups: readonly string[];
  readonly whoIs: (actor: SlackActor) => Promise<Person>;
};

const MAX_QUESTIONS = 50;
const MAX_DRIFTS = 20;
const MAX_ENDED = 5;

/** The api as Slack's buttons reach it: the same store, the same decision path. */
export function createDesk(deps: Omit<SlackDeskDeps, 'whoIs'>): Desk {
  const { store, load } = deps;
  return {
    find: (id) => store.questions.find(id),
    viewOf: async (episodeId) => (await load(episodeId))?.view,
    async decide(question, answer, by) {
      await takeDecision(deps, question, answer, { ...by, door: 'slack' });
    },
    refuse: (question, answer, by, error) =>
      keepRefusal(deps, question, answer, { ...by, door: 'slack' }, error),
    async groupOf(digestId, groupDigest) {
      const found = await store.digests.find(digestId);
      if (!found) return undefined;
      const views = await viewsOf(
        load,
        found.members.map((one) => one.subject),
      );
      const { id, startedAt } = found;
      const { groups } = makeDigestView({ id, startedAt, views }, digest);
      const group = groups.find((one) => one.approval?.digest === groupDigest);
      const ids = new Set(group?.approval?.questionIds);
      return group && views.flatMap(askedOf).filter((one) => ids.has(one.question));
    },
  };
}

function askedOf({ question }: MessageView): readonly Asked[] {
  return question ? [{ question: question.id, digest: question.digest }] : [];
}

/** What `/realign` and the App Home show, to whoever may look. */
export function createLookout(deps: SlackDeskDeps): Lookout & {
  home(actor: SlackActor): Promise<HomeView>;
} {
  const { store, load, environments, clock = () => new Date() } = deps;
  const show = async (named: string): Promise<MessageView> => {
    const view = (await load(await episodeOf(deps, named)))?.view;
    if (view) return view;
    throw new AppError('NOT_FOUND', `nothing is known of ${named}`);
  };
  return {
    async status(actor) {
      await mayLook(deps, actor);
      return statusOf(deps, clock().toISOString());
    },
    async drifts(actor, environment) {
      await mayLook(deps, actor);
      if (environment !== undefined && !environments.includes(environment)) {
        const known = environments.join(', ');
        throw new AppError(
          'NOT_FOUND',
          `there is no environment ${environment}; there are ${known}`,
        );
      }
      return driftsOf(deps, environment);
    },
    async show(actor, named) {
      await mayLook(deps, actor);
      return show(named);
    },
    async question(actor, id) {
      await mayLook(deps, actor);
      const question = await store.questions.find(id);
      if (!question) throw new AppError('NOT_FOUND', `there is no question ${id}`);
      return question;
    },
    async home(actor) {
      const person = await mayLook(deps, actor);
      return homeOf(deps, person, clock().toISOString());
    },
  };
}

/** Whoever has a role, or belongs to a group that decides. */
async function mayLook(deps: SlackDeskDeps, actor: SlackActor): Promise<Person> {
  const person = await deps.whoIs(actor);
  if (person.roles.length > 0) return person;
  const groups = (await deps.groups?.of(person, deps.approverGroups)) ?? [];
  if (groups.length > 0) return { ...person, roles: ['approver'] };
  throw new AppError(
    'FORBIDDEN',
    `${person.name} is not in \`people:\` and in no group of approvers`,
  );
}

async function statusOf({ store, environments }: SlackDeskDeps, at: string): Promise<StatusView> {
  const [open, waiting] = await Promise.all([
    store.episodes.countOpen(),
    store.questions.countOpen(),
  ]);
  const rows = environments.map((name) => ({
    name,
    bySeverity: Object.fromEntries(
      open.filter((one) => one.environment === name).map((one) => [one.severity, one.count]),
    ),
    waiting: waiting.find((one) => one.environment === name)?.count ?? 0,
  }));
  return { at, environments: rows };
}

async function driftsOf({ store, load }: SlackDeskDeps, environment: string | undefined) {
  const within = environment === undefined ? {} : { environment };
  const [{ items }, { active }] = await Promise.all([
    store.records.list({ status: 'active', limit: MAX_QUESTIONS, ...within }),
    store.records.statistics(environment),
  ]);
  const worstFirst = items.toSorted(
    (one, other) =>
      severityRank(other.finding?.severity ?? 'info') -
      severityRank(one.finding?.severity ?? 'info'),
  );
  const ids = worstFirst.slice(0, MAX_DRIFTS).flatMap((one) => one.episodeId ?? []);
  return { views: await viewsOf(load, ids), total: active };
}

async function homeOf(
  { store, load }: SlackDeskDeps,
  person: Person,
  at: string,
): Promise<HomeView> {
  const [open, latest, counts] = await Promise.all([
    store.questions.list({ status: 'open', limit: MAX_QUESTIONS }),
    store.questions.list({ limit: MAX_QUESTIONS }),
    store.episodes.countOpen(),
  ]);
  const ended = latest.filter((one) => one.status !== 'open').slice(0, MAX_ENDED);
  const mine = open.filter((one) => mayDecide(one, person));
  const others = open.filter((one) => !mine.includes(one));
  const total = counts.reduce((sum, one) => sum + one.count, 0);
  const [waitingForMe, waitingForOthers, endedViews] = await Promise.all(
    [mine, others, ended].map((some) => viewsOf(load, episodesOf(some))),
  );
  return {
    person: person.name,
    waitingForMe: (waitingForMe ?? []).toSorted(worst),
    waitingForOthers: (waitingForOthers ?? []).toSorted(worst),
    recentlyEnded: (endedViews ?? []).filter((one) => isFinal(one.state)),
    otherOpen: Math.max(0, total - open.length),
    at,
  };
}

function worst(one: MessageView, other: MessageView): number {
  return severityRank(other.severity) - severityRank(one.severity);
}

function episodesOf(questions: readonly Question[]): readonly string[] {
  return [...new Set(questions.map((one) => one.episodeId))];
}

async function viewsOf(
  load: LoadSubject,
  subjects: readonly string[],
): Promise<readonly MessageView[]> {
  const known = await Promise.all(subjects.map(load));
  return known.flatMap((one) => (one ? [one.view] : []));
}

/** Of a question's id or a resource's name, by colons or slashes. */
async function episodeOf({ store }: SlackDeskDeps, named: string): Promise<string> {
  if (!/[:/]/.test(named)) {
    const question = await store.questions.find(named);
    if (question) return question.episodeId;
    throw new AppError('NOT_FOUND', `there is no question ${named}`);
  }
  const id = named
    .split('/')
    .map((part) => (part === '_' ? '' : part))
    .join(':');
  const { episodeId } = await findRecord(store, id, undefined);
  if (episodeId !== undefined) return episodeId;
  throw new AppError('NOT_FOUND', `${named} has not drifted`);
}
