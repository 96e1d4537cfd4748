// node-oidc-provider on PostgreSQL, filled with what a client would hold (printed as JSON), then served.
// node server.mjs DATABASE_URL PORT COUNT
import { createHash, randomBytes } from 'node:crypto';
import Keygrip from 'keygrip';
import { Provider } from 'oidc-provider';
import pg from 'pg';

const [url, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
// Its connections stay, so that what was prepared for them does, and their time on a processor can be read.
const pool = new pg.Pool({ connectionString: url, max: 4, idleTimeoutMillis: 0 });
const REDIRECT_URI = 'https://client.example/callback';
const CHALLENGE = createHash('sha256').update('v'.repeat(64)).digest('base64url');

await pool.query(`CREATE TABLE stored (
  kind text, id text, payload jsonb, grant_id text, uid text, user_code text, consumed_at timestamptz,
  expires_at timestamptz, PRIMARY KEY (kind, id))`);
await pool.query('CREATE INDEX ON stored (grant_id)');
await pool.query('CREATE INDEX ON stored (uid)');
await pool.query('CREATE TABLE account (id text PRIMARY KEY, name text, active boolean)');

// Each statement has a name, so that it is prepared once for a connection.
const run = (name, text, values) => pool.query({ name, text, values });
const payloadOf = ({ rows: [row] }) => row && { ...row.payload, ...(row.consumed_at ? { consumed: true } : undefined) };

class Adapter {
  constructor(kind) { this.kind = kind; }

  async upsert(id, payload, expiresIn) {
    const expires = expiresIn ? new Date(Date.now() + expiresIn * 1000) : null;
    await run('upsert', `INSERT INTO stored (kind, id, payload, grant_id, uid, user_code, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
      ON CONFLICT (kind, id) DO UPDATE SET payload = $3, grant_id = $4, uid = $5, user_code = $6, expires_at = $7`,
    [this.kind, id, payload, payload.grantId ?? null, payload.uid ?? null, payload.userCode ?? null, expires]);
  }

  async find(id) {
    return payloadOf(await run('find', 'SELECT payload, consumed_at FROM stored WHERE kind = $1 AND id = $2', [this.kind, id]));
  }

  async findByUid(uid) {
    return payloadOf(await run('uid', 'SELECT payload, consumed_at FROM stored WHERE kind = $1 AND uid = $2', [this.kind, uid]));
  }

  async findByUserCode(code) {
    return payloadOf(await run('user code', 'SELECT payload, consumed_at FROM stored WHERE kind = $1 AND user_code = $2', [this.kind, code]));
  }

  async destroy(id) { await run('destroy', 'DELETE FROM stored WHERE kind = $1 AND id = $2', [this.kind, id]); }

  async consume(id) { await run('consume', 'UPDATE stored SET consumed_at = now() WHERE kind = $1 AND id = $2', [this.kind, id]); }

  async revokeByGrantId(grantId) { await run('revoke', 'DELETE FROM stored WHERE grant_id = $1', [grantId]); }
}

async function findAccount(ctx, id) {
  const { rows: [row] } = await run('account', 'SELECT name, active FROM account WHERE id = $1', [id]);
  return row?.active ? { accountId: id, claims: () => ({ sub: id, name: row.name }) } : undefined;
}

const client = (name, scope, grants, more = {}) => ({
  client_id: name, client_secret: randomBytes(32).toString('base64url'), scope, grant_types: grants,
  redirect_uris: grants.includes('authorization_code') ? [REDIRECT_URI] : [],
  response_types: grants.includes('authorization_code') ? ['code'] : [], ...more,
});
const COOKIE_KEY = randomBytes(32).toString('base64url');
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const web = client('web', 'openid profile', ['authorization_code', 'refresh_token']);
const machine = client('machine', 'stats:read', ['client_credentials']);
const spa = client('public', 'openid profile', ['authorization_code', 'refresh_token'], { token_endpoint_auth_method: 'none', client_secret: undefined });
const tv = client('tv', 'openid profile', [DEVICE], { token_endpoint_auth_method: 'none', client_secret: undefined });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: Adapter, clients: [web, machine, spa, tv], findAccount, scopes: ['openid', 'profile', 'stats:read'],
  issueRefreshToken: async () => true,
  cookies: { keys: [COOKIE_KEY] }, interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  claims: { openid: ['sub'], profile: ['name'] }, rotateRefreshToken: true,
  features: {
    clientCredentials: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true },
    deviceFlow: { enabled: true }, devInteractions: { enabled: false },
  },
  ttl: { AccessToken: 3600, ClientCredentials: 3600, AuthorizationCode: 3600, RefreshToken: 86400, Grant: 86400, DeviceCode: 86400, IdToken: 600, Interaction: 3600, Session: 86400 },
});

