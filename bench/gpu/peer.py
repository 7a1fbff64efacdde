"""What a user would run in place of Tessera on the same card: forward and backward of a ViT in PyTorch.

python3 peer.py '{"imageSize": 224, "patchSize": 16, "width": 768, "depth": 12, "heads": 12, "mlpWidth": 3072,
                  "channels": 3, "numClasses": 1000, "microBatch": 128, "leaves": 8, "precision": "bf16", "compile": true}'

torch.compile, fused attention, autocast; gradients of several leaves are added up, as a node's are. Prints a line of
JSON when it is ready; then, for each line `measure SECONDS` on stdin, one with the images per second.
"""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

spec = json.loads(sys.argv[1])
device = 'cuda' if torch.cuda.is_available() else 'cpu'
torch.backends.cuda.matmul.allow_tf32 = spec['precision'] != 'f32'
torch.backends.cudnn.benchmark = True
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.proj(mixed)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Vit(nn.Module):
    """For machines without timm."""

    def __init__(self, s):
        super().__init__()
        width, patch = s['width'], s['patchSize']
        self.patches = nn.Conv2d(s['channels'], width, patch, patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, (s['imageSize'] // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, s['heads'], s['mlpWidth']) for _ in range(s['depth'])])
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, s['numClasses'])

    def forward(self, images):
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def build(s):
    try:
        from timm.models.vision_transformer import VisionTransformer
    except ImportError:
        return 'own', Vit(s)
    return 'timm', VisionTransformer(
        img_size=s['imageSize'], patch_size=s['patchSize'], in_chans=s['channels'], num_classes=s['numClasses'],
        embed_dim=s['width'], depth=s['depth'], num_heads=s['heads'], mlp_ratio=s['mlpWidth'] / s['width'])


def matmul_teraflops(size=8192):
    """What the card reaches in a product of bf16 matrices of random numbers."""
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    began = time.time()
    for _ in range(10):
        a @ b
    torch.cuda.synchronize()
    return 2e-12 * size ** 3 * 10 / (time.time() - began)


batch, leaves = spec['microBatch'], spec['leaves']
source, model = build(spec)
model = model.to(device).train()
images = torch.randn(batch, spec['channels'], spec['imageSize'], spec['imageSize'], device=device)
labels = torch.randint(0, spec['numClasses'], (batch,), device=device)
forward = torch.compile(model) if spec['compile'] else model
wait = torch.cuda.synchronize if device == 'cuda' else lambda: None


def node():
    model.zero_grad(set_to_none=True)
    for _ in range(leaves):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=spec['precision'] == 'bf16'):
            loss = F.cross_entropy(forward(images), labels, reduction='sum')
        loss.backward()


def say(values):
    print(json.dumps(values), flush=True)


began = time.time()
node()
node()
wait()
say({'torch': torch.__version__, 'model': source, 'compileSeconds': round(time.time() - began, 1), 'device': torch.cuda.get_device_name() if device == 'cuda' else device,
     **({'matmulTeraflops': round(matmul_teraflops())} if device == 'cuda' else {})})
for line in sys.stdin:
    limit = float(line.split()[1])
    began, nodes = time.time(), 0
    while nodes == 0 or time.time() - began < limit:
        node()
        wait()
        nodes += 1
    seconds = time.time() - began
    resident = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = torch.cuda.max_memory_allocated() if device == 'cuda' else resident
    say({'imagesPerSecond': nodes * leaves * batch / seconds, 'nodes': nodes, 'bytesPeak': peak})
