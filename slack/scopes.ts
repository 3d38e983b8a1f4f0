/** What the bot's token is needed for; deploy/slack-manifest.yaml asks for exactly these. */
export const BOT_SCOPES: Readonly<Record<string, string>> = {
  'channels:history': 'finding a message again whose answer was lost',
  'channels:read': 'seeing whether the app is in a channel',
  'chat:write': 'posting and editing messages',
  commands: 'the command /realign',
  'groups:history': 'the same in private channels',
  'groups:read': 'the same of private channels',
  'im:write': 'telling one person something',
  'usergroups:read': 'user groups as approvers',
  'users:read': 'telling members from guests',
  'users:read.email': 'knowing people by their e-mail address',
};
/** Of the app-level token, for Socket Mode. */
export const APP_SCOPE = 'connections:write';
