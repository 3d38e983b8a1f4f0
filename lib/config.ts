import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { checkWhole } from './config-checks.ts';
import { toClaude } from './config-claude.ts';
import { toCostRates } from './config-cost.ts';
import { type Overrides, readEnvironment, withoutUndefined } from './config-environment.ts';
import { type Place, pathFrom, type Refuse, readLimited, readSecret } from './config-files.ts';
import { readIgnoreRules } from './config-ignore.ts';
import { toNotifications } from './config-notifications.ts';
import { policyProblems, toGuards, toPolicyRule } from './config-policies.ts';
import {
  type ConfigProblem,
  describeProblem,
  lineFinder,
  problemAt,
  schemaProblems,
  type YamlSource,
} from './config-problems.ts';
import { type ConfigFile, configSchema } from './config-schema.ts';
import { toSlack } from './config-slack.ts';
import { toTemporal } from './config-temporal.ts';
import type { Config, EnvironmentConfig } from './config-types.ts';
import { AppError } from './errors.ts';
import { yamlProblem } from './yaml-problem.ts';

export type { Role } from './config-schema.ts';
export type { Config, EnvironmentConfig, Person } from './config-types.ts';

/** What a command's options say over file and environment. */
type ConfigFlags = {
  readonly port?: number;
  readonly host?: string;
  readonly logLevel?: Config['log']['level'];
};

const DEFAULT_CONFIG_FILE = 'realign.yaml';

const DEFAULT_SPACE = 'acorn-bear-qa';
const DEFAULT_NAMESPACE = 'qa';
const DEFAULT_DATABASE_URL = 'postgres://realign@127.0.0.1:5432/realign';
const MAX_FILE_BYTES = 1024 * 1024;
/** Aliases beyond this are taken for an attack on memory ("billion laughs"). */
const MAX_YAML_ALIASES = 100;

/**
 * The configuration from realign.yaml (`file`, else REALIGN_CONFIG, else ./realign.yaml if there is one), then environment
 * variables, then flags, the later winning. Throws CONFIG_INVALID that lists every problem at once, each with key and
 * line; `details.problems` has them as data. No secret value is ever part of a message.
 */
export function loadConfig(options: {
  readonly file?: string;
  readonly env: NodeJS.ProcessEnv;
  readonly flags?: ConfigFlags;
}): Config {
  const named = options.file ?? (options.env['REALIGN_CONFIG'] || undefined);
  const file = named ?? DEFAULT_CONFIG_FILE;
  const read = readLimited(resolve(file), MAX_FILE_BYTES);
  if ('error' in read && (named !== undefined || read.missing !== true)) {
    throw invalid(file, [{ key: file, message: read.error }]);
  }
  return parseConfig('error' in read ? '' : read.text, { ...options, file });
}

/** `loadConfig` of a text; `file` is what messages call it and what relative paths in it start from. */
export function parseConfig(
  yaml: string,
  options: {
    readonly file?: string;
    readonly env: NodeJS.ProcessEnv;
    readonly flags?: ConfigFlags;
  },
): Config {
  const file = options.file ?? DEFAULT_CONFIG_FILE;
  const problems: ConfigProblem[] = [];
  const overrides = readEnvironment(options.env, problems);
  const source = parseYaml(yaml, file);
  const parsed = configSchema.safeParse(source.data ?? {});
  if (!parsed.success) throw invalid(file, [...problems, ...schemaProblems(source, parsed.error)]);
  const refuse: Refuse = (path, message) => problems.push(problemAt(source, path, message));
  const config = assemble(parsed.data, overrides, options.flags ?? {}, {
    directory: dirname(resolve(file)),
    refuse,
  });
  checkWhole(config, refuse);
  for (const { index, key, message } of policyProblems(config.policies, {
    environments: config.environments.map((one) => one.name),
    people: parsed.data.people,
  })) {
    refuse(['policies', index, ...key.split('.')], message);
  }
  if (problems.length > 0) throw invalid(file, problems);
  return config;
}

function parseYaml(yaml: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw invalid(
      file,
      document.errors.map((error) => ({
        key: 'YAML',
        message: yamlProblem(error),
        line: lines.linePos(error.pos[0]).line,
      })),
    );
  }
  try {
    const data: unknown = document.toJS({ maxAliasCount: MAX_YAML_ALIASES });
    return { data, lineOf: lineFinder(document, lines) };
  } catch (error) {
    throw invalid(file, [{ key: 'YAML', message: yamlProblem(error) }]);
  }
}

