#!/usr/bin/python3
"""A whole CRM driver in Python: STOMP (Debian's python3-stomp), events as text. It signs an agent in, takes one call,
holds and retrieves it, hangs up and signs the agent out. docs/driver-guide.md explains the steps and how to run it."""
import os
import queue
import sys
import time
from urllib.parse import urlsplit

import stomp

setting = os.environ.get
BROKER = urlsplit(setting("BROKER", "tcp://127.0.0.1:61613"))
QUEUE, TOPIC = setting("COMMAND_QUEUE", "Connector1"), setting("DESTINATION", "desk")
AGENT, PASSWORD, EXTENSION = setting("AGENT", "1002"), setting("PASSWORD", "secret"), setting("EXTENSION", "2002")
ANSWER, CALL = 30, 300  # seconds to wait: for the connector and the broker, for a caller

events = queue.Queue()  # category and text, filled by a thread of stomp.py


class Listener(stomp.ConnectionListener):
    def on_message(self, frame):
        # ActiveMQ keeps text in Java's UTF-8: an emoji, for example, is a pair of surrogates.
        text = frame.body.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
        events.put((frame.headers.get("MessageCategory"), text))

    def on_disconnected(self):
        events.put(("broker", f"{AGENT}#Error#the connection to the broker is lost"))


def send(type, parameters=""):
    print(">", type, flush=True)  # not the parameters: they may hold a password
    # The reply-to is for a connector that does not know the agent; Hello and Connect heed the format.
    broker.send("/queue/" + QUEUE, parameters, headers={"type": type, "reply-to": "/topic/" + TOPIC, "format": "text"})


def wait(fields, seconds=ANSWER):
    """Reads events up to the one that begins with these fields."""
    end = time.monotonic() + seconds
    while True:
        try:
            category, event = events.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            sys.exit(f"driver: {fields} did not come within {seconds} s")
        print(category, event, sep="\t", flush=True)
        if event.startswith((f"{AGENT}#Error", f"{AGENT}#State#RE_LOGIN")):
            sys.exit(f"driver: the answer is {event}")
        if (event + "#").startswith(fields + "#"):
            return event


def ask(type, parameters, answer):
    send(type, parameters)
    wait(answer)


# Without a content-length a command is a TextMessage; a broker that is silent for 30 s is gone.
broker = stomp.Connection12([(BROKER.hostname, BROKER.port)], heartbeats=(10000, 10000), timeout=ANSWER,
                            auto_content_length=False, auto_decode=False)
broker.set_listener("driver", Listener())
try:
    broker.connect(wait=True)
except stomp.exception.ConnectFailedException:
    sys.exit(f"driver: there is no connection to the broker {BROKER.netloc}")
broker.subscribe("/topic/" + TOPIC, id=1)  # before Hello: a topic keeps nothing

ask(f"Hello#{TOPIC}", "", "System#IN_SERVICE")
send(f"Connect#{AGENT}", f"{TOPIC},{PASSWORD}")  # no answer is a good answer
ask(f"Login#{AGENT}", f"{PASSWORD},{EXTENSION}", f"{AGENT}#AgentInfo")
ask(f"MakeReady#{AGENT}", "", f"{AGENT}#State#READY")
dialog = wait(f"{AGENT}#NewInboundCall", CALL).split("#")[4]  # DialogID:16870001
call = dialog.removeprefix("DialogID:")
ask(f"AnswerCall#{AGENT}", call, f"{AGENT}#InboundCall#ACTIVE#{dialog}")
ask(f"HoldCall#{AGENT}", call, f"{AGENT}#InboundCall#HELD#{dialog}")
ask(f"RetrieveCall#{AGENT}", call, f"{AGENT}#InboundCall#ACTIVE#{dialog}")
ask(f"ReleaseCall#{AGENT}", call, f"{AGENT}#InboundCall#DROPPED#{dialog}")
ask(f"MakeNotReady#{AGENT}", "", f"{AGENT}#State#NOT_READY")  # who is ready cannot sign out
ask(f"Logout#{AGENT}", "", f"{AGENT}#State#LOGOUT")
broker.disconnect()
