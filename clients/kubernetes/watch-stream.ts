import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/errors.ts';
import type { ApiResource } from './discovery.ts';
import { parseObject } from './kube-object.ts';
import { errorOfStatus } from './status-error.ts';
import type { WatchEvent } from './types.ts';

// etcd takes objects of 1.5 MiB; managedFields and JSON's escapes may double them.
const MAX_EVENT_BYTES = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * The events of a watch's body: one JSON document per line. Ends when the server ends it in good order; rejects with the
 * server's Status, or KUBERNETES_UNAVAILABLE when the connection breaks or stays silent for `idleMs`.
 */
export async function* readEvents(
  response: IncomingMessage,
  resource: ApiResource,
  options: { what: string; idleMs: number; signal?: AbortSignal | undefined },
): AsyncGenerator<WatchEvent> {
  const { what, idleMs, signal } = options;
  let silent = false;
  const stall = setTimeout(() => {
    silent = true;
    response.destroy();
  }, idleMs);
  try {
    for await (const line of readLines(response, () => stall.refresh())) {
      yield parseEvent(line, resource, what);
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof AppError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError(
      'KUBERNETES_UNAVAILABLE',
      silent ? `${what}: silent for ${idleMs} ms` : `${what}: ${reason}`,
      { cause: error },
    );
  } finally {
    clearTimeout(stall);
    response.destroy();
  }
}

async function* readLines(response: IncomingMessage, onBytes: () => void): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    onBytes();
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const head = chunk.subarray(start, end);
      const line = pendingBytes === 0 ? head : Buffer.concat([...pending, head]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
    }
    if (pendingBytes > MAX_EVENT_BYTES) {
      throw new AppError('KUBERNETES_REFUSED', `a watch event exceeds ${MAX_EVENT_BYTES} bytes`);
    }
  }
}

function parseEvent(line: string, resource: ApiResource, what: string): WatchEvent {
  const event: unknown = JSON.parse(line);
  if (typeof event === 'object' && event !== null && 'type' in event && 'object' in event) {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
        return { type: event.type, object: parseObject(event.object, resource) };
      case 'BOOKMARK':
        return { type: 'BOOKMARK', resourceVersion: bookmarkVersion(event.object, what) };
      case 'ERROR':
        throw errorOfStatus(what, 500, event.object);
      default:
    }
  }
  throw new AppError('KUBERNETES_REFUSED', `${what}: an event that cannot be read`);
}

// A bookmark is an object of the kind with nothing but its version.
function bookmarkVersion(object: unknown, what: string): string {
  if (typeof object === 'object' && object !== null && 'metadata' in object) {
    const metadata = object.metadata;
    if (typeof metadata === 'object' && metadata !== null && 'resourceVersion' in metadata) {
      if (typeof metadata.resourceVersion === 'string') return metadata.resourceVersion;
    }
  }
  throw new AppError('KUBERNETES_REFUSED', `${what}: a bookmark without a version`);
}
