import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestConfighub, TEST_TOKEN, type TestConfighub } from '../testing/confighub-server.ts';
import { eventually } from '../testing/eventually.ts';
import type { Dialect } from './dialect.ts';
import { routesOf } from './routes.ts';

/** Every operation of the fact sheet's section 11.2 over HTTP: status, shape and headers, of success and of failure. */

const UUID = expect.stringMatching(
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
);
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
const HASH = expect.stringMatching(/^[0-9a-f]{64}$/);
const NOWHERE = '11111111-1111-4111-8111-111111111111';
const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
const MANIFEST = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
`;

const header = (type: string) => ({
  OrganizationID: UUID,
  EntityType: type,
  Slug: expect.any(String),
  DisplayName: expect.any(String),
  Labels: expect.any(Object),
  Annotations: expect.any(Object),
  CreatedAt: TIME,
  UpdatedAt: TIME,
  Version: expect.any(Number),
});
const UNIT: Readonly<Record<Dialect, object>> = {
  bridge: {
    ...header('Unit'),
    UnitID: UUID,
    SpaceID: UUID,
    ToolchainType: 'Kubernetes/YAML',
    Data: expect.any(String),
    ContentHash: expect.any(Number),
    DataHash: HASH,
    HeadRevisionNum: expect.any(Number),
    HeadMutationNum: expect.any(Number),
    LiveRevisionNum: expect.any(Number),
    LastAppliedRevisionNum: expect.any(Number),
    PreviousLiveRevisionNum: expect.any(Number),
    ApplyGates: {},
    ApprovedBy: expect.any(Array),
    MutationSources: expect.any(Array),
  },
  release: {
    ...header('Unit'),
    UnitID: UUID,
    SpaceID: UUID,
    ToolchainType: 'Kubernetes/YAML',
    DataHash: HASH,
    DataSize: expect.any(Number),
    HeadRevisionNum: expect.any(Number),
    LastReleasedRevisionNum: expect.any(Number),
    ApplyGates: {},
    Conflicts: expect.any(Array),
  },
};
const GONE_IN_RELEASE = [
  'Data',
  'ContentHash',
  'LiveRevisionNum',
  'LiveState',
  'SetID',
  'ApprovedBy',
];
const TAKES_NOTHING: ReadonlySet<string> = new Set(['/me', '/organization', '/user', '/function']);
const problem = (status: number) => ({
  status,
  body: { Code: String(status), Message: expect.stringMatching(/\S/) },
});

describe.each(['bridge', 'release'] as const)('the %s dialect', (dialect) => {
  let server: TestConfighub;
  let space: string;
  let dev: string;
  let unit: string;
  const isBridge = dialect === 'bridge';
  const covered = createCoverage(dialect);
  const call = async (method: string, path: string, body?: unknown, headers = {}) => {
    const answer = await server.call(method, path, body, headers);
    covered.note(method, path, answer.status);
    expect(answer.headers.get('x-request-id')).toMatch(/\S/);
    if (answer.status !== 304 && !path.includes('data') && !/live.state/.test(path)) {
      expect(answer.headers.get('content-type')).toContain('json');
    }
    expect(answer.headers.get('confighub-version') !== null).toBe(!isBridge);
    return answer;
  };
  const where = (expression: string) => `where=${encodeURIComponent(expression)}`;
  const upload = async (path: string, document: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/api${path}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${TEST_TOKEN}`,
        'content-type': 'application/octet-stream',
        ...headers,
      },
      body: document,
    });
    covered.note('PUT', path, answer.status);
    return answer;
  };
  /** Bare in the bridge dialect, in an envelope in the other. */
  const written = (shape: object) => (isBridge ? shape : { Unit: shape });
  const unitOf = (body: unknown) =>
    (isBridge ? body : (body as { Unit: unknown }).Unit) as {
      UnitID: string;
      Version: number;
      HeadRevisionNum: number;
    };
  const create = async (spaceId: string, slug: string, more: object = {}) => {
    const answer = await call('POST', `/space/${spaceId}/unit`, {
      Slug: slug,
      Data: base64(MANIFEST),
      ...more,
    });
    if (!isBridge) {
      const { UnitID } = unitOf(answer.body);
      await upload(`/space/${spaceId}/unit/${UnitID}/data`, MANIFEST);
    }
    return unitOf(answer.body).UnitID;
  };

  beforeAll(async () => {
    server = await startTestConfighub({ dialect });
    const made = await call('POST', '/space', { Slug: 'base', Labels: { project: 'shop' } });
    expect(made).toMatchObject({ status: 200, body: { ...header('Space'), SpaceID: UUID } });
    space = (made.body as { SpaceID: string }).SpaceID;
    dev = ((await call('POST', '/space', { Slug: 'dev' })).body as { SpaceID: string }).SpaceID;
    unit = await create(space, 'api');
  });
  afterAll(() => server.close());

  it('ApiInfo tells the generation', async () => {
    const { status, body } = await call('GET', '/info');
    expect(status).toBe(200);
    expect('Version' in (body as object)).toBe(!isBridge);
    // Clients ask before they log in.
    const authorization = 'Bearer wrong';
    expect((await call('GET', '/info', undefined, { authorization })).body).toEqual(body);
    expect(await call('POST', '/info', {}, { authorization })).toMatchObject(problem(401));
    expect(await call('POST', '/info', {})).toMatchObject(problem(404));
  });

  it('refuses a missing token, a wrong one, a write of a reader, and what it does not know', async () => {
    for (const authorization of ['', 'Bearer wrong', 'Basic eDp5']) {
      expect(await call('GET', '/space', undefined, { authorization })).toMatchObject(problem(401));
    }
    const authorization = 'Bearer reader-token';
    expect((await call('GET', '/space', undefined, { authorization })).status).toBe(200);
    expect(await call('POST', '/space', { Slug: 'x' }, { authorization })).toMatchObject(
      problem(403),
    );
    expect(await call('GET', '/nothing')).toMatchObject(problem(404));
    expect((await fetch(`${server.url}/api/v1/info`)).status).toBe(200);
  });

  it('GetMe, ListOrganizations, ListUsers, GetUser', async () => {
    const me = await call('GET', '/me');
    expect(me).toMatchObject({ status: 200, body: { UserID: UUID, Username: 'tester' } });
    const organizations = await call('GET', '/organization');
    expect(organizations.body).toMatchObject([{ OrganizationID: UUID }]);
    const [{ OrganizationID = '' } = {}] = organizations.body as { OrganizationID?: string }[];
    expect(await call('GET', `/organization/${OrganizationID}`)).toMatchObject({
      status: 200,
      body: { OrganizationID },
    });
    const { UserID } = me.body as { UserID: string };
    expect((await call('GET', '/user')).body).toMatchObject([{ UserID }, { Username: 'reader' }]);
    expect(await call('GET', `/user/${UserID}`)).toMatchObject({ status: 200, body: { UserID } });
    expect(await call('GET', `/user/${NOWHERE}`)).toMatchObject(problem(404));
  });

  it('spaces: list, get, create, update, patch, delete', async () => {
    const list = await call('GET', `/space?${where("Labels.project = 'shop'")}&summary=true`);
    expect(list).toMatchObject({
      status: 200,
      body: [{ Space: { ...header('Space'), SpaceID: space }, TotalUnitCount: 1 }],
    });
    expect(list.body).toMatchObject([
      isBridge ? { UnappliedUnitCount: 1 } : { UnreleasedUnitCount: 1, TotalReleaseCount: 0 },
    ]);
    expect(await call('GET', `/space?${where("Kind = 'x'")}`)).toMatchObject(problem(400));
    expect(await call('POST', '/space', { Slug: 'base' })).toMatchObject(problem(409));
    expect((await call('POST', '/space?allow_exists=true', { Slug: 'base' })).body).toMatchObject({
      SpaceID: space,
    });
    expect(await call('POST', '/space', { Slug: '-' })).toMatchObject(problem(400));
    const { body } = await call('POST', '/space', { Slug: 'temporary' });
    const { SpaceID, Version } = body as { SpaceID: string; Version: number };
    const path = `/space/${SpaceID}`;
    expect(await call('PUT', path, { Slug: 'temporary' })).toMatchObject(problem(409));
    expect(await call('PUT', path, { Slug: 'renamed', Version })).toMatchObject({
      status: 200,
      body: { Slug: 'renamed', Version: Version + 1 },
    });
    expect(await call('PATCH', path, { Labels: { a: 'b' } })).toMatchObject({
      status: 200,
      body: { Labels: { a: 'b' } },
    });
    expect(await call('PATCH', path, { Labels: 'no' })).toMatchObject(problem(400));
    await create(SpaceID, 'inside');
    if (!isBridge) expect(await call('DELETE', path)).toMatchObject(problem(409));
    expect(await call('DELETE', `${path}?recursive=true`)).toMatchObject({
      status: 200,
      body: { Message: expect.any(String) },
    });
    expect(await call('GET', path)).toMatchObject(problem(404));
    expect(await call('GET', '/space/not-an-id')).toMatchObject(problem(400));
  });

  it('bulk spaces under /_space', async () => {
    const one = where("Slug = 'dev'");
    expect(await call('POST', `/_space?${one}&name_prefixes=a-,b-`, null)).toMatchObject({
      status: 200,
      body: [{ Space: { Slug: 'a-dev' } }, { Space: { Slug: 'b-dev' } }],
    });
    expect(await call('POST', `/_space?${one}&name_prefixes=a-,c-`, null)).toMatchObject({
      status: 207,
      body: [{ Error: { Status: 409, Message: expect.any(String) } }, { Space: { Slug: 'c-dev' } }],
    });
    const copies = where("Slug LIKE '%-dev'");
    expect(await call('PATCH', `/_space?${copies}`, { Labels: { copy: 'true' } })).toMatchObject({
      status: 200,
      body: [{ Space: { Labels: { copy: 'true' } } }, {}, {}],
    });
    expect(await call('DELETE', '/_space')).toMatchObject(problem(400));
    expect(await call('DELETE', `/_space?${where("Labels.copy = 'true'")}`)).toMatchObject({
      status: 200,
      body: [{ Message: expect.any(String) }, {}, {}],
    });
    expect((await call('DELETE', `/_space?${copies}`)).body).toEqual([]);
  });

  it('units: create, get, list, with the fields of the generation', async () => {
    const one = await call('GET', `/space/${space}/unit/${unit}?include=SpaceID,TargetID`);
    expect(one).toMatchObject({
      status: 200,
      body: { Unit: UNIT[dialect], Space: { Slug: 'base' }, Target: { Slug: 'target' } },
    });
    const { Unit: json } = one.body as { Unit: object };
    for (const field of GONE_IN_RELEASE) expect(field in json).toBe(isBridge);
    for (const path of [`/space/${space}/unit`, `/unit?${where("Space.Slug = 'base'")}`]) {
      expect(await call('GET', path)).toMatchObject({
        status: 200,
        body: [{ Unit: UNIT[dialect] }],
      });
    }
    const selected = await call('GET', `/unit?select=Slug,Version,HeadRevisionNum&contains=API`);
    expect(Object.keys((selected.body as { Unit: object }[])[0]?.Unit ?? {})).toEqual(
      expect.arrayContaining(['UnitID', 'Slug', 'Version', 'HeadRevisionNum']),
    );
    expect(await call('POST', `/space/${space}/unit`, { Slug: 'api' })).toMatchObject(problem(409));
    expect(await call('POST', `/space/${NOWHERE}/unit`, { Slug: 'a' })).toMatchObject(problem(404));
    expect(await call('GET', `/space/${space}/unit/${NOWHERE}`)).toMatchObject(problem(404));
    expect(await call('GET', `/space/${NOWHERE}/unit`)).toMatchObject(problem(404));
    const old = await call('GET', `/unit?${where('LiveRevisionNum = 0')}`);
    expect(old.status).toBe(isBridge ? 200 : 400);
    const select = await call('GET', `/unit?select=Data`);
    expect(select.status).toBe(isBridge ? 200 : 400);
  });

  it('units: update, patch, restore by number, tag and name; delete', async () => {
    const id = await create(space, 'changing');
    const path = `/space/${space}/unit/${id}`;
    const { body } = await call('GET', path);
    const { Unit: read } = body as { Unit: { Version: number; HeadRevisionNum: number } };
    const { Version: _left, ...without } = read;
    expect(await call('PUT', path, without)).toMatchObject(problem(409));
    expect(await call('PUT', path, { ...read, Labels: { a: 'b' } })).toMatchObject({
      status: 200,
      body: written({ ...UNIT[dialect], Labels: { a: 'b' }, Version: read.Version + 1 }),
    });
    expect(await call('PUT', path, read)).toMatchObject(problem(409));
    expect(await call('PATCH', path, { Labels: { a: null } })).toMatchObject({
      status: 200,
      body: written({ Labels: {}, HeadRevisionNum: read.HeadRevisionNum }),
    });
    expect(await call('PATCH', path, { Version: 99 })).toMatchObject(problem(409));
    const tag = await call('POST', `/space/${space}/tag`, { Slug: `before-${dialect}` });
    const { TagID } = tag.body as { TagID: string };
    const tagged = { TagID, Revision: 'HeadRevisionNum' };
    expect(await call('POST', `/unit/tag?${where(`UnitID = '${id}'`)}`, tagged)).toMatchObject({
      status: 200,
      body: [{ Message: expect.any(String) }],
    });
    expect((await upload(`${path}/data`, 'a: 2\n')).status).toBe(200);
    for (const name of [String(read.HeadRevisionNum), `Tag:${TagID}`, '-1']) {
      await upload(`${path}/data`, `before: ${name.slice(0, 3)}\n`);
      const { status } = await call('PATCH', `${path}?restore=${name}`, null);
      expect(status).toBe(200);
      if (name === '-1') continue;
      const data = await call('GET', `${path}/data`);
      expect(data.body).toBe(MANIFEST);
    }
    expect(await call('PATCH', `${path}?restore=999`, null)).toMatchObject(problem(404));
    expect(await call('PATCH', `${path}?restore=nonsense`, null)).toMatchObject(problem(400));
    expect(await call('DELETE', path)).toMatchObject({
      status: 200,
      body: { Message: expect.any(String) },
    });
    expect(await call('DELETE', path)).toMatchObject(problem(404));
  });

  it('data by itself: ETag, If-None-Match, If-Match, an empty document', async () => {
    const id = await create(space, 'document');
    const path = `/space/${space}/unit/${id}/data`;
    const read = await call('GET', path);
    const etag = read.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    expect(read.headers.get('content-type')).toContain('application/octet-stream');
    expect(read.body).toBe(MANIFEST);
    const known = await fetch(`${server.url}/api${path}`, {
      headers: { authorization: `Bearer ${TEST_TOKEN}`, 'if-none-match': etag },
    });
    expect(known.status).toBe(304);
    const stale = await upload(path, 'a: 1\n', { 'if-match': `"${'0'.repeat(64)}"` });
    expect({ status: stale.status, body: await stale.json() }).toMatchObject(problem(409));
    const fresh = await upload(`${path}?last_change_description=why`, '', { 'if-match': etag });
    expect(fresh.status).toBe(200);
    expect(await fresh.json()).toMatchObject(written({ LastChangeDescription: 'why' }));
    expect(fresh.headers.get('etag')).not.toBe(etag);
    expect((await call('GET', path)).body).toBe('');
    if (isBridge) return;
    const many = await call('GET', `/unit_data?${where(`UnitID = '${unit}'`)}`);
    expect(many).toMatchObject({
      status: 200,
      body: [
        {
          UnitID: unit,
          Slug: 'api',
          SpaceID: space,
          SpaceSlug: 'base',
          Data: base64(MANIFEST),
          DataHash: HASH,
          DataSize: MANIFEST.length,
        },
      ],
    });
  });

  it('clones one and many, upgrades one and many, deletes many', async () => {
    const query = `upstream_space_id=${space}&upstream_unit_id=${unit}`;
    const single = await call('POST', `/space/${dev}/unit?${query}`, { Slug: 'clone' });
    expect(single).toMatchObject({
      status: 200,
      body: written({ UpstreamUnitID: unit, UpstreamSpaceID: space, HeadRevisionNum: 1 }),
    });
    expect(
      await call('POST', `/space/${dev}/unit?upstream_space_id=${dev}&upstream_unit_id=${unit}`, {
        Slug: 'x',
      }),
    ).toMatchObject(problem(404));
    const from = where(`UnitID = '${unit}'`);
    const to = `where_space=${encodeURIComponent("Slug = 'dev'")}`;
    const clone = `/unit?${from}&${to}`;
    expect(await call('POST', clone, { Labels: { environment: 'dev' } })).toMatchObject({
      status: 200,
      body: [{ Unit: { Slug: 'api', Labels: { environment: 'dev' }, UpstreamUnitID: unit } }],
    });
    expect(await call('POST', clone, null)).toMatchObject({
      status: 207,
      body: [
        { Error: { Status: 409, Message: expect.any(String), ErrorMetadata: { EntityID: unit } } },
      ],
    });
    expect((await call('POST', `${clone}&allow_exists=true`, null)).status).toBe(200);
    expect(await call('POST', `/unit?${from}`, null)).toMatchObject(problem(400));
    await upload(
      `/space/${space}/unit/${unit}/data`,
      MANIFEST.replace('replicas: 1', 'replicas: 2'),
    );
    const behind = `Unit.UpstreamUnitID = '${unit}' AND Unit.UpstreamRevisionNum < UpstreamUnit.HeadRevisionNum`;
    const { UnitID } = unitOf(single.body);
    expect(await call('PATCH', `/space/${dev}/unit/${UnitID}?upgrade=true`, null)).toMatchObject({
      status: 200,
      body: written({ HeadRevisionNum: 2 }),
    });
    expect(await call('PATCH', `/unit?upgrade=true&${where(behind)}`, null)).toMatchObject({
      status: 200,
      body: [{ Unit: { Slug: 'api', HeadRevisionNum: 2 } }],
    });
    expect((await call('PATCH', `/unit?upgrade=true&${where(behind)}`, null)).body).toEqual([]);
    expect(await call('PATCH', '/unit?upgrade=true', null)).toMatchObject(problem(400));
    expect(
      await call('PATCH', `/unit?upgrade=true&${where(`UnitID = '${unit}'`)}`, null),
    ).toMatchObject({ status: 207, body: [{ Error: { Status: 400 } }] });
    expect(await call('DELETE', `/unit?${where(`SpaceID = '${dev}'`)}`)).toMatchObject({
      status: 200,
      body: [{ Message: expect.any(String) }, { Message: expect.any(String) }],
    });
  });

  it('revisions, mutations and unit events', async () => {
    const path = `/space/${space}/unit/${unit}`;
    const revisions = await call('GET', `${path}/revision?include=UserID`);
    expect(revisions).toMatchObject({ status: 200 });
    const [newest] = revisions.body as { Revision: { RevisionID: string } }[];
    expect(newest).toMatchObject({
      Revision: {
        RevisionID: UUID,
        RevisionNum: expect.any(Number),
        Source: expect.any(String),
        DataHash: HASH,
        CreatedAt: TIME,
        Tags: {},
      },
      User: { Username: 'tester' },
    });
    const { RevisionID } = newest?.Revision ?? { RevisionID: '' };
    expect(await call('GET', `${path}/revision/${RevisionID}`)).toMatchObject({
      status: 200,
      body: { Revision: { RevisionID } },
    });
    expect((await call('GET', `${path}/revision/${RevisionID}/data`)).headers.get('etag')).toMatch(
      /^"/,
    );
    expect(await call('GET', `${path}/revision/${NOWHERE}`)).toMatchObject(problem(404));
    expect(await call('GET', `${path}/revision?${where('Moon = 1')}`)).toMatchObject(problem(400));
    const mutations = await call('GET', `${path}/mutation?include=RevisionID`);
    expect(mutations.body).toMatchObject(
      (revisions.body as { Revision: object }[]).map(({ Revision }) => ({
        Mutation: { MutationID: UUID, ...pick(Revision, 'RevisionID', 'RevisionNum') },
        Revision: {},
      })),
    );
    const [first] = mutations.body as { Mutation: { MutationID: string } }[];
    expect(await call('GET', `${path}/mutation/${first?.Mutation.MutationID}`)).toMatchObject({
      status: 200,
      body: { Mutation: { MutationNum: expect.any(Number) } },
    });
    expect(await call('GET', `${path}/mutation/${NOWHERE}`)).toMatchObject(problem(404));
    expect((await call('GET', `${path}/unit_event`)).status).toBe(200);
    expect(await call('GET', `${path}/unit_event/${NOWHERE}`)).toMatchObject(problem(404));
  });

  it.each([
    ['filter', 'Filter', { From: 'Unit', Where: "Slug = 'api'" }],
    ['change_set', 'ChangeSet', { Description: 'd' }],
    ['tag', 'Tag', {}],
    ['bridge_worker', 'BridgeWorker', {}],
    ['set', 'Set', {}],
  ])(
    '%s: create, list, get, update, patch, delete, alone and in bulk',
    async (path, type, fields) => {
      if (path === 'set' && !isBridge) {
        expect(await call('GET', `/space/${space}/set`)).toMatchObject(problem(404));
        return;
      }
      const inSpace = `/space/${space}/${path}`;
      const made = await call('POST', inSpace, { Slug: 'one', ...fields });
      const json = { ...header(type), ...fields, [`${type}ID`]: UUID, SpaceID: space };
      expect(made).toMatchObject({ status: 200, body: json });
      const entity = made.body as Record<string, unknown> & { Version: number };
      const id = String(entity[`${type}ID`]);
      expect(await call('POST', inSpace, { Slug: 'one', ...fields })).toMatchObject(problem(409));
      for (const list of [inSpace, `/${path}`]) {
        const found = await call('GET', `${list}?${where("Slug = 'one'")}&include=SpaceID`);
        expect(found).toMatchObject({
          status: 200,
          body: [{ [type]: json, Space: { Slug: 'base' } }],
        });
      }
      expect(await call('GET', `${inSpace}/${id}`)).toMatchObject({
        status: 200,
        body: { [type]: json },
      });
      expect(await call('PUT', `${inSpace}/${id}`, { Slug: 'one', ...fields })).toMatchObject(
        problem(409),
      );
      expect(
        await call('PUT', `${inSpace}/${id}`, { Slug: 'two', ...fields, Version: entity.Version }),
      ).toMatchObject({ status: 200, body: { Slug: 'two', Version: entity.Version + 1 } });
      expect(await call('PATCH', `${inSpace}/${id}`, { Labels: { x: 'y' } })).toMatchObject({
        status: 200,
        body: { Labels: { x: 'y' } },
      });
      const bulk = `/${path}?${where("Labels.x = 'y'")}`;
      const to = `where_space=${encodeURIComponent("Slug = 'dev'")}`;
      expect(await call('POST', `${bulk}&${to}`, { Labels: { z: '1' } })).toMatchObject({
        status: 200,
        body: [{ [type]: { Slug: 'two', SpaceID: dev, Labels: { x: 'y', z: '1' } } }],
      });
      expect(await call('PATCH', bulk, { DisplayName: 'both' })).toMatchObject({
        status: 200,
        body: [{ [type]: { DisplayName: 'both' } }, { [type]: { DisplayName: 'both' } }],
      });
      expect(await call('DELETE', `/${path}`)).toMatchObject(problem(400));
      expect(await call('DELETE', bulk)).toMatchObject({
        status: 200,
        body: [{ Message: expect.any(String) }, { Message: expect.any(String) }],
      });
      expect(await call('GET', `${inSpace}/${id}`)).toMatchObject(problem(404));
      const last = (await call('POST', inSpace, { Slug: 'last', ...fields })).body as typeof entity;
      expect(await call('DELETE', `${inSpace}/${String(last[`${type}ID`])}`)).toMatchObject({
        status: 200,
        body: { Message: expect.any(String) },
      });
    },
  );

  it('filters narrow lists; one that cannot be is refused', async () => {
    const path = `/space/${space}/filter`;
    const { body } = await call('POST', path, {
      Slug: 'replicated',
      From: 'Unit',
      ResourceType: 'apps/v1/Deployment',
      WhereData: 'spec.replicas > 1',
    });
    const { FilterID } = body as { FilterID: string };
    expect(await call('GET', `/unit?filter=${FilterID}`)).toMatchObject({
      status: 200,
      body: [{ Unit: { Slug: 'api' } }],
    });
    expect(await call('GET', `/space?filter=${FilterID}`)).toMatchObject(problem(400));
    expect(await call('GET', `/unit?filter=${NOWHERE}`)).toMatchObject(problem(404));
    expect(
      await call('POST', path, { Slug: 'bad', From: 'Unit', Where: 'Kind = 1' }),
    ).toMatchObject(problem(400));
    expect(await call('POST', path, { Slug: 'bad' })).toMatchObject(problem(400));
  });

  it('targets need a worker', async () => {
    const path = `/space/${space}/target`;
    expect(await call('POST', path, { Slug: 't' })).toMatchObject(problem(400));
    const { body } = await call('GET', `/space/${space}/bridge_worker`);
    const [worker] = body as { BridgeWorker: { BridgeWorkerID: string } }[];
    const made = await call('POST', path, {
      Slug: 't',
      BridgeWorkerID: worker?.BridgeWorker.BridgeWorkerID,
      Parameters: '{"KubeNamespace":"x"}',
    });
    expect(made).toMatchObject({
      status: 200,
      body: { TargetID: UUID, ProviderType: 'Kubernetes', ToolchainType: 'Kubernetes/YAML' },
    });
    const { TargetID, Version } = made.body as { TargetID: string; Version: number };
    expect(await call('GET', `${path}/${TargetID}`)).toMatchObject({ status: 200 });
    for (const list of [path, '/target']) {
      expect(await call('GET', `${list}?${where("Slug = 't'")}`)).toMatchObject({
        status: 200,
        body: [{ Target: { TargetID } }],
      });
    }
    const put = { ...(made.body as object), DisplayName: 'put', Version };
    expect(await call('PUT', `${path}/${TargetID}`, put)).toMatchObject({
      status: 200,
      body: { DisplayName: 'put', Version: Version + 1 },
    });
    const labelled = await call('PATCH', `${path}/${TargetID}`, { Labels: { x: 'target' } });
    expect(labelled).toMatchObject({ status: 200, body: { Labels: { x: 'target' } } });
    const bulk = `/target?${where("Labels.x = 'target'")}`;
    const to = `where_space=${encodeURIComponent("Slug = 'dev'")}`;
    expect(await call('POST', `${bulk}&${to}`, null)).toMatchObject({
      status: 200,
      body: [{ Target: { Slug: 't', SpaceID: dev } }],
    });
    const patched = await call('PATCH', bulk, { DisplayName: 'both' });
    expect(patched).toMatchObject({ status: 200, body: [{ Target: {} }, { Target: {} }] });
    expect(
      (await call('DELETE', `/target?${where(`SpaceID = '${dev}' AND Slug = 't'`)}`)).body,
    ).toMatchObject([{ Message: expect.any(String) }]);
    expect(
      await call('POST', path, { ...(made.body as object), Slug: 'u', Parameters: 'no JSON' }),
    ).toMatchObject(problem(400));
    expect((await call('DELETE', `${path}/${TargetID}`)).status).toBe(200);
    expect(await call('GET', `${path}/${TargetID}`)).toMatchObject(problem(404));
  });

  it('functions: what there is, and their use', async () => {
    for (const path of ['/function', `/space/${space}/function`]) {
      expect((await call('GET', path)).body).toHaveProperty(['Kubernetes/YAML', 'set-image']);
    }
    const id = await create(space, 'scaled');
    const invoke = (name: string, value: string | number) =>
      call('POST', `/space/${space}/function/invoke?${where("Slug = 'scaled'")}`, {
        FunctionInvocations: [{ FunctionName: name, Arguments: [{ Value: value }] }],
      });
    expect(await invoke('set-replicas', 4)).toMatchObject({
      status: 200,
      body: [{ UnitID: id, SpaceID: space, Success: true }],
    });
    const data = await call('GET', `/space/${space}/unit/${id}/data`);
    expect(data.body).toContain('replicas: 4');
    expect(await invoke('set-moon', 1)).toMatchObject({
      status: 207,
      body: [{ Success: false, Error: { Status: 400 } }],
    });
    expect(await call('POST', '/function/invoke', { FunctionInvocations: [] })).toMatchObject(
      problem(400),
    );
    const everywhere = `/function/invoke?${where(`UnitID = '${id}'`)}`;
    const get = { FunctionName: 'set-replicas', Arguments: [{ Value: 4 }] };
    expect(await call('POST', everywhere, { FunctionInvocations: [get] })).toMatchObject({
      status: 200,
      body: [{ UnitID: id, Success: true }],
    });
  });

  it('takes an attestation of the head revision, in the generation that has them', async () => {
    const id = await create(space, 'attested');
    const answer = await call('POST', `/space/${space}/unit/${id}/attestation`, {});
    const attested = { status: 200, body: { UnitID: id, RevisionNum: 2, UserID: UUID } };
    expect(answer).toMatchObject(isBridge ? problem(404) : attested);
  });

  it('brings units to the cluster as its generation does', async () => {
    const path = `/space/${space}/unit/${unit}`;
    if (isBridge) await applies(path);
    else await releases(path);
  });

  async function applies(path: string) {
    const queued = await call('POST', `${path}/apply`);
    expect(queued).toMatchObject({
      status: 200,
      body: { QueuedOperationID: UUID, Action: 'Apply', UnitID: unit, Status: 'Pending' },
    });
    const { QueuedOperationID: id } = queued.body as { QueuedOperationID: string };
    const events = await eventually(
      async () => {
        const { body } = await call(
          'GET',
          `${path}/unit_event?${where(`QueuedOperationID='${id}'`)}`,
        );
        const found = body as { UnitEventID: string; Status: string }[];
        return found.at(-1)?.Status === 'Completed' && found;
      },
      { what: 'the apply' },
    );
    expect(events.at(-1)).toMatchObject({
      Action: 'Apply',
      Result: 'ApplyCompleted',
      StartedAt: TIME,
      TerminatedAt: TIME,
    });
    expect(await call('GET', `${path}/unit_event/${events[0]?.UnitEventID}`)).toMatchObject({
      status: 200,
      body: { UnitEventID: UUID },
    });
    for (const name of ['live-state', 'live_state', 'live_data']) {
      const live = await call('GET', `${path}/${name}`);
      expect(live.body).toContain('kind: Deployment');
    }
    const one = where(`UnitID = '${unit}'`);
    for (const action of ['apply', 'refresh', 'destroy']) {
      expect(await call('POST', `/unit/${action}?${one}`)).toMatchObject({
        status: 200,
        body: [{ Action: { QueuedOperationID: UUID } }],
      });
      expect(await call('POST', `/unit/${action}`)).toMatchObject(problem(400));
    }
    expect((await call('POST', `${path}/refresh`)).status).toBe(200);
    expect((await call('POST', `${path}/destroy`)).status).toBe(200);
    expect((await call('POST', `${path}/approve`)).body).toEqual(expect.any(String));
    expect((await call('POST', `/unit/approve?${one}`)).body).toMatchObject([
      { Message: expect.any(String) },
    ]);
    await call('PATCH', path, { TargetID: null });
    expect(await call('POST', `${path}/apply`)).toMatchObject(problem(400));
    expect(await call('GET', `/space/${space}/release`)).toMatchObject(problem(404));
  }

  async function releases(path: string) {
    for (const gone of ['apply', 'destroy', 'refresh', 'approve']) {
      expect(await call('POST', `${path}/${gone}`)).toMatchObject(problem(404));
    }
    const inSpace = `/space/${space}/release`;
    const published = await call('POST', inSpace, { Labels: { by: 'test' } });
    expect(published).toMatchObject({
      status: 200,
      body: {
        Message: expect.any(String),
        Release: {
          ReleaseID: UUID,
          ReleaseNum: 1,
          TargetID: UUID,
          Digest: expect.stringMatching(/^sha256:/),
          Published: true,
          Labels: { by: 'test' },
          LiveStatus: { Sync: 'OutOfSync', Health: 'Progressing' },
        },
      },
    });
    const { ReleaseID } = (published.body as { Release: { ReleaseID: string } }).Release;
    await eventually(
      async () => {
        const { body } = await call('GET', `${inSpace}/${ReleaseID}`);
        const { LiveStatus } = (
          body as { Release: { LiveStatus: { Sync: string; Health: string } } }
        ).Release;
        return LiveStatus.Sync === 'Synced' && LiveStatus.Health === 'Healthy';
      },
      { what: 'the release' },
    );
    expect((await call('GET', path)).body).toMatchObject({
      Unit: { LastReleasedRevisionNum: expect.any(Number) },
    });
    // The server carries a release out itself, unit by unit.
    const [event] = (await call('GET', `${path}/unit_event`)).body as { UnitEventID: string }[];
    expect(event).toMatchObject({ UnitEventID: UUID, UnitID: unit, CreatedAt: TIME });
    expect(await call('GET', `${path}/unit_event/${event?.UnitEventID}`)).toMatchObject({
      status: 200,
      body: event ?? {},
    });
    const waiting = where('HeadRevisionNum > LastReleasedRevisionNum');
    expect((await call('GET', `/space/${space}/unit?${waiting}`)).body).toEqual([]);
    expect((await call('GET', '/release')).body).toMatchObject([{ Release: { ReleaseID } }]);
    expect(await call('POST', inSpace, { TagID: NOWHERE })).toMatchObject(problem(400));
    expect(await call('POST', `/space/${dev}/release`, {})).toMatchObject(problem(422));
    await call('PATCH', `/space/${dev}`, { ReleaseTargetID: null });
    expect(await call('POST', `/space/${dev}/release`, {})).toMatchObject(problem(422));
    expect(await call('POST', `${inSpace}/${ReleaseID}/withdraw`)).toMatchObject({
      status: 200,
      body: { Release: { Published: false, LiveStatus: { Sync: 'Unknown' } } },
    });
    expect(await call('GET', `${inSpace}/${NOWHERE}`)).toMatchObject(problem(404));
  }

  it('pages lists where the generation does', async () => {
    const slugs: string[] = [];
    let token = '';
    for (let pages = 0; pages < 20; pages += 1) {
      const query = `limit=2&order_by=DESC:Slug${token === '' ? '' : `&continue=${token}`}`;
      const { status, body, headers } = await call('GET', `/space/${space}/unit?${query}`);
      expect(status).toBe(200);
      slugs.push(...(body as { Unit: { Slug: string } }[]).map(({ Unit }) => Unit.Slug));
      token = headers.get('confighub-continue') ?? '';
      if (token === '') break;
    }
    const all = (await call('GET', `/space/${space}/unit`)).body as { Unit: { Slug: string } }[];
    const expected = all.map(({ Unit }) => Unit.Slug);
    expect(slugs).toEqual(isBridge ? expected : expected.toReversed());
    if (isBridge) return;
    for (const query of ['limit=0', 'limit=1001', 'continue=nonsense', 'order_by=Moon']) {
      expect(await call('GET', `/unit?${query}`)).toMatchObject(problem(400));
    }
  });

  it('a change set that is open locks its units and can be undone, in the later generations', async () => {
    const id = await create(space, 'locked');
    const made = await call('POST', `/space/${space}/change_set`, { Slug: 'lock' });
    const { ChangeSetID } = made.body as { ChangeSetID: string };
    await call('PATCH', `/unit?${where(`UnitID = '${id}'`)}`, { ChangeSetID });
    const path = `/space/${space}/unit/${id}/data`;
    expect((await upload(path, 'a: 1\n')).status).toBe(isBridge ? 200 : 422);
    expect((await upload(`${path}?change_set_id=${ChangeSetID}`, 'a: 2\n')).status).toBe(200);
    if (isBridge) return;
    const one = where(`UnitID = '${id}'`);
    expect(await call('PATCH', `/unit?${one}`, { ChangeSetID: null })).toMatchObject({
      status: 200,
    });
    const closed = await call('GET', `/space/${space}/change_set/${ChangeSetID}`);
    expect(closed.body).toMatchObject({ ChangeSet: { StartTagID: UUID, EndTagID: UUID } });
    await upload(path, 'a: 3\n');
    for (const [name, data] of [
      [`ChangeSet:${ChangeSetID}`, 'a: 2\n'],
      [`Before:ChangeSet:${ChangeSetID}`, MANIFEST],
    ]) {
      expect((await call('PATCH', `/unit?restore=${name}&${one}`, null)).status).toBe(200);
      expect((await call('GET', path)).body).toBe(data);
    }
  });

  it('restores what a change set began with, by tags that the client set', async () => {
    if (!isBridge) return expect(await call('GET', '/set')).toMatchObject(problem(404));
    const id = await create(space, 'tagged');
    const one = where(`UnitID = '${id}'`);
    const tagHead = async (slug: string) => {
      const { body } = await call('POST', `/space/${space}/tag`, { Slug: slug });
      const { TagID } = body as { TagID: string };
      await call('POST', `/unit/tag?${one}`, { TagID, Revision: 'HeadRevisionNum' });
      return TagID;
    };
    await upload(`/space/${space}/unit/${id}/data`, 'a: 1\n');
    const StartTagID = await tagHead('start');
    await upload(`/space/${space}/unit/${id}/data`, 'a: 2\n');
    const EndTagID = await tagHead('end');
    await upload(`/space/${space}/unit/${id}/data`, 'a: 3\n');
    const made = await call('POST', `/space/${space}/change_set`, {
      Slug: 'delimited',
      StartTagID,
      EndTagID,
    });
    const { ChangeSetID } = made.body as { ChangeSetID: string };
    for (const [name, data] of [
      [`ChangeSet:${ChangeSetID}`, 'a: 2\n'],
      [`Before:ChangeSet:${ChangeSetID}`, MANIFEST],
    ]) {
      expect((await call('PATCH', `/unit?restore=${name}&${one}`, null)).status).toBe(200);
      expect((await call('GET', `/space/${space}/unit/${id}/data`)).body).toBe(data);
    }
  });

  it('reads one space, and what was released of it', async () => {
    expect(await call('GET', `/space/${space}`)).toMatchObject({
      status: 200,
      body: { Space: { SpaceID: space, Slug: 'base' } },
    });
    const releases = await call('GET', `/space/${space}/release`);
    expect(releases).toMatchObject(
      isBridge ? problem(404) : { status: 200, body: [{ Release: {} }] },
    );
  });

  it('answers 4xx with a StandardErrorResponse to whatever names or selects nothing that is', async () => {
    for (const { method, path } of routesOf(dialect)) {
      // The last parameter names nothing; what has none selects by an attribute that nothing has.
      const last = path.lastIndexOf('/:');
      const named = path
        .replaceAll(/:(\w+)/g, (_all, name, at) => (at === last + 1 ? NOWHERE : place(name)))
        .concat(last < 0 ? `?${where('Moon = 1')}` : '');
      const authorization = TAKES_NOTHING.has(path) ? 'Bearer wrong' : `Bearer ${TEST_TOKEN}`;
      const body = method === 'get' || method === 'delete' ? undefined : {};
      const answer = await call(method.toUpperCase(), named, body, { authorization });
      const isRefused = answer.status >= 400 && answer.status < 500;
      const { status, body: said } = answer;
      const expected = { ...problem(status), status: isRefused ? status : '4xx' };
      expect.soft({ status, body: said }, `${method} ${named}`).toEqual(expected);
    }
  });

  const place = (name: string): string => (name === 'space_id' ? space : unit);

  it('is covered here: every operation, with success and with failure', () => {
    expect(covered.missing()).toEqual([]);
  });
});

/** Counts which routes of a dialect were answered, and how. */
function createCoverage(dialect: Dialect) {
  const routes = routesOf(dialect).map(({ method, path }) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    pattern: new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`),
    // Fixed paths win over those with parameters.
    parameters: path.split(':').length,
    answered: new Set<'success' | 'failure'>(),
  }));
  return {
    note(method: string, path: string, status: number): void {
      const [bare = ''] = path.split('?');
      const [route] = routes
        .filter((one) => one.method === method && one.pattern.test(bare))
        .toSorted((a, b) => a.parameters - b.parameters);
      route?.answered.add(status < 400 ? 'success' : 'failure');
    },
    missing: () =>
      routes.flatMap(({ name, answered }) =>
        (['success', 'failure'] as const)
          .filter((one) => !answered.has(one))
          .map((one) => `${name}: ${one}`),
      ),
  };
}

function pick(value: object, ...keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}
