import { type ApiDeps, createDesk, createLookout, createRateLimit } from '../api/index.ts';
import { groupsIn } from '../drift/decide/approver-group.ts';
import type { ConnectedSlack } from '../lib/config-slack.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type SlackReceiver, startSlackReceiver } from '../slack/app.ts';
import { type ApproverGroups, createApproverGroups } from '../slack/approver-groups.ts';
import { createSlackClient, type SlackClient } from '../slack/client.ts';
import { createSlashCommands } from '../slack/command-line.ts';
import { createSlackDirectory } from '../slack/directory.ts';
import { createDoor } from '../slack/door.ts';
import { createHomePage } from '../slack/home-page.ts';
import { type IdentityDeps, identify, type SlackActor } from '../slack/identity.ts';
import type { ListenerDeps } from '../slack/listeners.ts';
import { createTell } from '../slack/tell.ts';
import { createWorkload } from '../slack/workload.ts';
import type { Parts } from './parts.ts';
import { createSubjects } from './subjects.ts';

export type SlackDoor = {
  readonly groups: ApproverGroups;
  /** In HTTP mode. */
  readonly handler?: SlackReceiver['handler'];
  isConnected(): boolean;
  /** Takes nothing new, and lets what was acked be answered. */
  stop(): Promise<void>;
};

/** Acks are quick and answers are not: so many may be under way. */
const MAX_UNDER_WAY = 200;
/** Of one person, averaged over ten. */
const ACTIONS_PER_SECOND = 5;
const DRAIN_TIMEOUT_MS = 15_000;

/** People's answers in Slack, by whatever way they come; undefined where Slack is off. Begins at once, and never fails for Slack's sake. */
export function openSlackDoor(
  parts: Pick<Parts, 'config' | 'log' | 'store' | 'metrics' | 'workflowUrl'>,
  decisions: ApiDeps['decisions'],
): SlackDoor | undefined {
  const { slack } = parts.config;
  refuseMissing(parts.config);
  if (slack.mode === 'off') return undefined;
  const log = parts.log.child({ part: 'slack' });
  const client = createSlackClient({ ...slack, log });
  const directory = createSlackDirectory(client, slack);
  const groups = createApproverGroups(directory);
  if (slack.mode === 'post') {
    log.warn({}, 'nothing takes answers from Slack: set SLACK_APP_TOKEN or SLACK_SIGNING_SECRET');
    return { groups, isConnected: () => false, stop: async () => {} };
  }
  const workload = createWorkload(MAX_UNDER_WAY, (error) =>
    log.error({ error: String(error) }, 'a task of Slack failed'),
  );
  const identity = {
    ...{ directory, people: parts.config.people },
    ...(slack.memberRole && { memberRole: slack.memberRole }),
  };
  const { config, store, metrics, workflowUrl } = parts;
  const api = { config, store, metrics, workflowUrl, decisions, groups };
  const listeners = createListenerParts(api, { slack, client, identity, log });
  const receiver = startSlackReceiver(slack, { ...listeners, run: workload.run }, log);
  return {
    groups,
    ...(receiver.handler && { handler: receiver.handler }),
    isConnected: receiver.isConnected,
    async stop() {
      await receiver.stop();
      await workload.drain(DRAIN_TIMEOUT_MS);
    },
  };
}

/** What only the process that takes answers has to have. Throws CONFIG_INVALID. */
function refuseMissing({ slack, policies }: Parts['config']): void {
  if ((slack.mode === 'off' || slack.mode === 'post') && slack.lacks !== undefined) {
    throw new AppError('CONFIG_INVALID', `slack.mode needs ${slack.lacks}`);
  }
  const rule = policies.find((one) => groupsIn([one]).length > 0);
  if (slack.mode === 'off' && rule) {
    const [group] = groupsIn([rule]);
    throw new AppError(
      'CONFIG_INVALID',
      `rule "${rule.name}": "${group}" is a group of Slack, and Slack is off`,
    );
  }
}

type ApiParts = Pick<Parts, 'config' | 'store' | 'metrics' | 'workflowUrl'> &
  Pick<ApiDeps, 'decisions' | 'groups'>;

/** What listeners work with, around the api's own decision path. */
function createListenerParts(
  api: ApiParts,
  {
    slack,
    client,
    identity,
    log,
  }: {
    readonly slack: ConnectedSlack;
    readonly client: SlackClient;
    readonly identity: IdentityDeps;
    readonly log: Log;
  },
): Omit<ListenerDeps, 'run'> {
  const { environments, policies } = api.config;
  const deps = {
    ...api,
    load: createSubjects(api),
    environments: environments.map((one) => one.name),
    approverGroups: groupsIn(policies),
    whoIs: (actor: SlackActor) => identify(identity, actor, { unsure: true }),
  };
  const desk = createDesk(deps);
  const lookout = createLookout(deps);
  const { approveOnWeb } = slack;
  const limit = createRateLimit(ACTIONS_PER_SECOND, () => new Date());
  const door = createDoor({ desk, identity, approveOnWeb, limit, log });
  return {
    ...{ client, desk, door, log },
    commands: createSlashCommands(lookout, door, limit),
    home: createHomePage(client, lookout.home, log),
    tell: createTell(client, log),
  };
}
