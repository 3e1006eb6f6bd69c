"""wechatpy, as published, against the simulated WeCom: calls, errors and callbacks."""

import json
import queue
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from requests.adapters import HTTPAdapter
from wechatpy.enterprise import WeChatClient, parse_message
from wechatpy.enterprise.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException

WECOM = "https://qyapi.weixin.qq.com"
PATIENCE = 10


class Elsewhere(HTTPAdapter):
    """Sends what is for WeCom to another address; nothing else of the client changes."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def send(self, request, **options):
        assert request.url.startswith(WECOM), request.url
        request.url = self.address + request.url[len(WECOM):]
        options["proxies"] = {}
        return super().send(request, **options)


def control(address, method, path, body=None):
    """Calls the control interface of the simulation."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def receiver(app):
    """Starts a server that takes callbacks as the documentation of wechatpy says; returns its address and what came."""
    crypto = WeChatCrypto(app["token"], app["encoding_aes_key"], app["corp_id"])
    came = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def signed(self):
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            return query["msg_signature"], query["timestamp"], query["nonce"], query.get("echostr")

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer(crypto.check_signature(*self.signed()).encode())

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signature, timestamp, nonce, _ = self.signed()
            came.put(parse_message(crypto.decrypt_message(body, signature, timestamp, nonce)))
            self.answer(b"")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/callback", came


def refused(call, errcode):
    """Checks that WeCom refuses a call, and how."""
    try:
        call()
    except WeChatClientException as error:
        assert error.errcode == errcode, f"{error.errcode} instead of {errcode}: {error.errmsg}"
    else:
        raise AssertionError(f"not refused with {errcode}")


def main(address):
    app = control(address, "GET", "/_control/apps")[0]
    url, came = receiver(app)
    control(address, "PUT", f"/_control/apps/{app['app']}", {"callback_url": url})
    verified = control(address, "POST", f"/_control/apps/{app['app']}/verify", {})
    assert verified["verified"], verified

    client = WeChatClient(app["corp_id"], app["secret"])
    client._http.mount("https://", Elsewhere(address))
    departments = client.department.get()
    assert departments[0]["id"] == 1, departments
    # WeCom lists the members of one department only, whatever a client says of those below.
    listed = {member["userid"] for each in departments for member in client.user.list(each["id"])}
    assert listed == set(app["staff"]), listed ^ set(app["staff"])
    member = client.user.get(app["staff"][0])
    assert member["name"], member
    assert app["staff"][0] in client.external_contact.get_follow_user_list()["follow_user"]

    way = client.external_contact.add_contact_way(1, 2, state="python", user=[app["staff"][0]])
    read = client.external_contact.get_contact_way(way["config_id"])["contact_way"]
    assert (read["state"], read["user"]) == ("python", [app["staff"][0]]), read

    customer = "wmPythonClientCustomer"
    fields = {"UserID": app["staff"][0], "ExternalUserID": customer, "State": "python", "WelcomeCode": "python-code"}
    control(address, "POST", "/_control/events",
            {"app": app["app"], "type": "add_external_contact", "fields": fields})
    event = came.get(timeout=PATIENCE)
    told = event._data
    assert (told["Event"], told["ChangeType"]) == ("change_external_contact", "add_external_contact"), told
    assert (told["ExternalUserID"], told["UserID"], told["State"]) == (customer, app["staff"][0], "python"), told

    client.external_contact.send_welcome_msg({"welcome_code": told["WelcomeCode"], "text": {"content": "您好"}})
    refused(lambda: client.external_contact.send_welcome_msg(
        {"welcome_code": told["WelcomeCode"], "text": {"content": "您好"}}), 41051)
    assert customer in client.external_contact.list(app["staff"][0])["external_userid"]
    known = client.external_contact.get(customer)
    assert known["follow_user"][0]["state"] == "python", known

    groups = client.external_contact.get_corp_tag_list()["tag_group"]
    tag = groups[0]["tag"][0]["id"]
    client.external_contact.mark_tag(app["staff"][0], customer, add_tag=[tag])
    marked = client.external_contact.get(customer)["follow_user"][0]["tags"]
    assert [mark["tag_id"] for mark in marked] == [tag], marked
    refused(lambda: client.external_contact.get("wmNobody"), 84061)

    sent = client.message.send_text(app["agent_id"], [app["staff"][0]], "新线索")
    assert sent["errcode"] == 0, sent
    control(address, "PUT", "/_control/faults", {"revoke_tokens": True})
    assert client.user.get(app["staff"][0])["userid"] == app["staff"][0], "a revoked token is fetched anew"
    print("wechatpy: calls, refusals and callbacks are as it expects them")


if __name__ == "__main__":
    main(sys.argv[1])
