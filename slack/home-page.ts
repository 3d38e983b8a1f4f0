import type { HomeView } from '../drift/message/digest-view.ts';
import type { Log } from '../lib/log.ts';
import type { SlackClient } from './client.ts';
import { renderHome } from './home.ts';
import type { SlackActor } from './identity.ts';

/** The app's own page in Slack, drawn when somebody opens it. */
export type HomePage = { show(actor: SlackActor): Promise<void> };

/** `viewFor` gives what one person finds there; nothing for whoever may not look. */
export function createHomePage(
  client: Pick<SlackClient, 'publishHome'>,
  viewFor: (actor: SlackActor) => Promise<HomeView>,
  log: Log,
): HomePage {
  return {
    async show(actor) {
      try {
        await client.publishHome(actor.user, renderHome(await viewFor(actor)));
      } catch (error) {
        // Nobody waits for it: it is drawn when the page is opened again.
        log.warn({ user: actor.user, error: String(error) }, 'could not draw the App Home');
      }
    },
  };
}
