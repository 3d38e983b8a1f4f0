import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestConfighub, type TestConfighub } from '../testing/confighub-server.ts';
import { expectReadable } from '../testing/cub-answers.ts';

const ZERO = '00000000-0000-0000-0000-000000000000';
const NEVER = '0001-01-01T00:00:00Z';
const NOWHERE = '11111111-1111-4111-8111-111111111111';
const MANIFEST = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: "1"\n';
const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');

type Unit = Readonly<Record<string, unknown>> & { readonly UnitID: string };

/**
 * What the `cub` binary of August 2025 needs of a server, rule by rule (the fact sheet's section 10.3). The requests that it
 * makes are in cub-traces.int.test.ts.
 */
describe('the rules of cub', () => {
  let server: TestConfighub;
  let space: string;
  let other: string;
  let unit: Unit;

  /** Whatever is answered has to be readable for the binary. */
  const cub = async (method: string, path: string, body?: unknown) => {
    const answer = await server.call(method, path, body, { 'user-agent': 'cub' });
    expectReadable(answer, path);
    return answer;
  };
  const where = (expression: string) => encodeURIComponent(expression);
  const create = async (spaceId: string, slug: string) => {
    const body = { Slug: slug, ToolchainType: 'Kubernetes/YAML', Data: base64(MANIFEST) };
    return (await cub('POST', `/space/${spaceId}/unit`, body)).body as Unit;
  };

  beforeAll(async () => {
    server = await startTestConfighub();
    const spaceOf = async (Slug: string) =>
      ((await cub('POST', '/space', { Slug })).body as { SpaceID: string }).SpaceID;
    space = await spaceOf('base');
    other = await spaceOf('dev');
    unit = await create(space, 'api');
  });
  afterAll(() => server.close());

  it('success is 200 or 207, with a body of JSON, for every kind of write', async () => {
    const made = await cub('POST', `/space/${space}/set`, { Slug: 'short-lived' });
    const path = `/space/${space}/set/${(made.body as { SetID: string }).SetID}`;
    const set = (await cub('GET', path)).body as { Set: object };
    for (const [method, body] of [
      ['PUT', { ...set.Set, DisplayName: 'x' }],
      ['PATCH', { DisplayName: 'y' }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await cub(method, path, body);
      expect(answer).toMatchObject({ status: 200, body: expect.any(Object) });
    }
  });

  it('failure is 400, 401, 403, 404 or 500 with code and message', async () => {
    const failures = [
      await cub('GET', `/space/${space}/unit/${NOWHERE}`),
      await cub('GET', `/space/${space}/unit?where=${where('Moon = 1')}`),
      await cub('GET', `/space/${space}/unit/none`),
      await cub('POST', `/space/${space}/unit`, { Slug: 'not valid!' }),
      // 409 for others.
      await cub('POST', '/space', { Slug: 'base' }),
      await cub('PATCH', `/space/${space}/unit/${unit.UnitID}`, { Version: 999 }),
      // 413 for others.
      await cub('POST', '/space', { Slug: 'x', DisplayName: 'x'.repeat(7_000_000) }),
    ];
    expect(failures.map(({ status }) => status)).toEqual([404, 400, 400, 400, 400, 400, 400]);
    for (const { status, body } of failures) {
      expect(body).toEqual({ Code: String(status), Message: expect.stringMatching(/\S/) });
    }
  });

  it('409 is answered to PUT, 422 to nothing but applies and functions of many', async () => {
    const path = `/space/${space}/unit/${unit.UnitID}`;
    expect((await cub('PUT', path, { ...unit, Version: 999 })).status).toBe(409);
    const label = { Labels: { 'apply-gate': 'approval' } };
    await cub('PATCH', `/space/${other}`, label);
    const gated = await create(other, 'gated');
    expect(gated['ApplyGates']).not.toEqual({});
    expect((await cub('POST', `/space/${other}/unit/${gated.UnitID}/apply`)).status).toBe(400);
    const started = await cub('POST', `/unit/apply?where=${where(`UnitID = '${gated.UnitID}'`)}`);
    expect(started).toMatchObject({ status: 207, body: [{ Error: { Status: 422 } }] });
  });

  it('mutation sources are a list, each with its type, wherever a unit or a revision is read', async () => {
    const empty = (await cub('POST', `/space/${space}/unit`, { Slug: 'empty' })).body as Unit;
    expect(empty['MutationSources']).toEqual([]);
    const path = `/space/${space}/unit`;
    for (const read of [
      `${path}?where=${where("Slug = 'empty'")}`,
      `${path}?select=Slug`,
      `/unit?where=${where("Slug = 'api'")}&include=SpaceID,UpstreamUnitID`,
    ]) {
      for (const { Unit: listed } of (await cub('GET', read)).body as { Unit: Unit }[]) {
        expect(listed['MutationSources']).toEqual(expect.any(Array));
      }
    }
    const { body } = await cub('GET', `${path}/${unit.UnitID}/revision?include=UserID`);
    expect(body).toMatchObject([
      { Revision: { MutationSources: [{ ResourceMutationInfo: { MutationType: 'Add' } }] } },
    ]);
  });

  it('ids are valid or null, times RFC 3339 or null, wherever one can be missing', async () => {
    const include = 'include=UnitEventID,TargetID,SetID,ChangeSetID,UpstreamUnitID,SpaceID';
    const { body } = await cub('GET', `/space/${space}/unit?${include}`);
    // Never applied: a status without times.
    expect((body as { UnitStatus: object }[])[0]).toMatchObject({
      UnitStatus: { Status: 'NoLive', ActionStartedAt: null, ActionTerminatedAt: null },
    });
    for (const type of ['filter', 'set', 'change_set', 'tag', 'target', 'bridge_worker']) {
      await cub('GET', `/space/${space}/${type}`);
    }
    for (const path of ['/me', '/user', '/organization', '/space?summary=true']) {
      await cub('GET', path);
    }
  });

  it('lists are arrays where nothing is found, an approval answers a text', async () => {
    for (const path of ['unit', 'filter', 'set', 'change_set', 'tag']) {
      const none = `/space/${space}/${path}?where=${where("Slug = 'none'")}`;
      expect((await cub('GET', none)).body).toEqual([]);
    }
    expect((await cub('GET', `/space/${space}/unit/${unit.UnitID}/unit_event`)).body).toEqual([]);
    const approved = await cub('POST', `/space/${space}/unit/${unit.UnitID}/approve`);
    expect(approved.body).toEqual(expect.any(String));
  });

  it('no gate waits for triggers after a create or an update', async () => {
    const made = await create(space, 'fresh');
    const path = `/space/${space}/unit/${made.UnitID}`;
    await cub('PUT', path, { ...made, Data: base64(MANIFEST.replace('1', '2')) });
    for (const one of [made, ((await cub('GET', path)).body as { Unit: Unit }).Unit]) {
      expect(one['ApplyGates']).not.toHaveProperty(['awaiting/triggers']);
    }
  });

  it('bulk answers are lists whose units can be read at once', async () => {
    const many = `where=${where(`Slug IN ('api', 'fresh') AND SpaceID = '${space}'`)}`;
    const cloned = await cub('POST', `/unit?${many}&where_space=${where("Slug = 'dev'")}`, null);
    const patched = await cub('PATCH', `/unit?${many}`, { Labels: { a: 'b' } });
    for (const { status, body } of [cloned, patched]) {
      expect([status, body]).toEqual([200, [expect.any(Object), expect.any(Object)]]);
      for (const { Unit: one } of body as { Unit: Unit }[]) {
        const read = await cub('GET', `/space/${one['SpaceID']}/unit/${one.UnitID}`);
        expect(read).toMatchObject({ status: 200, body: { Unit: { UnitID: one.UnitID } } });
      }
    }
  });

  it.each([
    "Slug='api'",
    "Unit.Slug = 'api'",
    "Space.Slug='base' AND Slug='api'",
    "Slug IN ('api', 'none')",
    "Unit.HeadRevisionNum>=1 AND Unit.Slug='api'",
  ])('WHERE may be written as %s, with the space behind it', async (expression) => {
    const query = where(`${expression} AND SpaceID = '${space}'`);
    const { body } = await cub('GET', `/unit?where=${query}`);
    expect(body).toMatchObject([{ Unit: { UnitID: unit.UnitID } }]);
  });

  it('zero ids and times and null lists are taken; the space is that of the path', async () => {
    const made = await cub('POST', `/space/${space}/unit`, {
      Slug: 'zeros',
      UnitID: ZERO,
      SpaceID: other,
      OrganizationID: ZERO,
      TargetID: ZERO,
      SetID: ZERO,
      CreatedAt: NEVER,
      LastActionAt: NEVER,
      MutationSources: null,
      ApprovedBy: null,
      Labels: null,
    });
    expect(made).toMatchObject({ status: 200, body: { SpaceID: space, SetID: null, Labels: {} } });
  });

  it('a whole unit may be put back: what only the server writes is ignored', async () => {
    const path = `/space/${space}/unit/${unit.UnitID}`;
    const { Unit: read } = (await cub('GET', path)).body as { Unit: Unit };
    const put = await cub('PUT', path, {
      ...read,
      HeadRevisionNum: 99,
      LiveRevisionNum: 99,
      LiveState: base64('x'),
      ApplyGates: { mine: true },
      ApprovedBy: [NOWHERE],
      DataHash: 'none',
      CreatedAt: NEVER,
    });
    const { Version: _version, UpdatedAt: _updated, ...same } = read;
    expect(put.body).toMatchObject(same);
    const { Unit: present } = (await cub('GET', path)).body as { Unit: Unit };
    expect(present).toMatchObject(same);
  });
});
