import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { normaliseBaseUrl } from './base-url.ts';
import { createActionCalls } from './bridge-actions.ts';
import { createGroupCalls } from './bridge-groups.ts';
import { createUnitCalls } from './bridge-units.ts';
import type { ClientDeps } from './deps.ts';
import { createDialectCalls, type DialectCalls } from './dialect-calls.ts';
import { createEntityCalls } from './entities.ts';
import { createHttp, type Http } from './http.ts';
import type { ConfigHub } from './hub.ts';
import { createReleaseActions } from './release-actions.ts';
import { createReleaseGroups } from './release-groups.ts';
import { createReleaseRevisions } from './release-revisions.ts';
import { createReleaseUnits, createWritten } from './release-units.ts';
import { createSpaceNames } from './space-names.ts';
import { createSummaryCalls } from './space-summaries.ts';
import type { Dialect } from './types.ts';
import { equals } from './where.ts';
import { parse, parseEnvelopes, parseSpace } from './wire.ts';

export type ConfighubOptions = {
  /** `CUB_API_URL`: origin, `…/api` or `…/api/v1`. */
  readonly url: string;
  readonly token: string;
  /** `auto` (default) reads it from `GET /info`. */
  readonly dialect?: Dialect | 'auto';
  /** Per request; default 30 s. */
  readonly timeoutMs?: number;
  readonly log: Log;
};

const DEFAULT_TIMEOUT_MS = 30_000;
// The first server known to have releases instead of applies.
const FIRST_RELEASE_VERSION = [0, 2, 11] as const;

const infoWire = z.object({ Version: z.string().nullish() });
const meWire = z.object({ UserID: z.string().nullish(), Username: z.string().nullish() });

/** A client of one ConfigHub server. Connects at the first call; throws CONFIG_INVALID for a URL that cannot be one. */
export function createConfighubClient(options: ConfighubOptions): ConfigHub {
  const { url, droppedVersion } = normaliseBaseUrl(options.url);
  if (droppedVersion) {
    options.log.info({ url }, 'ConfigHub has no /v1: the version was dropped from CUB_API_URL');
  }
  const http = createHttp({
    baseUrl: url,
    token: options.token,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
  const names = createSpaceNames(async (spaceId) => {
    const answer = await http.json({
      method: 'GET',
      path: `/space/${encodeURIComponent(spaceId)}`,
    });
    return parseEnvelopes('Space', parseSpace, [answer])[0]?.slug ?? '';
  });
  const deps = { http, names };
  const readInfo = async () =>
    parse(infoWire, 'server info', await http.json({ method: 'GET', path: '/info' }));
  const dialect = createDialectChoice(http, options.dialect ?? 'auto', readInfo);
  const bridge = createBridgeCalls(deps);
  const release = createReleaseCalls(deps);
  return {
    dialect,
    info: async () => {
      const { Version: version } = await readInfo();
      return { dialect: await dialect(), ...(version ? { version } : {}) };
    },
    me: async () => {
      const wire = parse(meWire, 'identity', await http.json({ method: 'GET', path: '/me' }));
      return { userId: wire.UserID ?? '', username: wire.Username ?? '' };
    },
    ...createEntityCalls(deps),
    ...createSummaryCalls(deps),
    ...createDialectCalls(async () => ((await dialect()) === 'bridge' ? bridge : release)),
  };
}

function createBridgeCalls(deps: ClientDeps): DialectCalls {
  const units = createUnitCalls(deps);
  return { ...units, ...createActionCalls(deps), ...createGroupCalls(deps, units) };
}

function createReleaseCalls(deps: ClientDeps): DialectCalls {
  const units = createReleaseUnits(deps);
  return {
    ...units,
    ...createReleaseRevisions(deps.http, createWritten(deps)),
    ...createReleaseActions(deps, units),
    ...createReleaseGroups(deps, units),
  };
}

/** Asked once; a failure is not remembered. */
function createDialectChoice(
  http: Http,
  configured: Dialect | 'auto',
  readInfo: () => Promise<z.infer<typeof infoWire>>,
): () => Promise<Dialect> {
  let choice: Promise<Dialect> | undefined;
  const ask = async (): Promise<Dialect> => {
    if (configured !== 'auto') return configured;
    const { Version: version } = await readInfo();
    return dialectOf(version ?? '') ?? probe(http);
  };
  return () => {
    const asked = choice ?? ask();
    choice = asked;
    asked.catch(() => {
      if (choice === asked) choice = undefined;
    });
    return asked;
  };
}

// Between the generations that are known, the endpoint of documents tells.
async function probe(http: Http): Promise<Dialect> {
  try {
    const query = equals('Slug', 'probe').expression;
    await http.json({ method: 'GET', path: '/unit_data', query: { where: query } });
    return 'release';
  } catch (error) {
    const code = error instanceof AppError ? error.code : '';
    if (code === 'NOT_FOUND' || code === 'CONFIGHUB_REFUSED') return 'bridge';
    throw error;
  }
}

/** Undefined where the version alone does not say it. */
function dialectOf(version: string): Dialect | undefined {
  if (version === '') return 'bridge';
  const numbers = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (numbers === undefined) return undefined;
  for (const [place, first] of FIRST_RELEASE_VERSION.entries()) {
    const number = numbers[place] ?? 0;
    if (number !== first) return number > first ? 'release' : undefined;
  }
  return 'release';
}
