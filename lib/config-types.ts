import type { CostRates } from '../drift/advice/cost.ts';
import type { SeverityRule } from '../drift/compare/ignore.ts';
import type { IgnoreRule } from '../drift/compare/ignore-rule.ts';
import type { Guards } from '../drift/decide/guard.ts';
import type { PolicyRule } from '../drift/decide/policy.ts';
import type { ClaudeConfig } from './config-claude.ts';
import type { NotificationsConfig } from './config-notifications.ts';
import type { Role } from './config-schema.ts';
import type { SlackConfig } from './config-slack.ts';
import type { TemporalConfig } from './config-temporal.ts';

export type EnvironmentConfig = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: { readonly kind: 'confighub'; readonly space: string };
  /** Without kubeconfig: the in-cluster identity, or kubectl's default file. */
  readonly cluster: {
    readonly kubeconfig?: string;
    readonly context?: string;
    /** A second identity, which may patch; used only with `residue: patch` and `confirm: dry-run`. */
    readonly repairKubeconfig?: string;
  };
  readonly defaultNamespace: string;
  /** Empty = all namespaces. */
  readonly namespaces: readonly string[];
  /** What of live objects that no unit declares: nothing, or a record of each. */
  readonly unmanaged: 'ignore' | 'report';
  /** Name of the environment that this one is upgraded from. */
  readonly upstream?: string;
};

export type Person = {
  readonly name: string;
  readonly roles: readonly Role[];
  /** 64 hex digits. */
  readonly tokenSha256: string;
  readonly email?: string;
  readonly slackId?: string;
  /** What clusters call this person; the name or e-mail address when absent. */
  readonly kubernetesUser?: string;
};

/** Everything that can be configured, with defaults filled in. Holds secrets: never log or serve it as a whole. */
export type Config = {
  readonly environments: readonly EnvironmentConfig[];
  /** Plurals (`deployments`) or `group/version/Kind` (`apps/v1/Deployment`, `v1/ConfigMap`). */
  readonly resources: readonly string[];
  readonly confighub: {
    /** Without a slash at the end. */
    readonly url: string;
    readonly token?: string;
    readonly dialect: 'auto' | 'bridge' | 'release';
    readonly refreshMs: number;
    /** Slug of the space whose Filters policies match; each environment's own space when absent. */
    readonly filtersSpace?: string;
  };
  readonly temporal: TemporalConfig;
  readonly database: { readonly url: string };
  readonly claude: ClaudeConfig;
  /** What resources cost; never what anything is decided by. */
  readonly cost: CostRates;
  /** First match decides. */
  readonly policies: readonly PolicyRule[];
  /** What holds automatic fixes back, whatever the rules say. */
  readonly guards: Guards;
  /** Rules about differences that are no drift, those taken over from other tools among them. */
  readonly ignore: readonly IgnoreRule[];
  /** First match decides how bad a change is. */
  readonly severities: readonly SeverityRule[];
  /** Whether declared objects may say by annotation what about them is no drift. */
  readonly ignoreAnnotations: boolean;
  /** `units`: each drift is kept as a ConfigHub unit of that space, too. */
  readonly drift: { readonly records: 'off' | 'units'; readonly space: string };
  readonly autoFix: boolean;
  readonly people: readonly Person[];
  readonly api: {
    readonly host: string;
    readonly port: number;
    readonly auth: 'token' | 'none';
    readonly metricsPort?: number;
  };
  /** Without a token no audit events are taken, and nobody's name is known. */
  readonly audit: { readonly token?: string };
  readonly settle: { readonly quietMs: number; readonly maxMs: number };
  /** How long a desired change may stay unapplied before anyone is asked about it. */
  readonly pending: { readonly graceMs: number };
  readonly rolloutTimeoutMs: number;
  readonly applyTimeoutMs: number;
  readonly residue: 'report' | 'patch';
  /** Whether the API server is asked what an apply would change before anyone hears of a drift. */
  readonly confirm: 'off' | 'dry-run';
  /** Field managers whose fields are desired ones. */
  readonly appliers: readonly string[];
  readonly redaction: { readonly key?: string };
  readonly slack: SlackConfig;
  /** Who is told of what, and how. */
  readonly notifications: NotificationsConfig;
  /** How long ended drifts, and the audit of decisions, stay in Postgres. */
  readonly retention: { readonly episodesMs: number; readonly auditMs: number };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent' };
};
