/** What the demo shows, in order: environment, resource, who decided, and how it ended. */
export const DEMO_STORY = [
  'dev backend-api auto fixed',
  'dev frontend-web auto fixed',
  'dev app-config auto fixed',
  'staging app-config accept accepted',
  'staging frontend-web none resolved',
  'prod database-postgres reject rejected',
  'prod backend-api approve fixed',
] as const;

type Told = Readonly<Record<'environment' | 'resource' | 'decision' | 'outcome', string>>;

/** The drifts of a demo that was played, a line each, as `DEMO_STORY` has them. */
export function storyLines(drifts: readonly Told[]): string[] {
  return drifts.map(({ environment, resource, decision, outcome }) =>
    [environment, resource.split('/')[2], decision, outcome].join(' '),
  );
}
