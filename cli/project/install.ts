import { equals } from '../../clients/confighub/where.ts';
import type { Config } from '../../lib/config.ts';
import { AppError, fromUnknown } from '../../lib/errors.ts';
import {
  type Check,
  examineCluster,
  examineNode,
  examinePostgres,
  examineTemporal,
} from '../../workers/doctor.ts';
import { renderChecks } from '../checks.ts';
import { type Project, runInstallBase, runInstallEnvs } from '../project.ts';

/** The id of no unit. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Examines everything that Realign will need, all at once, and only if all of it is well installs: the base, then the
 * environments. SETUP_FAILED where something is not, after saying what and how to repair it.
 */
export async function runInstall(
  project: Project,
  config: Config,
  options: { readonly withRegions: boolean },
): Promise<void> {
  const { say } = project;
  const checks = await Promise.all([
    examineNode(process.versions.node),
    examineRole(project),
    examinePostgres(config.database.url),
    examineTemporal(config.temporal),
    ...config.environments.map((environment) => examineCluster(environment, config.resources)),
  ]);
  say(renderChecks(checks));
  const failed = checks.filter((check) => !check.ok).length;
  if (failed > 0) {
    throw new AppError(
      'SETUP_FAILED',
      `${failed} of ${checks.length} checks failed, so nothing was installed`,
    );
  }
  await runInstallBase(project);
  await runInstallEnvs(project, options);
}

/** ConfigHub answers, knows the token, and lets it write: asked by an upgrade that selects nothing. */
async function examineRole({ hub, url }: Project): Promise<Check> {
  const name = 'ConfigHub';
  try {
    const { dialect, version = '' } = await hub.info();
    const { username } = await hub.me();
    const who = `${url}${version && ` ${version}`}, dialect ${dialect}, as ${username || 'somebody'}`;
    const refusal = await hub
      .upgradeUnits(equals('UnitID', NOBODY))
      .then(() => undefined, fromUnknown);
    if (refusal === undefined) return { name, ok: true, detail: `${who}, may write` };
    const repair = 'Use a token whose owner may change spaces and units.';
    return { name, ok: false, detail: `${who}, but may not write: ${refusal.message}`, repair };
  } catch (error) {
    const { message, repair } = fromUnknown(error, 'CONFIGHUB_UNAVAILABLE');
    return { name, ok: false, detail: message, repair };
  }
}
