import type { Payload } from '@temporalio/common';
import type { CodecDeps, WirePayload } from '../api/index.ts';
import { createPayloadCodec } from '../clients/payload-codec.ts';
import type { Config } from '../lib/config.ts';
import { sha256 } from '../lib/digest.ts';

/** What the api opens to the Temporal UI; nothing where payloads are not encrypted. */
export function codecDoorOf({ temporal }: Pick<Config, 'temporal'>): { codec?: CodecDeps } {
  if (!temporal.codec) return {};
  const { keys, token } = temporal.codec;
  const { encode, decode } = createPayloadCodec(keys);
  return {
    codec: {
      uiOrigin: new URL(temporal.uiUrl).origin,
      ...(token !== undefined && { tokenSha256: sha256(token) }),
      encode: async (payloads) => (await encode(payloads.map(fromWire))).map(toWire),
      decode: async (payloads) => (await decode(payloads.map(fromWire))).map(toWire),
    },
  };
}

function fromWire({ metadata = {}, data = '' }: WirePayload): Payload {
  return { metadata: mapped(metadata, fromBase64), data: fromBase64(data) };
}

function toWire({ metadata, data }: Payload): WirePayload {
  return { metadata: mapped(metadata ?? {}, toBase64), data: toBase64(data ?? new Uint8Array()) };
}

function mapped<From, To>(
  entries: Readonly<Record<string, From>>,
  convert: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, convert(value)]));
}

function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
