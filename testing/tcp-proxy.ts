import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export type TcpProxy = {
  readonly host: string;
  readonly port: number;
  /** Listens, and passes everything on. */
  appear(): Promise<void>;
  /** As a server that was killed: open connections break, new ones are refused. */
  vanish(): Promise<void>;
};

const HOST = '127.0.0.1';

/** A server's stand-in on a port of its own that comes and goes as told; it begins by being away. */
export async function createTcpProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;

  const listen = async (port: number): Promise<number> => {
    server = createServer((client) => {
      const upstream = connect(target.port, target.host);
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(one);
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
        // The close that follows says enough.
        one.on('error', () => {});
        one.pipe(other);
      }
    });
    server.listen(port, HOST);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  const vanish = async (): Promise<void> => {
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    server = undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  const port = await listen(0);
  await vanish();
  return {
    host: HOST,
    port,
    appear: async () => {
      if (!server) await listen(port);
    },
    vanish,
  };
}

/** The same URL, but by way of the proxy. */
export function viaProxy(url: string, proxy: Pick<TcpProxy, 'host' | 'port'>): string {
  const changed = new URL(url);
  changed.hostname = proxy.host;
  changed.port = String(proxy.port);
  return changed.href.replace(/\/$/, '');
}
