// A fast door for WeCom's callbacks, as one writes it with Fastify and @wecom/crypto. Nothing is durable: a callback is
// verified, decrypted, kept in memory and answered. Environment: CORP, TOKEN, AES_KEY, PORT.

import crypto from "@wecom/crypto";
import Fastify from "fastify";

const { decrypt, getSignature } = crypto;
const { CORP, TOKEN, AES_KEY, PORT } = process.env;
const kept = [];

const app = Fastify({ logger: false });
app.addContentTypeParser("text/xml", { parseAs: "string" }, (request, body, done) => done(null, body));

app.post("/callback/wecom/demo", (request, reply) => {
  const { msg_signature, timestamp, nonce } = request.query;
  const encrypted = /<Encrypt><!\[CDATA\[(.*?)\]\]><\/Encrypt>/.exec(request.body)?.[1] ?? "";
  if (getSignature(TOKEN, timestamp, nonce, encrypted) !== msg_signature) return reply.code(403).send("");
  const { message, id } = decrypt(AES_KEY, encrypted);
  if (id !== CORP) return reply.code(403).send("");
  kept.push(message);
  return reply.send("");
});

app.get("/count", () => String(kept.length));

await app.listen({ host: "127.0.0.1", port: Number(PORT) });
