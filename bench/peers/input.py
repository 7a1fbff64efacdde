"""Photos by torchvision on Pillow: decoded, cut and resized. Asked by lines, replies with lines of JSON.

python3 input.py '{"photos": [{"path": ..., "box": {...}}], "side": 224, "short": 256}'
"""
import hashlib
import json
import sys
import time

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

torch.set_num_threads(1)
request = json.loads(sys.argv[1])
photos, side, short = request['photos'], request['side'], request['short']
BICUBIC = InterpolationMode.BICUBIC


def training(photo):
    box = photo['box']
    image = Image.open(photo['path']).convert('RGB')
    return F.resized_crop(image, box['top'], box['left'], box['height'], box['width'], [side, side], BICUBIC)


def testing(photo):
    image = Image.open(photo['path']).convert('RGB')
    return F.center_crop(F.resize(image, short, BICUBIC), [side, side])


MAKE = {'training': training, 'testing': testing}


def digest(make):
    sums = hashlib.sha256()
    for photo in photos:
        sums.update(np.asarray(make(photo)).tobytes())
    return sums.hexdigest()


def say(values):
    print(json.dumps(values), flush=True)


say({name: digest(make) for name, make in MAKE.items()})
for line in sys.stdin:
    name, seconds = line.split()
    began, cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < float(seconds):
        for photo in photos:
            np.asarray(MAKE[name](photo))
        count += len(photos)
    spent = time.process_time() - cpu
    say({'perSecond': count / (time.perf_counter() - began), 'perCoreSecond': count / spent})
