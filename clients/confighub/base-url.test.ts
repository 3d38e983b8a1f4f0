import { describe, expect, it } from 'vitest';
import { normaliseBaseUrl } from './base-url.ts';

describe('normaliseBaseUrl', () => {
  it.each([
    ['https://hub.confighub.com', false],
    ['https://hub.confighub.com/', false],
    ['https://hub.confighub.com/api', false],
    ['https://hub.confighub.com/api/', false],
    ['https://hub.confighub.com/api/v1', true],
    ['https://hub.confighub.com/api/v1//', true],
  ])('reads %s', (written, droppedVersion) => {
    expect(normaliseBaseUrl(written)).toEqual({
      url: 'https://hub.confighub.com/api',
      droppedVersion,
    });
  });

  it('keeps a path before it', () => {
    expect(normaliseBaseUrl('http://proxy:8080/hub/api').url).toBe('http://proxy:8080/hub/api');
  });

  it.each(['hub.confighub.com', 'ftp://x', 'https://user:secret@hub', 'https://hub?x=1'])(
    'refuses %s',
    (written) => {
      expect(() => normaliseBaseUrl(written)).toThrow(/CUB_API_URL/);
    },
  );
});
