import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { normaliseBaseUrl } from './base-url.ts';
import { createActionCalls } from './bridge-actions.ts';
import { createEntityCalls } from './bridge-entities.ts';
import { createUnitCalls } from './bridge-units.ts';
import { createHttp } from './http.ts';
import type { ConfigHub } from './hub.ts';
import { createSpaceNames } from './space-names.ts';
import type { Dialect, ServerInfo } from './types.ts';
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
  return {
    info: async () => {
      const wire = parse(
        infoWire,
        'server info',
        await http.json({ method: 'GET', path: '/info' }),
      );
      return serverInfo(wire.Version ?? '', options.dialect ?? 'auto');
    },
    me: async () => {
      const wire = parse(meWire, 'identity', await http.json({ method: 'GET', path: '/me' }));
      return { userId: wire.UserID ?? '', username: wire.Username ?? '' };
    },
    ...createUnitCalls(deps),
    ...createActionCalls(deps),
    ...createEntityCalls(deps),
  };
}

function serverInfo(version: string, configured: Dialect | 'auto'): ServerInfo {
  const dialect = configured === 'auto' ? dialectOf(version) : configured;
  if (dialect === 'release') {
    throw new AppError(
      'CONFIGHUB_REFUSED',
      `ConfigHub ${version} publishes releases instead of applying units; this client speaks the bridge dialect only`,
    );
  }
  return version === '' ? { dialect } : { dialect, version };
}

function dialectOf(version: string): Dialect {
  const numbers = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (numbers === undefined) return 'bridge';
  for (const [place, first] of FIRST_RELEASE_VERSION.entries()) {
    const number = numbers[place] ?? 0;
    if (number !== first) return number > first ? 'release' : 'bridge';
  }
  return 'release';
}