function assemble(file: ConfigFile, env: Overrides, flags: ConfigFlags, place: Place): Config {
  const { confighub, temporal, database, claude, redaction, settle, audit } = file;
  const token =
    env.confighubToken ??
    readSecret(place, ['confighub', 'token'], confighub.token, confighub.tokenFile);
  const databaseUrl =
    env.databaseUrl ?? readSecret(place, ['database', 'url'], database.url, database.urlFile);
  const apiKey =
    env.claudeApiKey ?? readSecret(place, ['claude', 'apiKey'], claude.apiKey, claude.apiKeyFile);
  const auditToken =
    env.auditToken ?? readSecret(place, ['audit', 'token'], audit.token, audit.tokenFile);
  const key = readSecret(place, ['redaction', 'key'], redaction.key, redaction.keyFile);
  const environments = environmentsOf(file, env, place);
  const { problems, ...rules } = readIgnoreRules(
    file,
    environments.map((one) => one.name),
  );
  for (const { path, message } of problems) place.refuse(path, message);
  const slack = toSlack(file.slack, env, place);
  return {
    environments,
    resources: file.resources,
    confighub: {
      url: env.confighubUrl ?? confighub.url,
      dialect: confighub.dialect,
      refreshMs: confighub.refresh,
      ...withoutUndefined({ token, filtersSpace: confighub.filtersSpace }),
    },
    temporal: toTemporal(temporal, env, place),
    database: { url: databaseUrl ?? DEFAULT_DATABASE_URL },
    claude: toClaude(claude, apiKey, place.refuse),
    cost: toCostRates(file.cost, place.refuse),
    policies: file.policies.map(toPolicyRule),
    guards: toGuards(file.guards),
    ...rules,
    ignoreAnnotations: file.ignoreAnnotations,
    drift: file.drift,
    autoFix: env.autoFix ?? file.autoFix,
    people: file.people.map(({ tokenHash, ...person }) => ({
      ...person,
      tokenSha256: tokenHash.slice('sha256:'.length),
    })),
    api: { ...file.api, ...withoutUndefined({ port: flags.port ?? env.port, host: flags.host }) },
    audit: withoutUndefined({ token: auditToken }),
    settle: { quietMs: settle.quiet, maxMs: settle.max },
    pending: { graceMs: file.pending.grace },
    rolloutTimeoutMs: file.rolloutTimeout,
    applyTimeoutMs: file.applyTimeout,
    residue: file.residue,
    confirm: file.confirm,
    appliers: file.appliers,
    redaction: withoutUndefined({ key }),
    slack,
    notifications: toNotifications(file, slack, place),
    retention: { episodesMs: file.retention.episodes, auditMs: file.retention.audit },
    log: { level: flags.logLevel ?? env.logLevel ?? file.log.level },
  };
}

/** Environments of the file, or the one that the seeds' variables describe, named after its space. */
function environmentsOf(
  file: ConfigFile,
  env: Overrides,
  place: Place,
): readonly EnvironmentConfig[] {
  const fallbackNamespace = env.namespace ?? DEFAULT_NAMESPACE;
  if (!file.environments) {
    const space = env.space ?? DEFAULT_SPACE;
    return [
      {
        name: space,
        labels: {},
        source: { kind: 'confighub', space },
        cluster: withoutUndefined({
          kubeconfig: env.kubeconfig,
          repairKubeconfig: env.repairKubeconfig,
        }),
        defaultNamespace: fallbackNamespace,
        namespaces: [fallbackNamespace],
        unmanaged: 'ignore',
      },
    ];
  }
  return file.environments.map((environment) => {
    const defaultNamespace = environment.defaultNamespace ?? fallbackNamespace;
    const { kubeconfig, repairKubeconfig, context } = environment.cluster;
    const fileOr = (file: string | undefined, otherwise: string | undefined) =>
      file === undefined ? otherwise : pathFrom(place.directory, file);
    return {
      ...environment,
      cluster: withoutUndefined({
        kubeconfig: fileOr(kubeconfig, env.kubeconfig),
        repairKubeconfig: fileOr(repairKubeconfig, env.repairKubeconfig),
        context,
      }),
      defaultNamespace,
      namespaces: environment.namespaces ?? [defaultNamespace],
    };
  });
}

function invalid(file: string, problems: readonly ConfigProblem[]): AppError {
  const ordered = problems.toSorted((left, right) => (left.line ?? 0) - (right.line ?? 0));
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const lines = ordered.map((problem) => `  ${describeProblem(problem)}`);
  return new AppError('CONFIG_INVALID', `${file} has ${count}:\n${lines.join('\n')}`, {
    details: { file, problems: ordered },
  });
}
