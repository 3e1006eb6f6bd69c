// wechat-work and @wecom/crypto, as published, against the simulated WeCom: calls, errors and callbacks.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const axios = require("axios");
const { AccessToken, AppMessagesCommander, DepartmentsCommander, EnumSecretType, TextAppMessage, UsersCommander } =
  require("wechat-work");
const { decrypt, getSignature } = require("@wecom/crypto");

const WECOM = "https://qyapi.weixin.qq.com";
const PATIENCE = 10_000;
const address = process.argv[2];

/** Calls the control interface of the simulation. */
async function control(method, path, body) {
  const answer = await fetch(address + path, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE),
  });
  assert.equal(answer.status, 200, `${method} ${path}`);
  return answer.json();
}

/** Returns what a callback carries, or undefined unless its signature is right. */
function opened(app, query, encrypted) {
  const signature = getSignature(app.token, query.get("timestamp"), query.get("nonce"), encrypted);
  if (signature !== query.get("msg_signature")) return undefined;
  const { message, id } = decrypt(app.encoding_aes_key, encrypted);
  return id === app.corp_id ? message : undefined;
}

/** Starts a server that takes callbacks; `came` gets the inner XML of each. */
async function receive(app, came) {
  const server = createServer(async (request, response) => {
    const query = new URL(request.url, "http://127.0.0.1").searchParams;
    let body = "";
    for await (const chunk of request) body += chunk;
    const encrypted = query.get("echostr") ?? /<Encrypt><!\[CDATA\[(.*?)\]\]>/s.exec(body)?.[1];
    const message = encrypted && opened(app, query, encrypted);
    if (message === undefined) {
      response.writeHead(403).end();
    } else if (request.method === "GET") {
      response.end(message);
    } else {
      came(message);
      response.end();
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

/** Returns the text of an element. */
function field(xml, name) {
  return new RegExp(`<${name}>(?:<!\\[CDATA\\[)?(.*?)(?:\\]\\]>)?</${name}>`, "s").exec(xml)?.[1];
}

const [app] = await control("GET", "/_control/apps");
let heard;
const hearing = new Promise((resolve) => (heard = resolve));
const server = await receive(app, heard);
const url = `http://127.0.0.1:${server.address().port}/callback`;
await control("PUT", `/_control/apps/${app.app}`, { callback_url: url });
const verification = await control("POST", `/_control/apps/${app.app}/verify`, {});
assert.ok(verification.verified, JSON.stringify(verification));

// What is for WeCom goes to the simulation; nothing else of the client changes.
axios.interceptors.request.use((request) => {
  const url = request.url.trim();
  assert.ok(url.startsWith(WECOM), url);
  return { ...request, url: address + url.slice(WECOM.length), proxy: false, timeout: PATIENCE };
});
const cache = new Map();
const token = await AccessToken.getInstance(
  {
    corpId: app.corp_id,
    apps: [{ agentId: String(app.agent_id), agentSecret: app.secret }],
    getFromCacheMethod: async (key) => cache.get(key),
    saveToCacheMethod: async (key, content, ttlSeconds) => cache.set(key, { content, ttlSeconds }),
  },
  EnumSecretType.Agent,
  String(app.agent_id),
);
const users = new UsersCommander(token);

const departments = await new DepartmentsCommander(token).find();
assert.equal(departments[0].id, 1);
// WeCom lists the members of one department only, whatever a client says of those below.
const lists = await Promise.all(departments.map(({ id }) => users.findByDepartment(id, 0)));
assert.deepEqual(new Set(lists.flat().map((member) => member.userId)), new Set(app.staff));
assert.equal((await users.findById(app.staff[0])).userId, app.staff[0]);
await assert.rejects(users.findById("nobody-here"), /60111/);

const text = new TextAppMessage("新线索", app.agent_id, [app.staff[0]]);
const { invalidUserIds } = await new AppMessagesCommander(token).send(text);
assert.deepEqual(invalidUserIds, []);
await control("PUT", "/_control/faults", { revoke_tokens: true });
await assert.rejects(users.findById(app.staff[0]), /40014/, "a revoked token is refused");

const customer = "wmNodeClientCustomer";
const fields = { UserID: app.staff[0], ExternalUserID: customer, State: "node", WelcomeCode: "node-code" };
await control("POST", "/_control/events", { app: app.app, type: "add_external_contact", fields });
const told = await hearing;
const said = ["Event", "ChangeType", "ExternalUserID", "UserID", "State"].map((name) => field(told, name));
assert.deepEqual(said, ["change_external_contact", "add_external_contact", customer, app.staff[0], "node"]);

server.close();
console.log("wechat-work, @wecom/crypto: calls, refusals and callbacks are as they expect them");
