"""Holds the patch transformer against `transformers`, whose names and arithmetic it takes over.

  python tools/vit-reference.py make src/model/fixtures/tiny-vit   writes a small model and the vectors it gives
  python tools/vit-reference.py check BUNDLE                       loads a bundle of ours, compares with its probes

Needs the Python packages torch and transformers.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import ViTConfig, ViTModel


def vectors(model, pixels, mean, std):
    """pixels: [n, h, w, c] in [0, 1]"""
    with torch.no_grad():
        scaled = (pixels - torch.tensor(mean)) / torch.tensor(std)
        states = model(scaled.permute(0, 3, 1, 2).contiguous()).last_hidden_state
    return torch.nn.functional.normalize(states[:, 0], dim=-1)


def make(folder):
    torch.manual_seed(7)
    config = ViTConfig(
        image_size=8, patch_size=4, num_channels=3, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=20, initializer_range=0.4,
    )
    model = ViTModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():  # fresh biases are 0 and fresh norms 1: a swapped one would go unseen
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    pixels = torch.rand(4, 8, 8, 3)
    expected = vectors(model, pixels, [0.5] * 3, [0.5] * 3)
    save_file({"pixels": pixels, "embeddings": expected.contiguous()}, folder / "expected.safetensors")


def check(folder):
    model, report = ViTModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    processor = json.loads((folder / "preprocessor_config.json").read_text())
    probes = load_file(folder / "probes.safetensors")
    pixels = probes["inputs"].float() / 255
    found = vectors(model.eval(), pixels, processor["image_mean"], processor["image_std"])
    print("missing", sorted(report["missing_keys"]), "unexpected", sorted(report["unexpected_keys"]))
    print("largest difference", (found - probes["embeddings"]).abs().max().item())
    print("smallest cosine", (found * probes["embeddings"]).sum(-1).min().item())


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]))
