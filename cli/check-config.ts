import { DEFAULT_RULES } from '../drift/default-rules.ts';
import { type Config, loadConfig } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import { type OutputFormat, renderTable, writeNote, writeResult } from './output.ts';
import { EXIT } from './report-error.ts';

/** Prints what the configuration says, or all its problems (exit code 1). Secrets are named as set or not, never printed. */
export function checkConfig(options: {
  readonly file: string | undefined;
  readonly output: OutputFormat;
}): number {
  try {
    const config = loadConfig({
      env: process.env,
      ...(options.file === undefined ? {} : { file: options.file }),
    });
    const shown = withoutSecrets(config);
    const found = { ok: true, problems: [], config: shown, default_ignore_rules: DEFAULT_RULES };
    writeResult(options.output, found, () => summary(config));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CONFIG_INVALID') throw error;
    const { problems } = error.details;
    if (options.output === 'json') writeResult('json', { ok: false, problems }, String);
    else writeNote(error.message);
    return EXIT.found;
  }
}

/** Everything but the values of secrets; of a database URL the host and name stay. */
export function withoutSecrets(config: Config): object {
  const set = (value: string | undefined) => (value === undefined ? 'not set' : 'set');
  return {
    ...config,
    confighub: { ...config.confighub, token: set(config.confighub.token) },
    database: { url: withoutPassword(config.database.url) },
    claude: { apiKey: set(config.claude.apiKey) },
    audit: { token: set(config.audit.token) },
    redaction: { key: set(config.redaction.key) },
    people: config.people.map(({ tokenSha256: _, ...person }) => person),
  };
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  // `?password=` is another way to give one.
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.href;
}

function summary(config: Config): string {
  const environments = renderTable(config.environments, [
    { title: 'ENVIRONMENT', value: (one) => one.name },
    { title: 'SPACE', value: (one) => one.source.space },
    { title: 'CONTEXT', value: (one) => one.cluster.context ?? 'current' },
    { title: 'NAMESPACES', value: (one) => one.namespaces.join(', ') || 'all' },
    { title: 'UPSTREAM', value: (one) => one.upstream ?? '-' },
  ]);
  return [
    environments,
    '',
    `ConfigHub   ${config.confighub.url} (token ${config.confighub.token ? 'set' : 'not set'})`,
    `Temporal    ${config.temporal.address}, namespace ${config.temporal.namespace}`,
    `Postgres    ${withoutPassword(config.database.url)}`,
    `Api         ${config.api.host}:${config.api.port}, auth ${config.api.auth}`,
    `Policies    ${config.policies.map((rule) => rule.name).join(', ') || 'none: everything asks'}`,
    `Ignore      ${config.ignore.map((rule) => rule.id).join(', ') || 'only what default rules hide'}`,
    `AUTO_FIX    ${config.autoFix ? 'on' : 'off: automatic fixes ask'}`,
    'The configuration is well.',
  ].join('\n');
}
