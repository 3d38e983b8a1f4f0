import type { Space, Unit } from '../../clients/confighub/index.ts';
import {
  allOf,
  equals,
  isIn,
  lessThanAttribute,
  type Where,
} from '../../clients/confighub/where.ts';
import { applyWhere } from '../../examples/acorn-bear/install.ts';
import type { Config } from '../../lib/config.ts';
import { AppError } from '../../lib/errors.ts';
import { type PolicyConfig, rulesThatAsk } from '../../workers/apply-policy.ts';
import { type Project, requireSpace } from '../project.ts';
import type { Rest } from '../rest.ts';
import { askAbout, planOf, whoWatches } from './apply-questions.ts';
import { ownSlug } from './own-install.ts';
import { SECRET, writeSecret } from './own-secret.ts';
import { watchedKinds } from './watched-kinds.ts';

type ApplyAllOptions = {
  /** Leave Realign itself out. */
  readonly appOnly: boolean;
  /** The person's shell: the Secret of their Realign goes from it into the cluster directly. */
  readonly env: NodeJS.ProcessEnv;
  readonly config: PolicyConfig & Pick<Config, 'resources'>;
  /** Of the Realign that may be running. */
  readonly rest: Rest;
  /** Whether the person says yes. */
  readonly confirm: (question: string) => Promise<boolean>;
};

/** Units that are applied with one request: few enough for its expression. */
const AT_ONCE = 100;

type Behind = { readonly space: Space; readonly units: readonly Unit[] };

/**
 * Applies every unit of an environment whose head is not live, and waits; then, unless `appOnly`, its Realign. Where the policy has
 * people asked, changes of what is live become questions of the Realign that watches the environment, and are left to their answers;
 * for everything else `confirm` is asked. FORBIDDEN where nobody says yes.
 */
export async function runApplyAll(
  project: Project,
  environment: string,
  options: ApplyAllOptions,
): Promise<void> {
  const { hub, prefix } = project;
  const app = await requireSpace(hub, prefix, environment);
  const own = options.appOnly ? undefined : await hub.findSpace(ownSlug(prefix, environment));
  const behind: Behind[] = [];
  for (const space of own ? [app, own] : [app]) {
    behind.push({
      space,
      units: await hub.listUnits({ where: behindIn(space), detail: 'summary' }),
    });
  }
  const asking = await rulesOf(project, environment, { app, behind, options });
  if (project.dryRun) return sayPlan(project, environment, { behind, asking, options });
  const left =
    asking.length === 0
      ? behind
      : await consentedTo(project, environment, { behind, asking, options });
  for (const { space, units } of left) {
    const secret =
      space === own ? () => keepSecret(project, space.slug, options.env) : async () => {};
    await applyUnits(project, { space, units }, secret);
  }
}

function behindIn({ spaceId }: Space): Where {
  return allOf(equals('SpaceID', spaceId), lessThanAttribute('LiveRevisionNum', 'HeadRevisionNum'));
}

type Decided = {
  readonly behind: readonly Behind[];
  /** The rules that ask; none = nobody needs to be asked. */
  readonly asking: readonly string[];
  readonly options: ApplyAllOptions;
};

/** What applies to the application applies to the Realign beside it, which no rule is about. */
async function rulesOf(
  { hub }: Project,
  name: string,
  { app, behind, options: { config } }: Omit<Decided, 'asking'> & { readonly app: Space },
): Promise<readonly string[]> {
  if (behind.every(({ units }) => units.length === 0)) return [];
  const known = config.environments.find((one) => one.source.space === app.slug);
  const environment = known ?? { name, defaultNamespace: app.slug };
  const units = await hub.listUnits({ space: app.spaceId, detail: 'summary' });
  return rulesThatAsk({ config, hub }, environment, units);
}

