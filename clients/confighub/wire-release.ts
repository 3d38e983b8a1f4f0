import { z } from 'zod';
import { parse } from './wire.ts';

/** A published bundle of a space's units, and what became of it. */
export type Release = {
  readonly releaseId: string;
  readonly spaceId: string;
  readonly targetId: string;
  /** `Synced`, `OutOfSync` or `Unknown`; `Unknown` while nobody reports. */
  readonly sync: string;
  /** `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`. */
  readonly health: string;
  /** What the controller does: its phase, e.g. `Running`, `Failed`. */
  readonly operation: string;
  readonly message: string;
  readonly createdAt: string;
};

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

const release = z.object({
  Release: z.object({
    ReleaseID: z.string().min(1),
    SpaceID: z.string().min(1),
    TargetID: text,
    CreatedAt: text,
    LiveStatus: z
      .object({ Sync: text, Health: text, Operation: text, Message: text })
      .nullish()
      .transform((status) => status ?? { Sync: '', Health: '', Operation: '', Message: '' }),
  }),
});

/** `{Release}`, of a list, a read or a publication. */
export function parseRelease(value: unknown): Release {
  const { Release: wire } = parse(release, 'release', value);
  const { LiveStatus: status } = wire;
  return {
    releaseId: wire.ReleaseID,
    spaceId: wire.SpaceID,
    targetId: wire.TargetID,
    sync: status.Sync || 'Unknown',
    health: status.Health || 'Unknown',
    operation: status.Operation,
    message: status.Message,
    createdAt: wire.CreatedAt,
  };
}

/** Where a space's releases go; undefined if nowhere. */
export function parseReleaseTarget(value: unknown): { slug: string; targetId: string | undefined } {
  const wire = parse(
    z.object({ Space: z.object({ Slug: text, ReleaseTargetID: z.string().nullish() }) }),
    'space',
    value,
  );
  return { slug: wire.Space.Slug, targetId: wire.Space.ReleaseTargetID || undefined };
}
