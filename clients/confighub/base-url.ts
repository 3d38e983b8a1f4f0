import { AppError } from '../../lib/errors.ts';

/**
 * ConfigHub's API is at `<origin>/api`, no version. People write the origin, `…/api` or (as the first detector's README did)
 * `…/api/v1`; all three mean the same. `droppedVersion` tells that the last one was written.
 */
export function normaliseBaseUrl(written: string): { url: string; droppedVersion: boolean } {
  const parsed = URL.canParse(written) ? new URL(written) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new AppError(
      'CONFIG_INVALID',
      `CUB_API_URL is not an http(s) URL: ${JSON.stringify(written)}`,
    );
  }
  if (parsed.username !== '' || parsed.search !== '' || parsed.hash !== '') {
    throw new AppError('CONFIG_INVALID', 'CUB_API_URL must hold no user name, query or fragment');
  }
  const path = parsed.pathname.replace(/\/+$/, '');
  const unversioned = path.replace(/\/v1$/, '');
  return {
    url: `${parsed.origin}${unversioned.replace(/\/api$/, '')}/api`,
    droppedVersion: unversioned !== path,
  };
}
