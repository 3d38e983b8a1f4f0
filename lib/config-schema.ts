import { z } from 'zod';
import { DEFAULT_APPLIERS } from '../drift/compare/managers.ts';
import { claude } from './config-schema-claude.ts';
import { cost } from './config-schema-cost.ts';
import { drift } from './config-schema-drift.ts';
import { ignoreRule, MAX_IGNORE_RULES, severityRule } from './config-schema-ignore.ts';
import { notifications } from './config-schema-notifications.ts';
import {
  DAY_MS,
  duration,
  HOUR_MS,
  labels,
  MAX_LIST,
  MINUTE_MS,
  name,
  SECOND_MS,
  secret,
  text,
  webUrl,
} from './config-schema-parts.ts';
import { guards, MAX_POLICIES, policy } from './config-schema-policy.ts';
import { slack } from './config-schema-slack.ts';
import { temporal } from './config-schema-temporal.ts';

/** The shape of realign.yaml. Defaults live here and nowhere else; docs/configuration.md documents every key. */

const ROLES = ['viewer', 'approver', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What the defaults watch: the workloads, their configuration, how they are reached and scaled, and who may do what. */
export const DEFAULT_RESOURCES = [
  'deployments',
  'statefulsets',
  'daemonsets',
  'services',
  'configmaps',
  'secrets',
  'ingresses',
  'jobs',
  'cronjobs',
  'roles',
  'rolebindings',
  'clusterroles',
  'clusterrolebindings',
  'horizontalpodautoscalers',
  'poddisruptionbudgets',
  'networkpolicies',
  'serviceaccounts',
] as const;

const MAX_ENVIRONMENTS = 100;
const MAX_PEOPLE = 1_000;

const namespace = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'expected the name of a namespace');
export const postgresUrl = z.url({
  protocol: /^postgres(ql)?$/,
  error: 'expected a URL that begins with postgres://',
});
export const logLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent']);
export const port = z.int().min(1).max(65_535);

const environment = z.strictObject({
  name,
  labels: labels.default({}),
  source: z.strictObject({ kind: z.literal('confighub').default('confighub'), space: name }),
  cluster: z
    .strictObject({
      kubeconfig: text.exactOptional(),
      repairKubeconfig: text.exactOptional(),
      context: text.exactOptional(),
    })
    .prefault({}),
  defaultNamespace: namespace.exactOptional(),
  namespaces: z.array(namespace).max(MAX_LIST).exactOptional(),
  unmanaged: z.enum(['ignore', 'report']).default('ignore'),
  upstream: name.exactOptional(),
});

const person = z.strictObject({
  name,
  roles: z.array(z.enum(ROLES)).min(1),
  tokenHash: z
    .string()
    .regex(
      /^sha256:[0-9a-f]{64}$/,
      'expected sha256: and the 64 hex digits that `printf %s TOKEN | sha256sum` prints',
    ),
  email: z.email().exactOptional(),
  slackId: text.exactOptional(),
  kubernetesUser: text.exactOptional(),
});

/** A plural such as `deployments` or `certificates.cert-manager.io`, or `apps/v1/Deployment` (`v1/ConfigMap`). */
const resource = z
  .string()
  .regex(
    /^(?:[a-z][a-z0-9]*(?:\.[a-z0-9.-]+)?|(?:[a-z0-9.-]+\/)?v[0-9][a-z0-9]*\/[A-Z][A-Za-z0-9]*)$/,
    'expected a plural such as deployments, or group/version/Kind such as apps/v1/Deployment',
  );

export const configSchema = z.strictObject({
  environments: z.array(environment).min(1).max(MAX_ENVIRONMENTS).exactOptional(),
  resources: z
    .array(resource)
    .min(1)
    .max(MAX_LIST)
    .default([...DEFAULT_RESOURCES]),
  confighub: z
    .strictObject({
      url: webUrl.prefault('https://hub.confighub.com/api/v1'),
      token: text.exactOptional(),
      tokenFile: text.exactOptional(),
      dialect: z.enum(['auto', 'bridge', 'release']).default('auto'),
      refresh: duration(SECOND_MS / 10, HOUR_MS).prefault('5s'),
      filtersSpace: name.exactOptional(),
    })
    .prefault({}),
  temporal: temporal.prefault({}),
  database: z
    .strictObject({
      url: postgresUrl.exactOptional(),
      urlFile: text.exactOptional(),
    })
    .prefault({}),
  claude,
  cost,
  slack,
  notifications: notifications.prefault({}),
  policies: z.array(policy).max(MAX_POLICIES).default([]),
  guards: guards.prefault({}),
  ignore: z.array(ignoreRule).max(MAX_IGNORE_RULES).default([]),
  severities: z.array(severityRule).max(MAX_IGNORE_RULES).default([]),
  ignoreAnnotations: z.boolean().default(true),
  drift: drift.prefault({}),
  autoFix: z.boolean().default(false),
  people: z.array(person).max(MAX_PEOPLE).default([]),
  api: z
    .strictObject({
      host: text.default('127.0.0.1'),
      port: port.default(8080),
      auth: z.enum(['token', 'none']).default('token'),
      metricsPort: port.exactOptional(),
    })
    .prefault({}),
  audit: z
    .strictObject({ token: secret.exactOptional(), tokenFile: text.exactOptional() })
    .prefault({}),
  settle: z
    .strictObject({
      quiet: duration(0, MINUTE_MS).prefault('1s'),
      max: duration(0, 10 * MINUTE_MS).prefault('15s'),
    })
    .prefault({}),
  pending: z.strictObject({ grace: duration(0, 7 * DAY_MS).prefault('15m') }).prefault({}),
  rolloutTimeout: duration(SECOND_MS, 10 * MINUTE_MS).prefault('5m'),
  applyTimeout: duration(SECOND_MS, 10 * MINUTE_MS).prefault('5m'),
  residue: z.enum(['report', 'patch']).default('report'),
  confirm: z.enum(['off', 'dry-run']).default('off'),
  appliers: z
    .array(text)
    .min(1)
    .max(20)
    .default([...DEFAULT_APPLIERS]),
  redaction: z
    .strictObject({
      key: secret.exactOptional(),
      keyFile: text.exactOptional(),
    })
    .prefault({}),
  retention: z
    .strictObject({
      // Savings of the month are added up from ended drifts.
      episodes: duration(31 * DAY_MS, 3_650 * DAY_MS).prefault('90d'),
      audit: duration(31 * DAY_MS, 3_650 * DAY_MS).prefault('400d'),
    })
    .prefault({}),
  log: z.strictObject({ level: logLevel.default('info') }).prefault({}),
});

export type ConfigFile = z.output<typeof configSchema>;
