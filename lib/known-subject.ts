import { type Event, type Route, type RouteFacts, receiversFor } from '../drift/message/route.ts';
import { eventOf, type ThreadFacts } from '../drift/message/thread.ts';

/** One episode or promotion with all that is said of it. */
export type KnownSubject = ThreadFacts & {
  readonly subject: string;
  /** What routes ask for beside the event. */
  readonly place: Omit<RouteFacts, 'event'>;
  /** Who is told, where its rule says so. */
  readonly ruleReceivers?: readonly string[];
};

/** Reads what is known now; undefined for what there is not. */
export type LoadSubject = (subject: string) => Promise<KnownSubject | undefined>;

export type Routing = { readonly routes: readonly Route[]; readonly default: readonly string[] };

/** Who is to hear of an event of it: whom its rule names, else whom the routes name. */
export function receiversOf(
  { place, ruleReceivers }: KnownSubject,
  { routes, default: otherwise }: Routing,
  event: Event | undefined,
): readonly string[] {
  if (event === undefined) return [];
  return ruleReceivers ?? receiversFor(routes, otherwise, { ...place, event });
}

/** Who is to hear of it as it is now, by a headline. */
export function headlineReceivers(known: KnownSubject, routing: Routing): readonly string[] {
  return receiversOf(known, routing, eventOf(known));
}
