import type { ConfigHub, Labels, Space } from '../../clients/confighub/index.ts';
import { installEnvironment } from '../../examples/acorn-bear/install.ts';
import { AppError } from '../../lib/errors.ts';
import { type Customised, customised } from './regions.ts';

/** One environment of the chain, and the one that it is cloned from. */
export type EnvironmentStep = {
  readonly name: string;
  readonly from: string;
  readonly labels: Labels & { readonly environment: string };
  /** Local changes of its clones. */
  readonly custom?: Customised;
};

const CHAIN: readonly EnvironmentStep[] = [
  { name: 'dev', from: 'base', labels: { environment: 'dev' } },
  { name: 'staging', from: 'dev', labels: { environment: 'staging' } },
  { name: 'prod', from: 'staging', labels: { environment: 'prod' } },
];

const regionLabels = (region: string) => ({ environment: 'prod', region });

/** Production once more for each region, cloned from prod; each has something of its own. */
const REGIONS: readonly EnvironmentStep[] = [
  {
    name: 'us-prod',
    from: 'prod',
    labels: regionLabels('us'),
    custom: { resources: { cpu: '200m', memory: '256Mi' } },
  },
  {
    name: 'eu-prod',
    from: 'prod',
    labels: { ...regionLabels('eu'), compliance: 'gdpr' },
    custom: { labels: { compliance: 'gdpr', region: 'eu' } },
  },
  {
    name: 'asia-prod',
    from: 'prod',
    labels: regionLabels('asia'),
    custom: { nodeSelector: { zone: 'asia-east1' } },
  },
];

/** dev, staging and prod, with the regions behind them where they are wanted. */
export function environmentSteps(withRegions: boolean): readonly EnvironmentStep[] {
  return withRegions ? [...CHAIN, ...REGIONS] : CHAIN;
}

/** The application's spaces along the chain; only adds what is missing. NOT_FOUND without the base. */
export async function installSteps(
  hub: ConfigHub,
  prefix: string,
  steps: readonly EnvironmentStep[],
): Promise<readonly Space[]> {
  const installed: Space[] = [];
  for (const { name, from, labels, custom } of steps) {
    const slug = `${prefix}-${from}`;
    const upstream = await hub.findSpace(slug);
    if (!upstream) throw new AppError('NOT_FOUND', `there is no space ${slug}: run install-base`);
    const space = await installEnvironment(hub, prefix, { name, upstream, labels });
    if (custom) await customise(hub, space, custom);
    installed.push(space);
  }
  return installed;
}

/** Unit that a region has its own way with. */
const CUSTOMISED_UNIT = 'backend-api';

/** Only a unit that is as it was cloned: whatever people changed since is theirs. */
async function customise(hub: ConfigHub, space: Space, custom: Customised): Promise<void> {
  const unit = await hub.findUnit(space.spaceId, CUSTOMISED_UNIT);
  if (unit === undefined || unit.headRevision > 1) return;
  await hub.writeData(unit, customised(await hub.readData(unit), custom), {
    changeDescription: `Fitted to ${space.slug}`,
  });
}
