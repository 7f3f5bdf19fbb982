"""An agent in Python without any package: the protocol of NATS is text. Usage: worker.py HOST PORT [PREFIX]

It answers for every agent of the mesh, and says each second that it is here. docs/agents.md has the subjects.
"""
import json
import socket
import sys
import threading
import time

host, port = sys.argv[1], int(sys.argv[2])
prefix = sys.argv[3] if len(sys.argv) > 3 else "mesh.agents"
line = socket.create_connection((host, port))
said = threading.Lock()
answers = {}  # by id of the message: who asks again has not heard us, and nothing is done twice


def send(text):
    with said:
        line.sendall(text.encode())


def publish(subject, value):
    body = json.dumps(value)
    send(f"PUB {subject} {len(body.encode())}\r\n{body}\r\n")


def handle(message):
    celsius = message.get("celsius") if isinstance(message, dict) else None
    if not isinstance(celsius, (int, float)) or celsius > 60:
        return {"state": -1, "conflict": {"type": "DATA_CONTRADICTION", "expected": "at most 60", "received": celsius}}
    return {"state": 1, "value": {"fahrenheit": celsius * 9 / 5 + 32}}


def here():
    while True:
        publish(f"{prefix}.here", {})
        time.sleep(1)


lines = line.makefile("rb")
lines.readline()  # INFO
send('CONNECT {"verbose":false,"name":"worker.py"}\r\n')
# Of those in one queue group one hears each request: start as many workers as it takes.
send(f"SUB {prefix}.ask.> workers 1\r\nSUB {prefix}.probe workers 2\r\n")
threading.Thread(target=here, daemon=True).start()
while said_to_us := lines.readline():
    words = said_to_us.decode().split()
    if words[0] == "PING":
        send("PONG\r\n")
    elif words[0] == "MSG":
        received = time.time() * 1000
        body = lines.read(int(words[-1]) + 2)[:-2]
        asked = json.loads(body) if body else {}
        key = asked.get("id")
        answer = answers.get(key) or (handle(asked["message"]) if key else {"state": 1})
        if key:
            answers[key] = answer
            if len(answers) > 100_000:
                answers.pop(next(iter(answers)))
        publish(words[-2], {**answer, "receivedMs": received, "answeredMs": time.time() * 1000})
