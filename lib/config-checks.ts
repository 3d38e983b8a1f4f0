import type { Refuse } from './config-files.ts';
import type { Config } from './config-types.ts';
import { didYouMean } from './nearest-name.ts';

/** What is wrong only when keys are read together. */
export function checkWhole(config: Config, refuse: Refuse): void {
  const names = config.environments.map((one) => one.name);
  config.environments.forEach((environment, index) => {
    const { name, upstream, namespaces, defaultNamespace } = environment;
    if (names.indexOf(name) < index)
      refuse(['environments', index, 'name'], `"${name}" is there twice`);
    if (namespaces.length > 0 && !namespaces.includes(defaultNamespace)) {
      refuse(
        ['environments', index, 'namespaces'],
        `the default namespace "${defaultNamespace}" is not among them; add it or set defaultNamespace`,
      );
    }
    if (upstream !== undefined && (upstream === name || !names.includes(upstream))) {
      const hint = didYouMean(
        upstream,
        names.filter((one) => one !== name),
      );
      refuse(['environments', index, 'upstream'], `"${upstream}" is no other environment${hint}`);
    }
  });
  const { records, space } = config.drift;
  if (records === 'units' && config.environments.some((one) => one.source.space === space)) {
    refuse(
      ['drift', 'space'],
      `"${space}" is watched as an environment: drifts need another space`,
    );
  }
  for (const field of ['name', 'tokenSha256', 'email', 'slackId', 'kubernetesUser'] as const) {
    const key = field === 'tokenSha256' ? 'tokenHash' : field;
    const values = config.people.map((person) => person[field]);
    values.forEach((value, index) => {
      if (value === undefined || values.indexOf(value) === index) return;
      refuse(['people', index, key], `${config.people[values.indexOf(value)]?.name} has the same`);
    });
  }
  if (config.api.auth === 'none' && !isLoopback(config.api.host)) {
    refuse(
      ['api', 'auth'],
      `none is allowed only while api.host is a loopback address, not "${config.api.host}"`,
    );
  }
  const elsewhere = config.slack.mode === 'off' ? [] : config.slack.approveOnWeb;
  for (const [index, name] of elsewhere.entries()) {
    if (names.includes(name)) continue;
    const message = `there is no environment "${name}"${didYouMean(name, names)}`;
    refuse(['slack', 'approveOnWeb', index], message);
  }
  if (config.api.metricsPort === config.api.port)
    refuse(['api', 'metricsPort'], 'equals the port of the api');
  const withoutRepair = config.environments.find((one) => !one.cluster.repairKubeconfig);
  for (const [key, value] of [
    ['residue', 'patch'],
    ['confirm', 'dry-run'],
  ] as const) {
    if (config[key] !== value || !withoutRepair) continue;
    refuse(
      [key],
      `${value} needs a second identity: set cluster.repairKubeconfig of environment ${withoutRepair.name}`,
    );
  }
  checkMail(config, refuse);
  if (config.settle.maxMs < config.settle.quietMs)
    refuse(['settle', 'max'], 'is shorter than settle.quiet');
  if (config.retention.auditMs < config.retention.episodesMs)
    refuse(['retention', 'audit'], 'is shorter than retention.episodes');
}

/** A password that crosses a network unencrypted is everybody's. */
function checkMail({ notifications }: Config, refuse: Refuse): void {
  const mail = notifications.receivers.find((one) => one.kind === 'email');
  if (mail?.smtp.tls !== 'none' || mail.smtp.password === undefined) return;
  if (isLoopback(mail.smtp.host)) return;
  refuse(
    ['notifications', 'smtp', 'tls'],
    `none would send the password to ${mail.smtp.host} unencrypted: write required (STARTTLS) or implicit (port 465), or give no password`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
