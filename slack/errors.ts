import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';
import { AppError, type ErrorCode, fromUnknown } from '../lib/errors.ts';

/** Whatever a call of the Web API threw, with what to do about it; `details.slackError` is Slack's own word, if it gave one. */
export function asSlackError(method: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof WebAPIRateLimitedError) {
    return rateLimited(method, error.retryAfter * 1_000, error);
  }
  if (error instanceof WebAPIPlatformError) return refused(method, error);
  if (error instanceof WebAPIHTTPError) {
    const code: ErrorCode = error.statusCode >= 500 ? 'SLACK_UNAVAILABLE' : 'SLACK_REFUSED';
    return new AppError(code, `${method}: Slack answered ${error.statusCode}`, { cause: error });
  }
  if (error instanceof WebAPIRequestError) {
    const { message } = error.original;
    return new AppError('SLACK_UNAVAILABLE', `${method}: ${message}`, { cause: error });
  }
  return fromUnknown(error, 'SLACK_UNAVAILABLE');
}

/** What Slack answered with, where it answered. */
export function slackErrorOf(error: unknown): string | undefined {
  if (!(error instanceof AppError)) return undefined;
  const { slackError } = error.details;
  return typeof slackError === 'string' ? slackError : undefined;
}

/** Where Slack names no pause. */
const DEFAULT_PAUSE_MS = 30_000;

function rateLimited(method: string, retryAfterMs: number, cause: unknown): AppError {
  const message = `${method}: Slack asks for a pause of ${Math.ceil(retryAfterMs / 1_000)} s`;
  return new AppError('SLACK_RATE_LIMITED', message, { cause, details: { retryAfterMs } });
}

const AWAY = new Set([
  ...['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'timeout'],
  ...['team_added_to_org', 'org_login_required', 'migration_in_progress'],
]);
const UNAUTHORIZED = new Set([
  ...['invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired'],
  ...['not_allowed_token_type', 'no_permission', 'team_access_not_granted', 'access_denied'],
]);

const OURS = 'This is a fault of Realign; report it with what the message says.';
/** What to do about what Slack refuses. */
const REPAIRS: Readonly<Record<string, string>> = {
  channel_not_found:
    "There is no such channel, or it is private and the app is not in it: give the channel's id and invite the app (`/invite @realign`).",
  not_in_channel: 'Invite the app to the channel: `/invite @realign`.',
  is_archived: 'The channel is archived; name another one in slack.channel or the route.',
  restricted_action: 'The workspace does not let apps post there; ask its administrators.',
  user_not_found: 'Nobody in the workspace has this id.',
  users_not_found: 'Nobody in the workspace has this e-mail address.',
  no_such_subteam: 'There is no such user group; correct `approvers:` of the policy.',
  plan_upgrade_required:
    "User groups need a paid plan; list people or `role:approver` in the policy's `approvers:` instead.",
  message_not_found: 'The message was deleted.',
  cant_update_message: 'The message is not of this app.',
  edit_window_closed: 'The workspace does not let messages be edited any more after some time.',
  invalid_trigger_id: 'Press the button again.',
  expired_trigger_id: 'Press the button again: Slack waits three seconds for a form.',
  exchanged_trigger_id: 'Press the button again.',
  no_text: OURS,
  invalid_blocks: OURS,
  invalid_blocks_format: OURS,
  msg_too_long: OURS,
  msg_blocks_too_long: OURS,
  invalid_arguments: OURS,
};

function refused(method: string, error: WebAPIPlatformError): AppError {
  const { error: slackError, response_metadata: more } = error.data;
  if (slackError === 'ratelimited' || slackError === 'rate_limited') {
    const seconds = more?.retryAfter;
    return rateLimited(method, seconds === undefined ? DEFAULT_PAUSE_MS : seconds * 1_000, error);
  }
  const details = { slackError, ...repairOf(slackError, error.data) };
  const message = `${method}: Slack says ${slackError}${sayingWhere(more?.messages)}`;
  return new AppError(codeOf(slackError), message, { cause: error, details });
}

function codeOf(slackError: string): ErrorCode {
  if (AWAY.has(slackError)) return 'SLACK_UNAVAILABLE';
  return UNAUTHORIZED.has(slackError) ? 'SLACK_UNAUTHORIZED' : 'SLACK_REFUSED';
}

function repairOf(slackError: string, data: object): { readonly repair?: string } {
  if (slackError === 'missing_scope') {
    const needed = 'needed' in data ? String(data.needed).replaceAll(',', ' or ') : 'a scope';
    return {
      repair: `Add the scope ${needed} and install the app again; deploy/slack-manifest.yaml has all of them.`,
    };
  }
  const repair = REPAIRS[slackError];
  return repair === undefined ? {} : { repair };
}

/** Which part of a message is wrong, never what it says. */
function sayingWhere(messages: readonly string[] | undefined): string {
  const places = (messages ?? []).flatMap(
    (one) => /\[json-pointer:([^\]]{1,100})\]/.exec(one)?.[1] ?? [],
  );
  return places.length > 0 ? ` (${places.slice(0, 3).join(', ')})` : '';
}