// The site's part of a consent: a page that says who asks for what, and the grant that its answer makes.
const escaped = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
const page = ({ uid, params, prompt }, name) => `<!doctype html><title>Allow?</title>
<form method="post" action="/interaction/${uid}"><p>${escaped(params.client_id)} asks ${escaped(name)} for:</p>
<ul>${prompt.details.missingOIDCScope.map((scope) => `<li>${escaped(scope)}`).join('')}</ul>
<button name="decision" value="allow">Allow</button></form>`;

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const asked = await provider.interactionDetails(ctx.req, ctx.res);
  const account = await findAccount(ctx, asked.session.accountId);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = page(asked, account.claims().name);
    return undefined;
  }
  const grant = asked.grantId ? await provider.Grant.find(asked.grantId)
    : new provider.Grant({ accountId: account.accountId, clientId: asked.params.client_id });
  grant.addOIDCScope(asked.prompt.details.missingOIDCScope.join(' '));
  const result = { consent: { grantId: await grant.save() } };
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
});

provider.use(async (ctx, next) => {
  if (ctx.path !== '/api/') return next();
  const token = await provider.AccessToken.find((ctx.get('authorization') || '').slice(7));
  const account = token?.isValid ? await findAccount(ctx, token.accountId) : undefined;
  if (!account || !token.scopes.has('profile')) return ctx.throw(401);
  ctx.body = { username: account.claims().name };
});

await pool.query("INSERT INTO account VALUES ('1', 'alice', true)");
async function granted(scope, clientId) {
  const grant = new provider.Grant({ accountId: '1', clientId });
  grant.addOIDCScope(scope);
  return grant.save();
}
async function common(scope, clientId = 'web') {
  return { accountId: '1', client: await provider.Client.find(clientId), grantId: await granted(scope, clientId), scope, gty: 'authorization_code' };
}
async function code(scope, clientId) {
  return new provider.AuthorizationCode({
    ...await common(scope, clientId), redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE, codeChallengeMethod: 'S256', authTime: 1700000000,
  }).save();
}
const refresh = async (clientId) => new provider.RefreshToken({ ...await common('openid profile', clientId), rotations: 0, iiat: Math.floor(Date.now() / 1000) }).save();
const access = async () => new provider.AccessToken(await common('openid profile')).save();
const times = async (make, number = count) => { const made = []; for (let n = 0; n < number; n += 1) made.push(await make()); return made; };

// The cookies of a browser in which somebody has logged in; with a grant, who has allowed it already.
const grip = new Keygrip([COOKIE_KEY]);
async function session(accountId, grantId) {
  const made = new provider.Session({ accountId, loginTs: Math.floor(Date.now() / 1000) });
  if (grantId) made.authorizations = { web: { sid: randomBytes(16).toString('base64url'), grantId } };
  const id = await made.save(86400);
  return { _session: id, '_session.sig': grip.sign(`_session=${id}`) };
}
async function newcomer() {
  const id = randomBytes(8).toString('hex');
  await pool.query("INSERT INTO account VALUES ($1, 'new', true)", [id]);
  return session(id);
}

const deviceCode = new provider.DeviceCode({ client: await provider.Client.find('tv'), params: { client_id: 'tv', scope: 'profile' }, userCode: 'ABCDEFGH' });
const held = {
  web: ['web', web.client_secret], machine: ['machine', machine.client_secret], login: ['web', web.client_secret], public: ['public'],
  codes: await times(() => code('profile')), 'login codes': await times(() => code('openid profile')),
  'public codes': await times(() => code('profile', 'public')), 'public refresh': await times(() => refresh('public')),
  refresh: await times(() => refresh()), access: await times(access), 'login access': [await access()],
  device: ['tv', await deviceCode.save()],
  sessions: await times(newcomer, Math.min(count, 3000)), remembered: await session('1', await granted('profile', 'web')),
};
provider.listen(port, '127.0.0.1', () => process.stdout.write(`${JSON.stringify(held)}\n`));
