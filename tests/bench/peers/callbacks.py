"""A durable door for WeCom's callbacks, as one writes it with FastAPI and wechatpy.

Every callback is verified, decrypted, parsed, stored and committed before it is answered. Environment: CORP, TOKEN,
AES_KEY, and DATABASE, the file to store into.

It stores on the event loop: on one core, a thread for the commits would mostly add a hand-over to each of them.
"""

import os
import sqlite3

from fastapi import FastAPI, Request, Response
from wechatpy.enterprise import parse_message
from wechatpy.enterprise.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException

crypto = WeChatCrypto(os.environ["TOKEN"], os.environ["AES_KEY"], os.environ["CORP"])

database = sqlite3.connect(os.environ["DATABASE"], isolation_level=None)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute(
    "CREATE TABLE IF NOT EXISTS callback (id INTEGER PRIMARY KEY, event TEXT, change_type TEXT, customer TEXT UNIQUE, body TEXT)"
)

app = FastAPI(openapi_url=None)


@app.post("/callback/wecom/demo")
async def receive(request: Request) -> Response:
    query = request.query_params
    body = await request.body()
    try:
        xml = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    except InvalidSignatureException:
        return Response(status_code=403)
    event = parse_message(xml)._data
    # One statement outside a transaction is a transaction: it is committed when this returns.
    database.execute(
        "INSERT INTO callback (event, change_type, customer, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (event["Event"], event["ChangeType"], event["ExternalUserID"], xml),
    )
    return Response()


@app.get("/count")
async def count() -> int:
    return database.execute("SELECT count(*) FROM callback").fetchone()[0]
