import type { ConfigHub, Space, UnitResult } from '../clients/confighub/index.ts';
import { allOf, equals, lessThanAttribute } from '../clients/confighub/where.ts';
import {
  applyAll,
  INSTALLED_BY,
  installBase,
  installEnvironments,
} from '../examples/acorn-bear/install.ts';
import { AppError } from '../lib/errors.ts';

/** What the project commands share: each may be run again, and with `dryRun` only says what it would do. */
export type Project = {
  readonly hub: ConfigHub;
  /** First part of every space's slug, e.g. `acorn-bear`. */
  readonly prefix: string;
  readonly dryRun: boolean;
  /** One line for people. */
  readonly say: (line: string) => void;
};

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const;
/** Annotation of a unit whose upgrade waits for somebody. */
const WAITING_FOR = 'realign.dev/waiting-for';

/** `<prefix>-base` with the example's units, `<prefix>-filters` with its Filters. */
export async function runInstallBase({ hub, prefix, dryRun, say }: Project): Promise<void> {
  if (dryRun) {
    for (const name of ['base', 'filters']) {
      const slug = `${prefix}-${name}`;
      say(`${(await hub.findSpace(slug)) ? 'would complete' : 'would create'} space ${slug}`);
    }
    return;
  }
  const base = await installBase(hub, prefix);
  const units = await hub.listUnits({ space: base.spaceId, detail: 'state' });
  say(`space ${base.slug} has ${units.length} units`);
}

/** A space for each environment, cloned level by level. */
export async function runInstallEnvs({ hub, prefix, dryRun, say }: Project): Promise<void> {
  if (dryRun) {
    for (const name of ENVIRONMENTS) say(`would clone into space ${prefix}-${name}`);
    return;
  }
  for (const { slug, spaceId } of await installEnvironments(hub, prefix, ENVIRONMENTS)) {
    const units = await hub.listUnits({ space: spaceId, detail: 'state' });
    say(`space ${slug} has ${units.length} units`);
  }
}

/** Applies every unit of an environment whose head is not live, and waits. */
export async function runApplyAll(
  { hub, prefix, dryRun, say }: Project,
  environment: string,
): Promise<void> {
  const space = await requireSpace(hub, prefix, environment);
  if (dryRun) {
    const units = await hub.listUnits({ space: space.spaceId, detail: 'summary' });
    const behind = units.filter((unit) => unit.liveRevision < unit.headRevision);
    for (const unit of behind) say(`would apply ${space.slug}/${unit.slug}`);
    if (behind.length === 0) say(`everything of ${space.slug} is live`);
    return;
  }
  const applied = await applyAll(hub, space.spaceId, 'changed', undefined);
  say(`${applied} units of ${space.slug} applied`);
}

/**
 * Upgrades the units of `to` that are behind their upstream in `from`. Into production only with `approved`: else they are
 * marked as waiting for it and FORBIDDEN is thrown.
 */
export async function runPromote(
  { hub, prefix, dryRun, say }: Project,
  {
    from,
    to,
    approved,
  }: { readonly from: string; readonly to: string; readonly approved: boolean },
): Promise<void> {
  const [source, destination] = [
    await requireSpace(hub, prefix, from),
    await requireSpace(hub, prefix, to),
  ];
  const behind = allOf(
    equals('SpaceID', destination.spaceId),
    equals('UpstreamSpaceID', source.spaceId),
    lessThanAttribute('Unit.UpstreamRevisionNum', 'UpstreamUnit.HeadRevisionNum'),
  );
  const units = await hub.listUnits({ where: behind, detail: 'summary' });
  if (units.length === 0) {
    say(`no unit of ${destination.slug} is behind ${source.slug}`);
    return;
  }
  for (const unit of units) {
    say(`${dryRun ? 'would upgrade' : 'upgrades'} ${destination.slug}/${unit.slug}`);
  }
  if (dryRun) return;
  if (destination.labels['environment'] === 'prod' && !approved) {
    const annotations = { [WAITING_FOR]: 'approval' };
    for (const unit of units) await hub.patchUnit(unit, { annotations });
    throw new AppError(
      'FORBIDDEN',
      `${units.length} units of ${destination.slug} wait for approval: whoever may, promotes with --approve`,
    );
  }
  refuseFailures(
    await hub.upgradeUnits(behind, { changeDescription: `Promoted from ${source.slug}` }),
  );
  for (const unit of units.filter((one) => WAITING_FOR in one.annotations)) {
    await hub.patchUnit(unit, { annotations: { [WAITING_FOR]: null } });
  }
}

/** The spaces that an installation made; `confirm` is asked before they go. What they applied stays in the cluster. */
export async function runCleanup(
  { hub, prefix, dryRun, say }: Project,
  confirm: (question: string) => Promise<boolean>,
): Promise<void> {
  const spaces = (await hub.listSpaces(equals('Labels.project', prefix))).filter((space) =>
    Object.entries(INSTALLED_BY).every(([label, value]) => space.labels[label] === value),
  );
  if (spaces.length === 0) {
    say(`nothing of ${prefix} is installed`);
    return;
  }
  const names = spaces.map((space) => space.slug).join(', ');
  if (dryRun) {
    say(`would delete ${names}`);
    return;
  }
  if (!(await confirm(`Delete the spaces ${names} with all their units?`))) {
    throw new AppError('FORBIDDEN', 'nothing was deleted: nobody said yes (--yes says it)');
  }
  for (const space of spaces) {
    await hub.deleteSpace(space.spaceId);
    say(`space ${space.slug} deleted`);
  }
}

async function requireSpace(hub: ConfigHub, prefix: string, environment: string): Promise<Space> {
  const slug = `${prefix}-${environment}`;
  const found = await hub.findSpace(slug);
  if (found !== undefined) return found;
  throw new AppError('NOT_FOUND', `there is no space ${slug}: run install-base and install-envs`);
}

function refuseFailures(results: readonly UnitResult[]): void {
  const messages = results.flatMap((result) => (result.ok ? [] : [result.message]));
  if (messages.length > 0) {
    throw new AppError('CONFIGHUB_REFUSED', `not upgraded: ${messages.join('; ')}`);
  }
}
