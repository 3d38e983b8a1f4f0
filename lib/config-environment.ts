import { z } from 'zod';
import { isOneLine, NOT_ONE_LINE } from './config-files.ts';
import type { ConfigProblem } from './config-problems.ts';
import { type ConfigFile, logLevel, port, postgresUrl } from './config-schema.ts';
import { hostAndPort, webUrl } from './config-schema-parts.ts';
import { slackAppToken, slackBotToken, slackChannel } from './config-schema-slack.ts';

/** Every environment variable that Realign reads; deploy/ and docker-compose.yml may set no other. An empty one counts as not set. */
export const ENVIRONMENT_VARIABLES = {
  KUBECONFIG: 'kubeconfig of environments that name none',
  REALIGN_REPAIR_KUBECONFIG:
    'second identity, which may patch, of environments that name none (residue: patch, confirm: dry-run)',
  REALIGN_ADMIN_KUBECONFIG:
    'your own way into the cluster, for apply-all, setup-worker, deploy-test, test-workflow and cleanup (KUBECONFIG)',
  NAMESPACE: 'default namespace of environments that name none (qa)',
  CUB_SPACE: 'space of the one environment when the file lists none (acorn-bear-qa)',
  CUB_API_URL: 'confighub.url',
  CONFIGHUB_URL: 'confighub.url, where CUB_API_URL is not set',
  CUB_TOKEN: 'confighub.token',
  CONFIGHUB_TOKEN: 'confighub.token, where CUB_TOKEN is not set',
  CLAUDE_API_KEY: 'claude.apiKey',
  ANTHROPIC_API_KEY: 'claude.apiKey, where CLAUDE_API_KEY is not set',
  SLACK_BOT_TOKEN: 'slack.botToken',
  SLACK_APP_TOKEN: 'slack.appToken',
  SLACK_SIGNING_SECRET: 'slack.signingSecret',
  SLACK_CHANNEL: 'slack.channel',
  AUTO_FIX: 'autoFix (true, 1, yes; false, 0, no)',
  DATABASE_URL: 'database.url',
  TEMPORAL_ADDRESS: 'temporal.address',
  TEMPORAL_NAMESPACE: 'temporal.namespace',
  TEMPORAL_UI_URL: 'temporal.uiUrl',
  TEMPORAL_API_KEY: 'temporal.apiKey',
  TEMPORAL_TLS: 'temporal.tls (true, 1, yes; false, 0, no)',
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'temporal.tls.caFile',
  TEMPORAL_TLS_CLIENT_CERT_PATH: 'temporal.tls.certFile',
  TEMPORAL_TLS_CLIENT_KEY_PATH: 'temporal.tls.keyFile',
  TEMPORAL_TLS_SERVER_NAME: 'temporal.tls.serverName',
  PORT: 'api.port',
  REALIGN_CONFIG: 'path of realign.yaml',
  REALIGN_AUDIT_TOKEN: 'audit.token',
  REALIGN_LOG_LEVEL: 'log.level',
  REALIGN_URL: 'where the command line finds the api (http://127.0.0.1:8080)',
  REALIGN_TOKEN: 'token that the command line sends',
  REALIGN_CACHE_DIR: 'where downloaded binaries are kept',
} as const;

type EnvironmentVariable = keyof typeof ENVIRONMENT_VARIABLES;

/** What the environment says over the file. */
export type Overrides = {
  readonly kubeconfig?: string;
  readonly repairKubeconfig?: string;
  readonly namespace?: string;
  readonly space?: string;
  readonly confighubUrl?: string;
  readonly confighubToken?: string;
  readonly claudeApiKey?: string;
  readonly slackBotToken?: string;
  readonly slackAppToken?: string;
  readonly slackSigningSecret?: string;
  readonly slackChannel?: string;
  readonly autoFix?: boolean;
  readonly databaseUrl?: string;
  readonly temporalAddress?: string;
  readonly temporalNamespace?: string;
  readonly temporalUiUrl?: string;
  readonly temporalApiKey?: string;
  readonly temporalTls?: boolean;
  /** There only if one of them is. */
  readonly temporalTlsFiles?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly serverName?: string;
  };
  readonly auditToken?: string;
  readonly port?: number;
  readonly logLevel?: ConfigFile['log']['level'];
};

const YES = ['true', '1', 'yes'];
const NO = ['false', '0', 'no'];

const text = z.string().max(65_536);
const secret = text.trim().refine(isOneLine, NOT_ONE_LINE);
const flag = z
  .string()
  .toLowerCase()
  .refine((value) => YES.includes(value) || NO.includes(value), 'expected true or false')
  .transform((value) => YES.includes(value));
const portText = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port number')
  .transform(Number)
  .pipe(port);

/** Reads the variables; a wrong one is pushed to `problems` by its name, never with its value. */
export function readEnvironment(env: NodeJS.ProcessEnv, problems: ConfigProblem[]): Overrides {
  const read = <T>(parser: z.ZodType<T>, ...names: readonly EnvironmentVariable[]) => {
    const name = names.find((one) => env[one] !== undefined && env[one] !== '');
    if (name === undefined) return undefined;
    const result = parser.safeParse(env[name]);
    if (result.success) return result.data;
    problems.push({ key: name, message: result.error.issues[0]?.message ?? 'cannot be read' });
    return undefined;
  };
  const tlsFiles = withoutUndefined({
    caFile: read(text, 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'),
    certFile: read(text, 'TEMPORAL_TLS_CLIENT_CERT_PATH'),
    keyFile: read(text, 'TEMPORAL_TLS_CLIENT_KEY_PATH'),
    serverName: read(text, 'TEMPORAL_TLS_SERVER_NAME'),
  });
  return withoutUndefined({
    kubeconfig: read(text, 'KUBECONFIG'),
    repairKubeconfig: read(text, 'REALIGN_REPAIR_KUBECONFIG'),
    namespace: read(text, 'NAMESPACE'),
    space: read(text, 'CUB_SPACE'),
    confighubUrl: read(webUrl, 'CUB_API_URL', 'CONFIGHUB_URL'),
    confighubToken: read(secret, 'CUB_TOKEN', 'CONFIGHUB_TOKEN'),
    claudeApiKey: read(secret, 'CLAUDE_API_KEY', 'ANTHROPIC_API_KEY'),
    slackBotToken: read(slackBotToken, 'SLACK_BOT_TOKEN'),
    slackAppToken: read(slackAppToken, 'SLACK_APP_TOKEN'),
    slackSigningSecret: read(secret, 'SLACK_SIGNING_SECRET'),
    slackChannel: read(slackChannel, 'SLACK_CHANNEL'),
    autoFix: read(flag, 'AUTO_FIX'),
    databaseUrl: read(postgresUrl, 'DATABASE_URL'),
    temporalAddress: read(hostAndPort, 'TEMPORAL_ADDRESS'),
    temporalNamespace: read(text, 'TEMPORAL_NAMESPACE'),
    temporalUiUrl: read(webUrl, 'TEMPORAL_UI_URL'),
    temporalApiKey: read(secret, 'TEMPORAL_API_KEY'),
    temporalTls: read(flag, 'TEMPORAL_TLS'),
    temporalTlsFiles: Object.keys(tlsFiles).length > 0 ? tlsFiles : undefined,
    auditToken: read(secret, 'REALIGN_AUDIT_TOKEN'),
    port: read(portText, 'PORT'),
    logLevel: read(logLevel, 'REALIGN_LOG_LEVEL'),
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** With exactOptionalPropertyTypes a key is either there or not; this drops the ones that are not. */
export function withoutUndefined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
