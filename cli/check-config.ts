import { DEFAULT_RULES } from '../drift/compare/default-rules.ts';
import { type Config, loadConfig } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import { type OutputFormat, renderTable, writeNote, writeResult } from './output.ts';
import { EXIT } from './report-error.ts';
import { withoutPassword, withoutSecrets } from './without-secrets.ts';

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
    `Temporal    ${config.temporal.address}, namespace ${config.temporal.namespace}${config.temporal.tls ? ', over TLS' : ''}`,
    `Postgres    ${withoutPassword(config.database.url)}`,
    `Slack       ${slackLine(config)}`,
    `Claude      ${config.claude.apiKey ? 'on' : 'off: no key'}`,
    `Receivers   ${config.notifications.receivers.map((one) => one.name).join(', ') || 'none: nobody is told'}`,
    `Api         ${config.api.host}:${config.api.port}, auth ${config.api.auth}`,
    `Policies    ${config.policies.map((rule) => rule.name).join(', ') || 'none: everything asks'}`,
    `Ignore      ${config.ignore.map((rule) => rule.id).join(', ') || 'only what default rules hide'}`,
    `AUTO_FIX    ${config.autoFix ? 'on' : 'off: automatic fixes ask'}`,
    'The configuration is well.',
  ].join('\n');
}

function slackLine({ slack }: Config): string {
  if (slack.mode === 'off')
    return slack.lacks === undefined ? 'off' : `off: ${slack.lacks} is missing`;
  return `${slack.mode} mode${slack.channel === undefined ? '' : `, channel ${slack.channel}`}`;
}
