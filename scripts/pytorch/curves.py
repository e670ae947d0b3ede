"""PSNR over iterations of tiled fits, for many configurations, on a GPU where there is one.

python -m pytorch.curves JOBS PICTURES OUTPUT SECONDS

JOBS: JSON, {"images": [{"name", "clean", "noisy"}], "configs": [{"name", "down", "up", "skip",
"inputs", "upsample", "noise", "lr", "tile", "overlap", "iterations", "seed"?, "slots"?,
"restarts"?}]}.
PICTURES: an .npz with the pictures that the images name, (height, width, 3), 8 bits, one size.
OUTPUT: a line of JSON for each configuration and image, added to what is there: PSNR of the
blended averages and of the last outputs every 50 iterations, and for each tile the loss and the
windowed variance every 10. With restarts from other weights and other inputs a line for each mean
of the first 1, 2, ... of them. SECONDS: no configuration is begun after so many.

Tiles start from one initialization and see one field of input noise; they are independent, so as
many as there are slots run at the same time, each a recorded graph of some iterations.
"""
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as functional

from pytorch.skip_network import SkipNetwork

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
INTERVAL = 50
ITERATIONS_A_GRAPH = 5
DECAYS = (0.98, 0.99, 0.995)
SAMPLES = 2048
WINDOW = 100


def describe(c):
    """A configuration in the words of SkipNetwork."""
    return {
        "input_channels": c["inputs"], "output_channels": 3, "down": c["down"], "up": c["up"],
        "skip": c["skip"], "filter_down": 3, "filter_up": 3, "pad": "reflection",
        "upsample": c["upsample"], "sigmoid": True, "one_by_one_up": True}


class Slot:
    """A network and its optimizer in fixed memory, used for one tile after the other."""

    def __init__(self, c):
        self.c = c
        self.network = SkipNetwork(describe(c)).train().to(DEVICE)
        self.parameters = list(self.network.parameters())
        tile, count = c["tile"], c["iterations"] + 2 * ITERATIONS_A_GRAPH
        self.z = torch.zeros(1, c["inputs"], tile, tile, device=DEVICE)
        self.given = torch.zeros(1, 3, tile, tile, device=DEVICE)
        self.first = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.second = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.averages = [torch.zeros_like(self.given) for _ in DECAYS]
        self.output = torch.zeros_like(self.given)
        self.step = torch.zeros((), device=DEVICE)
        self.row = torch.zeros(1, dtype=torch.long, device=DEVICE)
        self.places = torch.randperm(3 * tile * tile, device=DEVICE)[:SAMPLES]
        self.trace = torch.zeros(count, SAMPLES, device=DEVICE, dtype=torch.float16)
        self.losses = torch.zeros(count, device=DEVICE)
        self.generator = torch.Generator(device=DEVICE)
        self.graph = None
        if DEVICE == "cuda":
            self.record()

    def record(self):
        self.stream = torch.cuda.Stream()
        with torch.cuda.stream(self.stream):
            for _ in range(3):
                self.iterate()
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(self.generator)
        with torch.cuda.graph(self.graph, stream=self.stream):
            for _ in range(ITERATIONS_A_GRAPH):
                self.iterate()
        torch.cuda.synchronize()

    def begin(self, z, given, seed, start):
        with torch.no_grad():
            for parameter, start in zip(self.parameters, start):
                parameter.copy_(start)
            for values in self.first + self.second + self.averages:
                values.zero_()
            self.step.zero_()
            self.row.zero_()
            self.z.copy_(z)
            self.given.copy_(given)
        self.generator.manual_seed(seed)

    def iterate(self):
        noise = torch.randn(self.z.shape, device=DEVICE, generator=self.generator)
        output = self.network(self.z + self.c["noise"] * noise)
        loss = functional.mse_loss(output, self.given)
        gradients = list(torch.autograd.grad(loss, self.parameters))
        with torch.no_grad():
            self.step += 1
            is_first = (self.step == 1).float()
            for average, decay in zip(self.averages, DECAYS):
                average += torch.clamp(is_first + (1 - decay), max=1) * (output - average)
            self.output.copy_(output)
            samples = output.flatten()[self.places][None].half()
            self.trace.index_copy_(0, self.row, samples)
            self.losses.index_copy_(0, self.row, loss.detach()[None])
            self.row += 1
            self.update(gradients)

    def update(self, gradients):
        """Adam, with gradients of a 2-norm of at most 1."""
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        gradients = torch._foreach_mul(gradients, torch.clamp(1 / (norm + 1e-6), max=1))
        torch._foreach_mul_(self.first, 0.9)
        torch._foreach_add_(self.first, gradients, alpha=0.1)
        torch._foreach_mul_(self.second, 0.999)
        torch._foreach_addcmul_(self.second, gradients, gradients, value=0.001)
        size = torch._foreach_sqrt(self.second)
        torch._foreach_div_(size, (1 - 0.999 ** self.step).sqrt())
        torch._foreach_add_(size, 1e-8)
        change = torch._foreach_div(self.first, size)
        torch._foreach_mul_(change, -self.c["lr"] / (1 - 0.9 ** self.step))
        torch._foreach_add_(self.parameters, change)

    def advance(self):
        """Runs INTERVAL iterations, and copies the averages and the last output."""
        if self.graph is None:
            for _ in range(INTERVAL):
                self.iterate()
            return torch.cat([*self.averages, self.output]).half()
        with torch.cuda.stream(self.stream):
            for _ in range(INTERVAL // ITERATIONS_A_GRAPH):
                self.graph.replay()
            return torch.cat([*self.averages, self.output]).half()

    def variances(self):
        """Windowed moving variance from iteration WINDOW on (Wang et al., 2023)."""
        outputs = self.trace[: self.c["iterations"]].double()
        zero = torch.zeros(1, outputs.shape[1], device=DEVICE, dtype=torch.float64)
        sums = torch.cat([zero, outputs.cumsum(0)])
        squares = torch.cat([zero, (outputs * outputs).cumsum(0)])
        mean = (sums[WINDOW:] - sums[:-WINDOW]) / WINDOW
        return ((squares[WINDOW:] - squares[:-WINDOW]) / WINDOW - mean ** 2).mean(1).tolist()


def positions(length, tile, overlap):
    if tile >= length:
        return [0]
    count = math.ceil((length - overlap) / (tile - overlap))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def weights(starts, index, tile):
    """A raised cosine across each overlap, 1 between them."""
    values = np.ones(tile)
    for neighbour in (index - 1, index + 1):
        if not 0 <= neighbour < len(starts):
            continue
        shared = tile - abs(starts[neighbour] - starts[index])
        if shared <= 0:
            continue
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(shared) + 0.5) / shared)
        if neighbour < index:
            values[:shared] = np.minimum(values[:shared], rise)
        else:
            values[-shared:] = np.minimum(values[-shared:], rise[::-1])
    return values


