"""A bad line: relays Ethernet frames between two TAP devices, each frame late, some never.

    bad-line.py DEVICE DEVICE DELAY_MS LOSS_PERCENT MBIT SEED

Makes the devices in the network namespace it runs in, and prints "ready". Ends when its standard input does, so with
whoever started it, however that one died, and prints what came of the frames; the devices go with it.
"""
import fcntl
import json
import os
import random
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LONGEST_FRAME = 65536
QUEUE_FRAMES = 1000  # A direction; netem's default.

counts = {"passed": 0, "lost": 0, "overflowed": 0}


def tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


class Direction:
    """One way of the line. Each frame waits equally long after the last bit before it, so none overtakes."""

    def __init__(self, source, sink, delay_s, loss, bits_per_s, seed):
        self.source, self.sink = source, sink
        self.delay_s, self.loss, self.bits_per_s = delay_s, loss, bits_per_s
        self.random = random.Random(seed)
        self.queue = deque()  # (when it is due, frame)
        self.free_at = 0.0  # When the last bit taken so far has left.

    def take(self, now):
        frame = os.read(self.source, LONGEST_FRAME)
        if self.random.random() < self.loss:
            counts["lost"] += 1
        elif len(self.queue) == QUEUE_FRAMES:
            counts["overflowed"] += 1
        else:
            self.free_at = max(self.free_at, now) + 8 * len(frame) / self.bits_per_s
            self.queue.append((self.free_at + self.delay_s, frame))

    def give(self, now):
        while self.queue and self.queue[0][0] <= now:
            _, frame = self.queue.popleft()
            try:
                os.write(self.sink, frame)
                counts["passed"] += 1
            except OSError:  # The device at that end is down, as at a cable that is cut.
                counts["lost"] += 1


def main(near, far, delay_ms, loss_percent, mbit, seed):
    ends = tap(near), tap(far)
    line = float(delay_ms) / 1e3, float(loss_percent) / 100, float(mbit) * 1e6
    ways = [Direction(*ends, *line, f"{seed} there"), Direction(*ends[::-1], *line, f"{seed} back")]
    print("ready", flush=True)
    while True:
        due = min((way.queue[0][0] for way in ways if way.queue), default=None)
        wait = None if due is None else max(0.0, due - time.monotonic())
        readable, _, _ = select.select([0, *ends], [], [], wait)
        if 0 in readable:
            break
        now = time.monotonic()
        for way in ways:
            way.give(now)
            if way.source in readable:
                way.take(now)
    print(json.dumps(counts))


main(*sys.argv[1:])
