import { describe, expect, it } from 'vitest';
import type { FieldChange } from '../drift/field-change.ts';
import { scaled } from '../testing/findings.ts';
import { keyedHash } from './digest.ts';
import { diffDigest } from './drift-digest.ts';

const hash = (text: string) => keyedHash('installation', text);
const replicas = scaled();
const added: FieldChange = {
  path: 'data.a',
  op: 'added',
  live: 'x',
  type: 'ConfigMapChange',
  severity: 'low',
  who: 'unknown',
  confidence: 'low',
};

describe('diffDigest', () => {
  it('is 32 hex digits, and the same in whatever order the changes come', () => {
    expect(diffDigest(hash, [replicas, added])).toMatch(/^[0-9a-f]{32}$/);
    expect(diffDigest(hash, [added, replicas])).toBe(diffDigest(hash, [replicas, added]));
    const pending: FieldChange = { ...replicas, op: 'pending' };
    expect(diffDigest(hash, [pending, replicas])).toBe(diffDigest(hash, [replicas, pending]));
  });

  it('does not depend on who made the change, when, or how it is rated', () => {
    const other: FieldChange = {
      ...replicas,
      who: 'Lens',
      when: '2026-11-21T09:00:00Z',
      severity: 'info',
      confidence: 'low',
      subresource: 'scale',
    };
    expect(diffDigest(hash, [other])).toBe(diffDigest(hash, [replicas]));
  });

  it.each<Partial<FieldChange>>([
    { path: 'spec.minReplicas' },
    { op: 'pending' },
    { desired: 4 },
    { live: 6 },
    // A number and its text are different values.
    { live: '5' },
  ])('changes with %j', (part) => {
    expect(diffDigest(hash, [{ ...replicas, ...part }])).not.toBe(diffDigest(hash, [replicas]));
  });

  it('tells a field that is absent from one that is null or empty', () => {
    const { live: _live, ...gone } = replicas;
    const digests = [gone, { ...gone, live: null }, { ...gone, live: '' }].map((one) =>
      diffDigest(hash, [one]),
    );
    expect(new Set(digests).size).toBe(3);
  });

  it('differs between installations, so that a weak secret cannot be guessed from it', () => {
    expect(diffDigest((text) => keyedHash('other', text), [replicas])).not.toBe(
      diffDigest(hash, [replicas]),
    );
  });

  it('leaves the list that it was given as it was', () => {
    const changes = Object.freeze([replicas, added]);
    expect(() => diffDigest(hash, changes)).not.toThrow();
    expect(changes).toEqual([replicas, added]);
  });
});