def as_tensor(picture):
    return torch.from_numpy(picture).float().permute(2, 0, 1)[None] / 255


def fit_all(c, images, pictures, starts):
    """The fits of all tiles of all images: snapshots, variances and losses by (image, row,
    column, restart)."""
    size = pictures[images[0]["noisy"]].shape[0]
    restarts = range(c.get("restarts", 1))
    fields, weights_at_start = [], []
    for restart in restarts:
        generator = torch.Generator().manual_seed(7 + restart)
        fields.append(0.1 * torch.rand(1, c["inputs"], size, size, generator=generator))
        torch.manual_seed(c.get("seed", 0) + restart)
        network = SkipNetwork(describe(c)).to(DEVICE)
        weights_at_start.append([parameter.detach() for parameter in network.parameters()])
    keys = [
        (image, row, column, restart) for restart in restarts for image in range(len(images))
        for row in range(len(starts)) for column in range(len(starts))]
    slots = [Slot(c) for _ in range(min(c.get("slots", 16), len(keys)))]
    results = {}
    for begin in range(0, len(keys), len(slots)):
        batch = list(zip(slots, keys[begin: begin + len(slots)]))
        for slot, (image, row, column, restart) in batch:
            rows = slice(starts[row], starts[row] + c["tile"])
            columns = slice(starts[column], starts[column] + c["tile"])
            given = as_tensor(pictures[images[image]["noisy"]])
            slot.begin(
                fields[restart][..., rows, columns], given[..., rows, columns],
                10000 * restart + 1000 * image + row * len(starts) + column,
                weights_at_start[restart])
        snapshots = {key: [] for _, key in batch}
        for _ in range(c["iterations"] // INTERVAL):
            for slot, key in batch:
                snapshots[key].append(slot.advance())
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        for slot, key in batch:
            losses = slot.losses[: c["iterations"]].tolist()
            results[key] = (torch.stack(snapshots[key]).cpu(), slot.variances(), losses)
    return results


def report(c, index, image, pictures, starts, results, restarts):
    """The line about the mean of so many restarts."""
    clean = as_tensor(pictures[image["clean"]])[0]
    size, tile = clean.shape[-1], c["tile"]
    marks = list(range(INTERVAL, c["iterations"] + 1, INTERVAL))
    blended = torch.zeros(len(marks), len(DECAYS) + 1, 3, size, size)
    total = torch.zeros(size, size)
    line = {
        "name": c["name"], "config": c, "image": image["name"], "restarts": restarts,
        "marks": marks, "wmv": {}, "loss": {}}
    for (tile_image, row, column, restart), (snapshots, variances, losses) in results.items():
        if tile_image != index or restart >= restarts:
            continue
        weight = torch.from_numpy(
            np.outer(weights(starts, row, tile), weights(starts, column, tile))).float()
        y, x = starts[row], starts[column]
        blended[..., y: y + tile, x: x + tile] += snapshots.float() * weight
        total[y: y + tile, x: x + tile] += weight
        line["wmv"][f"{row},{column},{restart}"] = variances[::10]
        line["loss"][f"{row},{column},{restart}"] = losses[9::10]
    error = (((blended / total).clamp(0, 1) - clean) ** 2).mean((2, 3, 4))
    psnr = (-10 * error.log10()).T.tolist()
    line["psnr"] = dict(zip(map(str, DECAYS), psnr))
    line["raw"] = psnr[-1]
    return line


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    pictures, end = np.load(sys.argv[2]), time.monotonic() + float(sys.argv[4])
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    images = jobs["images"]
    with open(sys.argv[3], "a", encoding="utf-8") as output:
        for c in jobs["configs"]:
            if time.monotonic() > end:
                sys.exit(f"The time is over before {c['name']}.")
            size = pictures[images[0]["noisy"]].shape[0]
            starts = positions(size, c["tile"], c["overlap"])
            results = fit_all(c, images, pictures, starts)
            for index, image in enumerate(images):
                for restarts in range(1, c.get("restarts", 1) + 1):
                    line = report(c, index, image, pictures, starts, results, restarts)
                    output.write(json.dumps(line) + "\n")
            output.flush()
            print(c["name"], flush=True)


if __name__ == "__main__":
    main()
