import { z } from 'zod';
import type { ClientDeps } from './deps.ts';
import type { ConfigHub } from './hub.ts';
import type { SpaceCounts } from './types.ts';
import { parse, parseSpace } from './wire.ts';

const count = z.number().nullish();
const counts = z.looseObject({
  Space: z.unknown(),
  TotalUnitCount: count,
  GatedUnitCount: count,
  UpgradableUnitCount: count,
  UnappliedUnitCount: count,
  UnreleasedUnitCount: count,
  TotalTagCount: count,
  TotalChangeSetCount: count,
  TotalFilterCount: count,
  TotalBridgeWorkerCount: count,
  TotalTargetCount: count,
  TargetCountByToolchainType: z.record(z.string(), z.number()).nullish(),
});

/** Spaces with the counts that servers make of what is in them; which ones depends on their generation. */
export function createSummaryCalls({ http }: ClientDeps): Pick<ConfigHub, 'summarizeSpaces'> {
  return {
    summarizeSpaces: async (where) => {
      const query = { summary: 'true', where: where?.expression };
      const answer = await http.list({ method: 'GET', path: '/space', query });
      return parse(z.array(counts), 'list of spaces', answer).map((wire) => ({
        ...parseSpace(wire.Space),
        counts: toCounts(wire),
      }));
    },
  };
}

function toCounts(wire: z.output<typeof counts>): SpaceCounts {
  const byToolchain = wire.TargetCountByToolchainType;
  const targets =
    wire.TotalTargetCount ??
    (byToolchain ? Object.values(byToolchain).reduce((sum, one) => sum + one, 0) : undefined);
  return present({
    units: wire.TotalUnitCount,
    gated: wire.GatedUnitCount,
    upgradable: wire.UpgradableUnitCount,
    unapplied: wire.UnappliedUnitCount ?? wire.UnreleasedUnitCount,
    tags: wire.TotalTagCount,
    changeSets: wire.TotalChangeSetCount,
    filters: wire.TotalFilterCount,
    workers: wire.TotalBridgeWorkerCount,
    targets,
  });
}

function present(
  values: Readonly<Record<keyof SpaceCounts, number | null | undefined>>,
): SpaceCounts {
  const known = Object.entries(values).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(known);
}
