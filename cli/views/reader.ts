import {
  type ConfigHub,
  createConfighubClient,
  type Space,
  type Unit,
} from '../../clients/confighub/index.ts';
import { type Config, loadConfig } from '../../lib/config.ts';
import { tokenOf } from '../../lib/confighub-token.ts';
import { AppError } from '../../lib/errors.ts';
import { createLog } from '../../lib/log.ts';
import { type OutputFormat, writeNote } from '../output.ts';

/** What every view of ConfigHub is given. */
export type Reader = {
  readonly hub: ConfigHub;
  readonly config: Config;
  readonly output: OutputFormat;
  /** Rows that are shown at most. */
  readonly limit: number;
};

/** The ConfigHub of the configuration; CONFIG_INVALID without its token, INVALID_INPUT for a limit that is none. */
export function openReader(options: {
  readonly config?: string;
  readonly output: OutputFormat;
  readonly limit: string;
}): Reader {
  const { config: file, output } = options;
  const config = loadConfig({ env: process.env, ...(file !== undefined && { file }) });
  const { url, dialect } = config.confighub;
  const token = tokenOf(config);
  const hub = createConfighubClient({ url, token, dialect, log: createLog(config.log.level) });
  return { hub, config, output, limit: readLimit(options.limit) };
}

const MAX_LIMIT = 10_000;

export function readLimit(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new AppError('INVALID_INPUT', `--limit ${text} is no number from 1 to ${MAX_LIMIT}`);
}

/** The rows to show, and a note about those that are not. */
export function shown<Row>(rows: readonly Row[], { limit }: Pick<Reader, 'limit'>): readonly Row[] {
  if (rows.length > limit) {
    writeNote(`${limit} of ${rows.length} are shown; --limit ${rows.length} shows all.`);
  }
  return rows.slice(0, limit);
}

/** NOT_FOUND if there is no such space. */
export async function requireSpace(hub: ConfigHub, slug: string): Promise<Space> {
  const space = await hub.findSpace(slug);
  if (space) return space;
  throw new AppError('NOT_FOUND', `ConfigHub has no space ${slug}; realign spaces lists them`);
}

/** The unit that `space/unit` names. */
export async function requireUnit(hub: ConfigHub, name: string): Promise<Unit> {
  const [spaceSlug = '', slug = '', ...rest] = name.split('/');
  if (spaceSlug === '' || slug === '' || rest.length > 0) {
    throw new AppError('INVALID_INPUT', `"${name}" names no unit; write space/unit`);
  }
  const space = await requireSpace(hub, spaceSlug);
  const unit = await hub.findUnit(space.spaceId, slug);
  if (unit) return unit;
  throw new AppError('NOT_FOUND', `space ${spaceSlug} has no unit ${slug}`);
}

/** Slugs of all spaces by id. */
export async function spaceSlugs(hub: ConfigHub): Promise<ReadonlyMap<string, string>> {
  return new Map((await hub.listSpaces()).map((space) => [space.spaceId, space.slug]));
}

export function showLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.toSorted().join(', ') || '-';
}
