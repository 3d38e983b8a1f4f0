import { Client, Connection } from '@temporalio/client';
import type { SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto';
import { AppError } from '../lib/errors.ts';

export type TemporalOptions = { readonly address: string; readonly namespace: string };

export type TemporalClient = {
  readonly client: Client;
  /** Rejects with TEMPORAL_UNAVAILABLE when the server or the namespace cannot be reached. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

const PING_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]):/;

/** Connects once; the connection mends itself later. Rejects with TEMPORAL_UNAVAILABLE. */
export async function connectTemporal({
  address,
  namespace,
}: TemporalOptions): Promise<TemporalClient> {
  const connection = await unavailableAs(address, () =>
    Connection.connect({
      address,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // gRPC would ask the proxy of `https_proxy` even for this machine, which no proxy can reach.
      ...(LOOPBACK.test(address) && { channelArgs: { 'grpc.enable_http_proxy': 0 } }),
    }),
  );
  return {
    client: new Client({ connection, namespace }),
    async ping() {
      await unavailableAs(address, () =>
        connection.withDeadline(Date.now() + PING_TIMEOUT_MS, () =>
          connection.workflowService.describeNamespace({ namespace }),
        ),
      );
    },
    close: () => connection.close(),
  };
}

type NamedAttribute = { readonly name: string; readonly type: SearchAttributeType };

const INDEXED_VALUE_TYPES = proto.temporal.api.enums.v1.IndexedValueType;

/**
 * Registers what is missing, so that a workflow never meets an attribute that the namespace does not know (its task would fail
 * for ever). Registering twice is harmless. Temporal Cloud refuses it: there they are made by its own tools.
 */
export async function registerSearchAttributes(
  { client }: TemporalClient,
  namespace: string,
  attributes: readonly NamedAttribute[],
): Promise<void> {
  const { connection } = client;
  const service = connection.operatorService;
  const present = await service.listSearchAttributes({ namespace });
  const missing = attributes.filter(({ name }) => !(name in (present.customAttributes ?? {})));
  if (missing.length === 0) return;
  await service.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      missing.map(({ name }) => [name, INDEXED_VALUE_TYPES.INDEXED_VALUE_TYPE_KEYWORD]),
    ),
  });
}

async function unavailableAs<T>(address: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AppError('TEMPORAL_UNAVAILABLE', `no answer from Temporal at ${address}`, {
      cause: error,
    });
  }
}
