"""A worker that makes leads of events, as one writes it with pika and psycopg.

    worker.py prepare    makes tables and queues, empty
    worker.py run        works until it is ended
    worker.py report     prints {"leads": …, "waits_ms": […]}, the waits in the order of arrival

For each event, in one transaction: the event is noted, its lead is written, and what follows is published and confirmed by
the broker; then commit, then the acknowledgement. A lead of an event that came before is not written twice. Environment:
POSTGRES_URL, AMQP_URL.
"""

import json
import os
import sys
import time

import pika
import psycopg

IN, OUT, EXCHANGE = "bench.contact_added", "bench.lead_assigned", "bench.events"
# Deliveries on their way while one is handled.
PREFETCH = 200

TABLES = """
DROP TABLE IF EXISTS lead;
DROP TABLE IF EXISTS inbox;
CREATE TABLE inbox (message_id text PRIMARY KEY, handled_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE lead (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corp_id text NOT NULL, external_user_id text NOT NULL, owner text NOT NULL,
    received_ms bigint NOT NULL, assigned_ms bigint NOT NULL,
    UNIQUE (corp_id, external_user_id)
);
"""


def connect():
    broker = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
    return broker, broker.channel()


def prepare():
    with psycopg.connect(os.environ["POSTGRES_URL"], autocommit=True) as database:
        database.execute(TABLES)
    broker, channel = connect()
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    for queue in (IN, OUT):
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind(queue, EXCHANGE, queue)
        channel.queue_purge(queue)
    broker.close()


def run():
    database = psycopg.connect(os.environ["POSTGRES_URL"])
    broker, channel = connect()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=PREFETCH)

    def handle(channel, method, properties, body):
        event = json.loads(body)
        with database.transaction(), database.cursor() as cursor:
            cursor.execute(
                "INSERT INTO inbox (message_id) VALUES (%s) ON CONFLICT DO NOTHING", (properties.message_id,)
            )
            if cursor.rowcount == 1:
                assigned = time.time_ns() // 1_000_000
                cursor.execute(
                    "INSERT INTO lead (corp_id, external_user_id, owner, received_ms, assigned_ms)"
                    " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (event["corp_id"], event["external_user_id"], event["user_id"], event["received_ms"], assigned),
                )
                # Returns when the broker has it safe, and raises otherwise.
                channel.basic_publish(
                    EXCHANGE,
                    OUT,
                    json.dumps({"external_user_id": event["external_user_id"], "owner": event["user_id"]}).encode(),
                    pika.BasicProperties(delivery_mode=2, message_id=properties.message_id + ".assigned"),
                    mandatory=True,
                )
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(IN, handle)
    print("ready", flush=True)
    channel.start_consuming()


def report():
    with psycopg.connect(os.environ["POSTGRES_URL"]) as database:
        rows = database.execute("SELECT assigned_ms - received_ms FROM lead ORDER BY received_ms, id").fetchall()
    print(json.dumps({"leads": len(rows), "waits_ms": [row[0] for row in rows]}))


if __name__ == "__main__":
    {"prepare": prepare, "run": run, "report": report}[sys.argv[1]]()
