import { expect, test } from 'vitest';
import { testTemporal } from '../testing/stack.ts';
import { createTcpProxy } from '../testing/tcp-proxy.ts';
import { connectTemporal } from './temporal.ts';

test('a client that is closed while a call is to be tried again ends that call, and nothing else', async () => {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => uncaught.push(error);
  process.on('uncaughtExceptionMonitor', note);
  const { address, namespace } = await testTemporal();
  const [host = '', port = ''] = address.split(':');
  const proxy = await createTcpProxy({ host, port: Number(port) });
  await proxy.appear();
  try {
    const temporal = await connectTemporal({ address: `${proxy.host}:${proxy.port}`, namespace });
    await temporal.ping();
    await proxy.vanish();
    const described = temporal.client.workflow.getHandle('nobody').describe();
    const ended = expect(described).rejects.toThrow();
    // The first attempt fails at once on a connection that was refused; the next one is due by then.
    await new Promise((resolve) => setImmediate(resolve));
    await temporal.close();
    await ended;
    expect(uncaught).toEqual([]);
  } finally {
    process.off('uncaughtExceptionMonitor', note);
    await proxy.vanish();
  }
});
