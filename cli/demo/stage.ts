import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createConfighubClient } from '../../clients/confighub/index.ts';
import { createKubernetesClient } from '../../clients/kubernetes/index.ts';
import { type Installed, installAcornBear } from '../../examples/acorn-bear/install.ts';
import { type Config, type Person, parseConfig } from '../../lib/config.ts';
import { sha256 } from '../../lib/digest.ts';
import type { Log } from '../../lib/log.ts';
import type { Embedded } from '../../workers/embedded.ts';
import type { Realign } from '../../workers/realign.ts';
import { createSubjects } from '../../workers/subjects.ts';
import { createRest } from '../rest.ts';
import { createHands } from './hands.ts';
import type { Narrator } from './narrator.ts';
import { createObserver } from './observer.ts';
import type { Stage } from './story.ts';

/** First part of the demo's spaces and namespaces. */
export const PREFIX = 'acorn-bear';
const CONFIG = fileURLToPath(new URL('../../examples/acorn-bear/realign.yaml', import.meta.url));
const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const;

/** Two people: so many does prod need. */
export type Tokens = { readonly operator: string; readonly approver: string };

export function newTokens(): Tokens {
  const token = () => randomBytes(24).toString('base64url');
  return { operator: token(), approver: token() };
}

const SLACK_CHANNEL = '#realign';

/** What of the environment points at a real Slack: nothing where no bot's token is set. */
export function slackEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (!env['SLACK_BOT_TOKEN']) return {};
  const given = Object.entries(env).filter(
    ([name, value]) => name.startsWith('SLACK_') && value !== '',
  );
  return { SLACK_CHANNEL, ...Object.fromEntries(given) };
}

/**
 * The example's own file, pointed at the embedded parts and maybe a real Slack, whose members may all answer, with two people whose
 * tokens exist for this run only.
 */
export function demoConfig(
  embedded: Pick<Embedded, 'env'>,
  tokens: Tokens,
  slackEnv: NodeJS.ProcessEnv = {},
): Config {
  const env = { ...slackEnv, ...embedded.env };
  const config = parseConfig(readFileSync(CONFIG, 'utf8'), { file: CONFIG, env });
  const { slack } = config;
  const person = (name: string, token: string, roles: Person['roles']): Person => ({
    name,
    roles,
    tokenSha256: sha256(token),
  });
  return {
    ...config,
    ...(slack.mode !== 'off' && { slack: { ...slack, memberRole: 'approver' as const } }),
    // Without an address that was chosen before, any free port does.
    api: { ...config.api, port: embedded.env['PORT'] === undefined ? 0 : config.api.port },
    people: [
      person('olivia', tokens.operator, ['admin', 'approver']),
      person('amir', tokens.approver, ['approver']),
    ],
  };
}

/** Spaces, units and filters of the example, every unit applied. */
export function installDemo(embedded: Pick<Embedded, 'hub'>, log: Log): Promise<Installed> {
  const hub = createConfighubClient({ ...embedded.hub, dialect: 'auto', log });
  return installAcornBear(hub, { prefix: PREFIX, environments: ENVIRONMENTS });
}

type StageOptions = {
  readonly embedded: Pick<Embedded, 'stack'>;
  readonly realign: Pick<Realign, 'url' | 'parts'>;
  readonly tokens: Tokens;
  readonly narrator: Narrator;
  readonly answersProduction: boolean;
  readonly signal: AbortSignal;
};

/** Everything that the story needs in hand; close it afterwards. */
export async function openStage(options: StageOptions): Promise<Stage & { close(): void }> {
  const { embedded, realign, tokens, narrator, answersProduction, signal } = options;
  const kubeconfig = embedded.stack.kubernetes?.kubeconfigs.admin;
  const cluster = await createKubernetesClient({
    userAgent: 'kubectl',
    ...(kubeconfig !== undefined && { kubeconfig }),
  });
  const load = createSubjects(realign.parts);
  const restFor = (token: string) => createRest({ REALIGN_URL: realign.url, REALIGN_TOKEN: token });
  return {
    hub: realign.parts.hub,
    hands: createHands(cluster),
    observer: createObserver(restFor(tokens.operator), signal),
    people: { amir: restFor(tokens.approver), olivia: restFor(tokens.operator) },
    messageOf: async (subject) => (await load(subject))?.view,
    narrator,
    prefix: PREFIX,
    url: realign.url,
    answersProduction,
    close: () => cluster.close(),
  };
}
