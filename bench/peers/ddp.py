"""Data-parallel training of a ViT on this machine by PyTorch's own DistributedDataParallel over gloo: whole steps.

python3 ddp.py '{"imageSize": 224, "patchSize": 16, "width": 192, "depth": 12, "heads": 3, "mlpWidth": 768, "channels": 3,
                 "numClasses": 10, "batch": 64, "processes": 2, "threads": 1, "precision": "f32"}'

Each process has its share of one batch in memory: nothing is read or decoded. Prints a line of JSON when all are ready;
then, for each line `measure SECONDS` on stdin, one with the images per second of all.
"""
import json
import os
import sys
import tempfile
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch.nn.parallel import DistributedDataParallel


def say(values):
    print(json.dumps(values), flush=True)


def run(rank, s, meeting):
    torch.set_num_threads(s['threads'])
    os.environ['GLOO_SOCKET_IFNAME'] = 'lo'
    dist.init_process_group('gloo', init_method=f'file://{meeting}', rank=rank, world_size=s['processes'])
    torch.manual_seed(0)
    model = VisionTransformer(
        img_size=s['imageSize'], patch_size=s['patchSize'], in_chans=s['channels'], num_classes=s['numClasses'],
        embed_dim=s['width'], depth=s['depth'], num_heads=s['heads'], mlp_ratio=s['mlpWidth'] / s['width']).train()
    replica = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05)
    share = s['batch'] // s['processes']
    images = torch.randn(share, s['channels'], s['imageSize'], s['imageSize'])
    labels = torch.randint(0, s['numClasses'], (share,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=s['precision'] == 'bf16'):
            loss = F.cross_entropy(replica(images), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    def shared(value):
        """The first process's value, in all of them."""
        message = torch.tensor([value], dtype=torch.float64)
        dist.broadcast(message, 0)
        return message.item()

    step()
    step()
    if rank == 0:
        say({'torch': torch.__version__})
    while True:
        limit = shared(float((sys.stdin.readline() or 'measure -1').split()[1]) if rank == 0 else 0)
        if limit < 0:
            break
        began, steps = time.time(), 0
        while shared(steps == 0 or time.time() - began < limit):
            step()
            steps += 1
        if rank == 0:
            say({'imagesPerSecond': steps * s['batch'] / (time.time() - began), 'steps': steps})
    dist.destroy_process_group()


def run_other(index, *rest):
    run(index + 1, *rest)


if __name__ == '__main__':
    spec = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        rest = (spec, os.path.join(folder, 'meeting'))
        others = mp.spawn(run_other, rest, nprocs=spec['processes'] - 1, join=False)
        # The first process is this one, which reads the requests.
        run(0, *rest)
        while not others.join():
            pass
