import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { APP_ID } from './fake-slack-workspace.ts';

export type SocketAck = {
  readonly acked: boolean;
  readonly afterMs: number;
  readonly payload?: unknown;
};

export type FakeSockets = {
  /** The address of one connection. */
  ticketFor(apiUrl: string): string;
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  count(): number;
  /** Sends to any one connection and waits for its ack. Throws when there is none. */
  send(
    type: 'interactive' | 'slash_commands' | 'events_api',
    payload: unknown,
    id?: string,
  ): Promise<SocketAck>;
  /** Asks every client to connect anew, then closes. */
  refresh(): void;
  close(): void;
};

/** Slack's limit for an ack, over which people see a warning. */
export const ACK_LIMIT_MS = 3_000;

/** Clients take a server for dead that does not. */
const PING_MS = 5_000;

/** The server side of Socket Mode. */
export function createSockets(): FakeSockets {
  const server = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const open: WebSocket[] = [];
  const waiting = new Map<string, (payload: unknown) => void>();
  let turn = 0;
  return {
    ticketFor(apiUrl) {
      const ticket = randomUUID();
      tickets.add(ticket);
      return `${apiUrl.replace('http', 'ws')}/link?ticket=${ticket}`;
    },
    accept(request, socket, head) {
      const ticket = new URL(request.url ?? '/', 'ws://fake').searchParams.get('ticket') ?? '';
      // Each is good for one connection.
      if (!tickets.delete(ticket)) return void socket.destroy();
      server.handleUpgrade(request, socket, head, (accepted) => greet(accepted, open, waiting));
    },
    count: () => open.length,
    send(type, payload, id = randomUUID()) {
      turn += 1;
      const socket = open[turn % open.length];
      if (!socket) throw new Error('nobody is connected over Socket Mode');
      const startedMs = Date.now();
      const { promise, resolve } = Promise.withResolvers<SocketAck>();
      const timer = setTimeout(
        () => resolve({ acked: false, afterMs: ACK_LIMIT_MS }),
        ACK_LIMIT_MS,
      );
      waiting.set(id, (answer) => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve({ acked: true, afterMs: Date.now() - startedMs, payload: answer });
      });
      socket.send(
        JSON.stringify({
          envelope_id: id,
          type,
          payload,
          accepts_response_payload: type !== 'events_api',
        }),
      );
      return promise;
    },
    refresh() {
      // Nothing is sent to a connection that was told to go.
      for (const socket of open.splice(0)) {
        socket.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
        socket.close();
      }
    },
    close() {
      for (const socket of [...open]) socket.terminate();
      server.close();
    },
  };
}

function greet(
  socket: WebSocket,
  open: WebSocket[],
  waiting: ReadonlyMap<string, (payload: unknown) => void>,
): void {
  open.push(socket);
  const pings = setInterval(() => socket.ping(), PING_MS);
  socket.on('close', () => {
    clearInterval(pings);
    if (open.includes(socket)) open.splice(open.indexOf(socket), 1);
  });
  socket.on('message', (data) => {
    const { envelope_id, payload } = JSON.parse(String(data)) as Record<string, unknown>;
    waiting.get(String(envelope_id))?.(payload);
  });
  socket.send(
    JSON.stringify({
      type: 'hello',
      num_connections: open.length,
      connection_info: { app_id: APP_ID },
      debug_info: { host: 'fake', approximate_connection_time: 18_060 },
    }),
  );
}
