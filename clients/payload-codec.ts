import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { METADATA_ENCODING_KEY, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { CodecKey } from '../lib/config-temporal.ts';
import { AppError } from '../lib/errors.ts';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/** What Temporal's own samples and tools call an encrypted payload. */
const ENCRYPTED = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const CIPHER = 'aes-256-gcm';
/** NIST SP 800-38D: 96 random bits for each message, a tag of 128 bits. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const utf8 = new TextDecoder();

/**
 * Encrypts what Temporal stores with AES-256-GCM: `data` is nonce, ciphertext and tag of the whole payload, its metadata
 * included; the key's id stands beside it and is authenticated with it. The first key encrypts; every key decrypts what names
 * it, so that keys can be changed while runs are open. Payloads from before encryption was on are passed through. A payload
 * whose key is missing or that was changed is PAYLOAD_UNREADABLE.
 */
export function createPayloadCodec(keys: readonly CodecKey[]): PayloadCodec {
  const [current] = keys;
  if (!current) throw new AppError('CONFIG_INVALID', 'temporal.codec needs a key');
  const byId = new Map(keys.map((one) => [one.id, one]));
  return {
    encode: async (payloads) => payloads.map((payload) => encrypt(payload, current)),
    decode: async (payloads) => payloads.map((payload) => decrypt(payload, byId)),
  };
}

function encrypt(payload: Payload, { id, key }: CodecKey): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(id));
  const plain = PayloadMessage.encode(payload).finish();
  const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return {
    metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(id) },
    data,
  };
}

function decrypt(payload: Payload, keys: ReadonlyMap<string, CodecKey>): Payload {
  if (textOf(payload, METADATA_ENCODING_KEY) !== ENCRYPTED) return payload;
  const id = textOf(payload, KEY_ID);
  const known = keys.get(id);
  if (!known) {
    throw new AppError('PAYLOAD_UNREADABLE', `there is no key "${id}" in temporal.codec.keys`);
  }
  const data = payload.data ?? new Uint8Array();
  if (data.length < NONCE_BYTES + TAG_BYTES) throw damaged(id);
  const decipher = createDecipheriv(CIPHER, known.key, data.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(id));
  decipher.setAuthTag(data.subarray(-TAG_BYTES));
  try {
    const sealed = data.subarray(NONCE_BYTES, -TAG_BYTES);
    return PayloadMessage.decode(Buffer.concat([decipher.update(sealed), decipher.final()]));
  } catch (error) {
    throw damaged(id, error);
  }
}

function textOf({ metadata }: Payload, name: string): string {
  const value = metadata?.[name];
  return value ? utf8.decode(value) : '';
}

function damaged(id: string, cause?: unknown): AppError {
  const message = `a payload does not decrypt under key "${id}": it was changed, or that id named another key`;
  return new AppError('PAYLOAD_UNREADABLE', message, { cause });
}