async function sayPlan(
  { say }: Project,
  environment: string,
  { behind, asking, options: { rest } }: Decided,
): Promise<void> {
  const watcher = asking.length > 0 ? await whoWatches(rest, environment) : undefined;
  for (const { space, units } of behind) {
    if (units.length === 0) say(`everything of ${space.slug} is live`);
    for (const unit of units) {
      say(`would apply ${nameOf(unit)} (${revisionsOf(unit)})`);
      if (watcher) for (const line of await planOf(watcher, unit)) say(`  ${line}`);
    }
  }
  if (asking.length > 0) say(`${whoAsks(environment, asking)}; ${howAsked(watcher)}`);
}

/** What may be applied now: what nobody else can be asked about, and only after a yes. */
async function consentedTo(
  { hub, say, cluster }: Project,
  environment: string,
  { behind, asking, options: { rest, confirm, config } }: Decided,
): Promise<readonly Behind[]> {
  const watcher = await whoWatches(rest, environment);
  const all = behind.flatMap(({ units }) => units);
  say(`${whoAsks(environment, asking)}; ${howAsked(watcher)}`);
  const live = all.filter((unit) => unit.liveRevision > 0);
  const { resources } = config;
  const asked =
    watcher && live.length > 0
      ? await askAbout(watcher, live, await watchedKinds({ hub, resources, cluster }))
      : new Map<string, string>();
  for (const unit of live) {
    const question = asked.get(unit.unitId);
    if (question !== undefined) {
      say(`${nameOf(unit)} (${revisionsOf(unit)}) waits: realign approve ${question}`);
    }
  }
  const left = all.filter(({ unitId }) => !asked.has(unitId));
  for (const unit of left) say(`${nameOf(unit)} (${revisionsOf(unit)}) needs your yes`);
  if (left.length > 0 && !(await confirm(`Apply to ${environment} what needs your yes?`))) {
    throw new AppError('FORBIDDEN', 'nothing was applied: nobody said yes', {
      details: { repair: 'Read the list above, then run it again with --yes.' },
    });
  }
  return behind.map(({ space, units }) => {
    return { space, units: units.filter(({ unitId }) => !asked.has(unitId)) };
  });
}

function whoAsks(environment: string, rules: readonly string[]): string {
  return `${environment} asks before it is changed (${rules.length === 1 ? 'rule' : 'rules'} ${rules.join(', ')})`;
}

function howAsked(watcher: unknown): string {
  return watcher
    ? 'what is live there is asked about by the Realign that watches it, the rest needs your yes (--yes)'
    : 'no Realign that watches it answers at REALIGN_URL, so it needs your yes (--yes)';
}

function nameOf({ spaceSlug, slug }: Unit): string {
  return `${spaceSlug}/${slug}`;
}

function revisionsOf({ liveRevision, headRevision }: Unit): string {
  const live = liveRevision === 0 ? 'not live yet' : `revision ${liveRevision} is live`;
  return `${live}, revision ${headRevision} declared`;
}

/** The namespace first: nothing else can be written without it. `prepare` comes between it and what is put into it. */
async function applyUnits(
  { hub, say }: Project,
  { space, units }: Behind,
  prepare: () => Promise<void>,
): Promise<void> {
  const apply = async (wanted: readonly Unit[]) => {
    let applied = 0;
    for (let at = 0; at < wanted.length; at += AT_ONCE) {
      const slugs = wanted.slice(at, at + AT_ONCE).map(({ slug }) => slug);
      const where = allOf(behindIn(space), isIn('Slug', slugs));
      applied += await applyWhere(hub, where, undefined);
    }
    return applied;
  };
  const isFirst = ({ slug }: Unit) => slug === 'namespace';
  const first = await apply(units.filter(isFirst));
  await prepare();
  const others = await apply(units.filter((unit) => !isFirst(unit)));
  say(`${first + others} units of ${space.slug} applied`);
}

async function keepSecret(
  project: Project,
  namespace: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const cluster = await project.cluster();
  try {
    const keys = await writeSecret(cluster, namespace, env);
    const what = keys.length > 0 ? `has ${keys.join(', ')}` : 'is as it was';
    project.say(`Secret ${namespace}/${SECRET} ${what}`);
  } finally {
    cluster.close();
  }
}
