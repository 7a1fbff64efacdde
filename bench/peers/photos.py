"""A plain PyTorch loop over a folder of photos, as its tutorials have it, and photos to try it on.

python3 photos.py make FOLDER            writes train/CLASS/NUMBER.jpg and test/CLASS/NUMBER.jpg: noise that looks like photos
python3 photos.py train FOLDER EPOCHS    trains a ViT-Ti/16 on them and evaluates it after each epoch
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
from timm.models.vision_transformer import VisionTransformer
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

CLASSES, SIZE, QUALITY = ('ash', 'birch', 'cedar', 'doum'), (500, 375), 90
PER_CLASS = {'train': 64, 'test': 16}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def make(folder):
    random = np.random.default_rng(1)
    for split, count in PER_CLASS.items():
        for label, name in enumerate(CLASSES):
            os.makedirs(f'{folder}/{split}/{name}')
            for number in range(count):
                coarse = random.integers(0, 256, (12 + 6 * label, 16 + 8 * label, 3), dtype=np.uint8)
                photo = Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC)
                grain = Image.fromarray(random.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8))
                photo = Image.blend(photo, grain.filter(ImageFilter.GaussianBlur(1)), 0.25)
                photo.save(f'{folder}/{split}/{name}/{number}.jpg', quality=QUALITY)


def train(folder, epochs):
    torch.manual_seed(0)
    after = [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
    train_set = datasets.ImageFolder(f'{folder}/train', transforms.Compose(
        [transforms.RandomResizedCrop(224, scale=(0.6, 1)), transforms.RandomHorizontalFlip(), *after]))
    test_set = datasets.ImageFolder(f'{folder}/test', transforms.Compose(
        [transforms.Resize(249), transforms.CenterCrop(224), *after]))
    loader = DataLoader(train_set, 32, shuffle=True, num_workers=2, persistent_workers=True)
    test_loader = DataLoader(test_set, 32, num_workers=2, persistent_workers=True)
    model = VisionTransformer(
        img_size=224, patch_size=16, num_classes=len(CLASSES), embed_dim=192, depth=12, num_heads=3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    for _ in range(epochs):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        model.eval()
        correct = 0
        with torch.no_grad():
            for images, labels in test_loader:
                correct += (model(images).argmax(1) == labels).sum().item()
        print('test accuracy', correct / len(test_set), flush=True)
    torch.save(model.state_dict(), f'{folder}/model.pt')


if __name__ == '__main__':
    if sys.argv[1] == 'make':
        make(sys.argv[2])
    else:
        train(sys.argv[2], int(sys.argv[3]))
