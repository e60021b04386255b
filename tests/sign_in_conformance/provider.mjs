// An OAuth server that nobody here wrote (oidc-provider), at the addresses that GitHub has for its device flow.
//
//     node provider.mjs PORT SECONDS_OF_A_CODE SECONDS_OF_A_TOKEN
//
// Reads `approve USER_CODE`, `deny USER_CODE` and `quit` from its input: what a person would do on its pages.

import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const [port, codeSeconds, tokenSeconds] = process.argv.slice(2).map(Number);
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const CLIENT = 'conformance';

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: CLIENT,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: [DEVICE_GRANT, 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
    {
      client_id: 'not-for-devices',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      grant_types: ['refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
  ],
  scopes: ['openid', 'offline_access', 'repo', 'read:org'],
  features: { deviceFlow: { enabled: true } },
  routes: {
    device_authorization: '/login/device/code',
    code_verification: '/login/device',
    token: '/login/oauth/access_token',
  },
  ttl: { DeviceCode: codeSeconds, AccessToken: tokenSeconds, RefreshToken: 3600, Grant: 3600, IdToken: 3600 },
  issueRefreshToken: async () => true,
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

async function decide(action, userCode) {
  const code = await provider.DeviceCode.findByUserCode(userCode.replace(/\W/g, ''));
  if (action === 'deny') {
    Object.assign(code, { error: 'access_denied', errorDescription: 'End-User aborted interaction' });
  } else {
    const grant = new provider.Grant({ clientId: CLIENT, accountId: 'ann' });
    grant.addOIDCScope(code.params.scope);
    const grantId = await grant.save();
    const scope = code.params.scope;
    Object.assign(code, { accountId: 'ann', grantId, scope, authTime: Math.floor(Date.now() / 1000) });
  }
  await code.save();
}

const server = provider.listen(port, '127.0.0.1', () => console.log('ready'));
for await (const line of createInterface({ input: process.stdin })) {
  const [action, userCode] = line.split(' ');
  if (action === 'quit') break;
  await decide(action, userCode);
  console.log('done');
}
server.close();
process.exit(0);
