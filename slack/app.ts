import { App, ExpressReceiver, type Receiver, SocketModeReceiver } from '@slack/bolt';
import type { RequestHandler } from 'express';
import type { ReceivingSlack } from '../lib/config-slack.ts';
import type { Log } from '../lib/log.ts';
import { webClientOptions } from './client.ts';
import { type ListenerDeps, registerApprovalListeners } from './listeners.ts';
import { toSlackLogger } from './logger.ts';
import { keepConnected, type SocketConnection } from './socket.ts';

/** Where Slack calls the api in HTTP mode. */
export const SLACK_PATH = '/slack/events';
/** Slack's own payloads are far below. */
const BODY_LIMIT = '1mb';

/** One way in which what people do in Slack arrives. */
export type SlackReceiver = {
  /** In HTTP mode: to be mounted before anything reads bodies, or the signature cannot be checked. */
  readonly handler?: RequestHandler;
  /** In Socket Mode, whether there is a connection. */
  isConnected(): boolean;
  stop(): Promise<void>;
};

/** Begins to listen. Nothing here calls Slack before it returns, and no failure of Slack ends the process. */
export function startSlackReceiver(
  config: ReceivingSlack,
  deps: ListenerDeps,
  log: Log,
): SlackReceiver {
  const logger = toSlackLogger(log);
  if (config.mode === 'http') {
    const { signingSecret } = config;
    const options = { signingSecret, endpoints: SLACK_PATH, bodyLimit: BODY_LIMIT, logger };
    const receiver = new ExpressReceiver(options);
    createBoltApp(config, receiver, deps);
    return { handler: receiver.router, isConnected: () => true, stop: async () => {} };
  }
  const receiver = new SocketModeReceiver({
    appToken: config.appToken,
    logger,
    // Its own reconnecting ends the process when Slack cannot be reached: `keepConnected` does it.
    autoReconnectEnabled: false,
    installerOptions: { clientOptions: webClientOptions({ apiUrl: config.apiUrl, log }) },
  });
  createBoltApp(config, receiver, deps);
  const connection: SocketConnection = keepConnected(receiver.client, log);
  return { isConnected: connection.isConnected, stop: connection.stop };
}

/** With `authorize` the app asks Slack for nothing at its start; an unanswered question there would end the process. */
function createBoltApp(config: ReceivingSlack, receiver: Receiver, deps: ListenerDeps): void {
  const { botToken } = config;
  const app = new App({
    receiver,
    authorize: async () => ({ botToken }),
    logger: toSlackLogger(deps.log),
    // Nothing that we send comes back as an action, and who we are would have to be asked for.
    ignoreSelf: false,
    // Remembers every conversation in memory.
    convoStore: false,
    developerMode: false,
  });
  registerApprovalListeners(app, deps);
}
