import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { CodecKey } from '../lib/config-temporal.ts';
import { createPayloadCodec } from './payload-codec.ts';

const OLD: CodecKey = { id: '2026-10', key: randomBytes(32) };
const NEW: CodecKey = { id: '2026-11', key: randomBytes(32) };
const SAID = { path: 'spec.replicas', live: 'the-live-value' };

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const contentOf = (payload: Payload | undefined): unknown =>
  payload && defaultPayloadConverter.fromPayload(payload);

async function encrypted(key: CodecKey): Promise<Payload> {
  const [payload] = await createPayloadCodec([key]).encode([payloadOf(SAID)]);
  if (!payload) throw new Error('one payload in, one out');
  return payload;
}

describe('encrypting what Temporal stores', () => {
  test('what was encrypted comes back, and nothing of it can be read before', async () => {
    const payload = await encrypted(NEW);
    const stored = Buffer.concat([
      payload.data ?? Buffer.of(),
      ...Object.values(payload.metadata ?? {}),
    ]).toString('latin1');
    expect(stored).not.toContain('the-live-value');
    expect(stored).not.toContain('json/plain');
    const [back] = await createPayloadCodec([NEW]).decode([payload]);
    expect(contentOf(back)).toEqual(SAID);
  });

  test('the same twice looks different', async () => {
    const [first, second] = [await encrypted(NEW), await encrypted(NEW)];
    expect(Buffer.compare(first.data ?? Buffer.of(), second.data ?? Buffer.of())).not.toBe(0);
  });

  test('after a change of keys old payloads are read and new ones use the new key', async () => {
    const both = createPayloadCodec([NEW, OLD]);
    const [back] = await both.decode([await encrypted(OLD)]);
    expect(contentOf(back)).toEqual(SAID);
    const [fresh] = await both.encode([payloadOf(SAID)]);
    const id = fresh?.metadata?.['encryption-key-id'];
    expect(id && Buffer.from(id).toString()).toBe('2026-11');
  });

  test('a payload of a key that is gone names it', async () => {
    const reading = createPayloadCodec([NEW]).decode([await encrypted(OLD)]);
    await expect(reading).rejects.toMatchObject({
      code: 'PAYLOAD_UNREADABLE',
      message: expect.stringContaining('"2026-10"'),
    });
  });

  test.each([
    ['its first bit', (data: Uint8Array) => data.with(0, (data[0] ?? 0) ^ 1)],
    ['its last bit', (data: Uint8Array) => data.with(-1, (data.at(-1) ?? 0) ^ 1)],
    ['its length', (data: Uint8Array) => data.slice(0, 20)],
  ])('a payload that was changed in %s is refused', async (_, change) => {
    const payload = await encrypted(NEW);
    const changed = { ...payload, data: change(new Uint8Array(payload.data ?? [])) };
    const reading = createPayloadCodec([NEW]).decode([changed]);
    await expect(reading).rejects.toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
  });

  test('a payload cannot be passed off as one of another key', async () => {
    const twin: CodecKey = { id: 'twin', key: NEW.key };
    const payload = await encrypted(NEW);
    const renamed = {
      ...payload,
      metadata: { ...payload.metadata, 'encryption-key-id': Buffer.from('twin') },
    };
    const reading = createPayloadCodec([NEW, twin]).decode([renamed]);
    await expect(reading).rejects.toMatchObject({ code: 'PAYLOAD_UNREADABLE' });
  });

  test('what was written before there was a key is read as it is', async () => {
    const [back] = await createPayloadCodec([NEW]).decode([payloadOf(SAID)]);
    expect(contentOf(back)).toEqual(SAID);
  });
});
