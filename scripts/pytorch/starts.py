"""How much sooner fits of tiles are done that begin with other weights, or that compute less.

python -m pytorch.starts PICTURES OUTPUT IMAGE WAY...

PICTURES: an .npz of 8-bit pictures, (height, width) or (height, width, bands). IMAGE: NAME_noisyN
(Gaussian noise of N levels), NAME_half (missing samples are 0) or NAME_x4 (a quarter of the size,
by Lanczos2); NAME_clean beside it. WAY: of those in WAYS, or with other iterations: NAME:N.
OUTPUT: a line of JSON for each way, added to what is there; what is there is not measured again.
pytorch.starts_table makes tables of it.

Every way fits the same four tiles of 128 x 128 pixels, around the middles of the picture's
quarters, with the network of the preset `fast`, and is judged by the mean of their PSNR, of the
average of outputs (0.98, even at first), clamped, to the clean tile. Starts are taught by tiles
in the middle of the picture (`tile`) and of its sides (`reptile`), which have no pixel of the four
where the picture has 512 pixels a side. A seed says all noise and the random weights.

Arithmetic is that of convolutions, counted as it is done, relative to an iteration of the way
`random`; CPU time is the process's own, of one thread.
"""
import copy
import itertools
import json
import math
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as functional
from torch.utils.flop_counter import FlopCounterMode

from pytorch.curves import as_tensor, describe
from pytorch.skip_network import SkipNetwork

TILE, INPUTS, INTERVAL = 128, 32, 25
# Decay, whether it is even at first, and how many iterations lie between two outputs in it.
AVERAGES = {
    "0.98": (0.98, True, 1), "0.99": (0.99, True, 1), "0.98, first": (0.98, False, 1),
    "0.99, first": (0.99, False, 1), "0.98, every fifth": (0.98, True, 5), "none": (0, True, 1)}


@dataclass(frozen=True)
class Way:
    """How tiles are fitted. A start is learned with the same network, and else as by default."""
    # random; tile: one tile's; small: of the whole picture at a tile's size; wide: of its middle at
    # half the size; both: small's, after 200 iterations a tile's; reptile: the mean of what
    # four tiles make of the same weights in `each` iterations, again and again.
    start: str = "random"
    start_iterations: int = 400
    each: int = 25
    levels: int = 5
    # Iterations on the tile at half its size, before those that are counted.
    half: int = 0
    # Side of the part of the tile that an iteration fits; the whole tile is computed as well.
    crop: int = 0
    # What is trained: all, encoder, decoder, or norms, which includes the last convolution.
    train: str = "all"
    rate: float = 0.01
    # The learning rate falls to 0 in so many iterations.
    cosine: int = 0
    noise: float = 1 / 30
    keeps_moments: bool = False
    # Share of the samples that an iteration hides and asks for, the picture being in z at its full
    # resolution; 0 for the picture at half of it. With whole pixels, all bands are hidden together.
    hidden: float = 0
    hides_pixels: bool = False
    # How loud what is shown is in z; what stands where something is hidden: means, or nothing.
    shown_scale: float = 0.3
    fills: bool = True
    channels: int = 16
    inputs: int = INPUTS
    seed: int = 0
    iterations: int = 400


CHANGES = {
    "half size first": {"half": 100}, "half size first, 50": {"half": 50},
    "4 levels": {"levels": 4}, "3 levels": {"levels": 3},
    "crops": {"crop": 64, "iterations": 800}, "rate 0.005": {"rate": 0.005},
    "rate 0.02": {"rate": 0.02}, "rate 0.03": {"rate": 0.03},
    "cosine": {"cosine": 300, "iterations": 300}, "moments": {"keeps_moments": True},
    "decoder only": {"train": "decoder"}, "encoder only": {"train": "encoder"},
    "norms only": {"train": "norms"}, "noise 0.05": {"noise": 0.05}, "noise 0.1": {"noise": 0.1},
    "seed 1": {"seed": 1}, "hidden": {"hidden": 0.3}, "hidden 0.1": {"hidden": 0.1},
    "hidden 0.2": {"hidden": 0.2}, "hidden 0.5": {"hidden": 0.5},
    "hidden pixels": {"hidden": 0.3, "hides_pixels": True},
    "hidden, scale 1": {"hidden": 0.3, "shown_scale": 1},
    "hidden, empty": {"hidden": 0.3, "fills": False},
    "hidden, no noise": {"hidden": 0.3, "noise": 0},
    "hidden, 32 channels": {"hidden": 0.3, "channels": 32},
    "hidden, 8 inputs": {"hidden": 0.3, "inputs": 8},
    "hidden, 4 inputs": {"hidden": 0.3, "inputs": 4},
    "hidden, rate 0.02": {"hidden": 0.3, "rate": 0.02},
    "hidden, rate 0.005": {"hidden": 0.3, "rate": 0.005}}
WAYS = {
    **{start: Way(start=start) for start in ("random", "tile", "small", "wide", "both")},
    **{f"{start}, {name}": Way(start=start, **change)
       for start in ("random", "tile", "small") for name, change in CHANGES.items()},
    **{f"{start}, {n}": Way(start=start, start_iterations=n)
       for start in ("tile", "small") for n in (100, 200, 800)},
    **{f"reptile {each}, {n}": Way(start="reptile", each=each, start_iterations=n)
       for each in (25, 50) for n in (400, 1600)}}
# What the programs' own presets do to denoise: with any other change.
WAYS |= {f"{name}, masked": replace(way, hidden=0.3, inputs=8)
         for name, way in WAYS.items() if not way.hidden}


def lanczos(factor):
    """The weights that make a smaller picture, for an even factor."""
    places = (torch.arange(4 * factor) + 0.5) / factor - 2
    weights = torch.sinc(places) * torch.sinc(places / 2)
    return torch.outer(weights, weights) / weights.sum() ** 2


def block_means(sums, counts):
    """Means over blocks of 2 x 2, of twice as large ones where nothing is known."""
    sums, counts = (4 * functional.avg_pool2d(values, 2) for values in (sums, counts))
    if (counts > 0).all():
        return sums / counts
    around = functional.interpolate(block_means(sums, counts), scale_factor=2)
    return torch.where(counts > 0, sums / counts.clamp(min=1), around)


class Problem:
    """A tile: what is given, what is known of it (1, else 0), and z."""

    def __init__(self, given, known, field, scale, clean=None):
        self.given, self.known, self.field, self.scale = given * known, known, field, scale
        self.clean, bands = clean, given.shape[1]
        self.z = field.clone(memory_format=torch.channels_last)
        self.factor = field.shape[-1] // given.shape[-1]
        self.z[:, :bands] = scale * functional.interpolate(
            block_means(self.given, known), size=field.shape[-2:], mode="bilinear")
        self.kernel = lanczos(self.factor).expand(bands, 1, -1, -1)

    def half(self):
        given = block_means(self.given, self.known)
        field = self.field[..., :self.field.shape[-2] // 2, :self.field.shape[-1] // 2]
        return Problem(given, torch.ones_like(given), field, self.scale)

    def loss(self, output, rows, columns):
        """The mean squared error of a part of the tile."""
        given, known = (v[..., rows, columns] for v in (self.given, self.known))
        if self.factor > 1:
            output = functional.pad(output, [3 * self.factor // 2] * 4, mode="replicate")
            output = functional.conv2d(
                output, self.kernel, stride=self.factor, groups=self.kernel.shape[0])
        return ((output - given) ** 2 * known).sum() / known.sum()


def show(given, shown, fills):
    """What is shown; where nothing is, means of what is in squares of 3, 5, ... pixels, or 0."""
    picture, known = given * shown, shown
    for side in (3, 5, 7, 9) if fills else ():
        sums, counts = (
            functional.avg_pool2d(v, side, 1, side // 2) for v in (given * shown, shown))
        picture = torch.where((known == 0) & (counts > 0), sums / counts, picture)
        known = torch.maximum(known, (counts > 0).float())
    return picture


class Picture:
    def __init__(self, pictures, name, seed, inputs=INPUTS):
        stem, kind = name.rsplit("_", 1)
        given, clean = (pictures[key] for key in (name, f"{stem}_clean"))
        given, clean = (as_tensor(v if v.ndim == 3 else v[..., None]) for v in (given, clean))
        self.factor, is_noisy = clean.shape[-1] // given.shape[-1], kind.startswith("noisy")
        self.clean, self.given, self.bands = clean, given, given.shape[1]
        self.known = (given > 0).float() if kind == "half" else torch.ones_like(given)
        self.scale = min(0.3, round(0.02 * 255 / int(kind[5:]), 3)) if is_noisy else 0.3
        generator = torch.Generator().manual_seed(7 + seed)
        self.field = 0.1 * torch.rand(1, inputs, *clean.shape[-2:], generator=generator)
        # Their centres, in quarters of the picture.
        self.tiles = [self.tile(y, x) for y, x in itertools.product((1, 3), repeat=2)]
        self.others = [self.tile(y, x) for y, x in ((2, 2), (0, 2), (2, 0), (2, 4), (4, 2))]

    def tile(self, y, x):
        y, x = (
            min(max(quarter * size // 4 - TILE // 2, 0), size - TILE) // 8 * 8
            for quarter, size in zip((y, x), self.clean.shape[-2:]))

        def cut(values, factor=1):
            rows, columns = (slice(at // factor, (at + TILE) // factor) for at in (y, x))
            return values[..., rows, columns]

        return Problem(
            cut(self.given, self.factor), cut(self.known, self.factor), cut(self.field),
            self.scale, cut(self.clean))

    def small(self, side):
        """The middle of it, of so many pixels a side, at a tile's size: means of what is known."""
        rows, columns = (
            slice(max(0, size // 2 - side // 2), size // 2 + side // 2)
            for size in self.given.shape[-2:])
        sums, counts = (
            functional.adaptive_avg_pool2d(v[..., rows, columns], TILE // self.factor)
            for v in (self.given * self.known, self.known))
        given, known = sums / counts.clamp(min=1e-6), (counts > 0).float()
        return Problem(given, known, self.field[..., :TILE, :TILE], self.scale)


def new_network(way, bands):
    torch.manual_seed(way.seed)
    channels = [way.channels] * way.levels
    c = describe({"inputs": way.inputs, "down": channels, "up": channels, "skip": [4] * way.levels,
                  "upsample": "bilinear"}) | {"output_channels": bands}
    return SkipNetwork(c).train().to(memory_format=torch.channels_last)


def is_trained(name, what):
    parts = set(name.split("."))
    is_decoder = bool(parts & {"concat", "decode", "mix", "output"})
    return {
        "all": True, "decoder": is_decoder, "encoder": not is_decoder,
        "norms": bool(parts & {"norm", "output"})}[what]


class Fit:
    """A network that is trained on a problem; `operations` is the arithmetic of an iteration,
    `look` what an output of the whole tile needs on top of it."""

    def __init__(self, way, problem, weights, seed, moments=None):
        self.way, self.seconds, self.look_seconds, self.count = way, 0, 0, 0
        self.network = new_network(way, problem.given.shape[1])
        if weights is not None:
            self.network.load_state_dict(weights)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(is_trained(name, way.train))
        self.trained = [p for p in self.network.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(self.trained, lr=way.rate, fused=True)
        if moments is not None:
            self.optimizer.load_state_dict(copy.deepcopy(moments))
        self.generator = np.random.default_rng(seed)
        self.go_on_with(problem)

    def go_on_with(self, problem):
        self.problem, self.averages = problem, {}
        with FlopCounterMode(display=False) as counter:
            self.gradients()
        self.operations = counter.get_total_flops()
        with FlopCounterMode(display=False) as counter:
            self.whole()
        self.look = counter.get_total_flops() if self.way.crop else 0

    def gradients(self):
        z, rows, columns = self.noisy_z(), slice(None), slice(None)
        if self.way.crop:
            room = z.shape[-1] - self.way.crop + 1
            rows, columns = (
                slice(at, at + self.way.crop) for at in self.generator.integers(room, size=2))
        asked = self.hide(z) if self.way.hidden else self.problem
        self.optimizer.zero_grad()
        output = self.network(z[..., rows, columns])
        asked.loss(output, rows, columns).backward()
        return output.detach()

    def hide(self, z):
        """Writes what is shown into z; returns the problem of telling the rest."""
        asked, bands = copy.copy(self.problem), self.problem.given.shape[1]
        drawn = self.generator.random(
            (1, 1 if self.way.hides_pixels else bands, *asked.given.shape[2:]))
        shown = torch.from_numpy(drawn < 1 - self.way.hidden).float() * asked.known
        z[:, :bands] = self.way.shown_scale * show(asked.given, shown, self.way.fills)
        asked.known = asked.known - shown
        return asked

    def noisy_z(self):
        z = self.problem.z
        noise = torch.from_numpy(self.generator.standard_normal(z.numel(), dtype=np.float32))
        return z + self.way.noise * noise.view(1, *z.shape[2:], -1).permute(0, 3, 1, 2)

    @torch.no_grad()
    def whole(self):
        return self.network(self.noisy_z())

    def run(self, iterations, averages=()):
        for _ in range(iterations):
            begin = time.process_time()
            output = self.gradients()
            torch.nn.utils.clip_grad_norm_(self.trained, 1)
            turn = math.pi * min(1, self.count / self.way.cosine) if self.way.cosine else 0
            self.optimizer.param_groups[0]["lr"] = self.way.rate * (1 + math.cos(turn)) / 2
            self.optimizer.step()
            self.count += 1
            between = time.process_time()
            self.seconds += between - begin
            if averages and self.way.crop:
                output = self.whole()
                self.look_seconds += time.process_time() - between
            for name in averages:
                self.add(output, name)

    def add(self, output, name):
        decay, is_even, every = AVERAGES[name]
        count, mean = self.averages.get(name, (0, torch.zeros_like(output)))
        share = 1 - decay ** every
        weight = max(share, 1 / (count // every + 1)) if is_even or count == 0 else share
        if count % every == 0:
            mean += weight * (output - mean)
        self.averages[name] = (count + 1, mean)

    def psnr(self, name):
        output = self.averages[name][1].clamp(0, 1)
        return -10 * math.log10(((output - self.problem.clean) ** 2).mean().item())

    def learned(self):
        return copy.deepcopy((self.network.state_dict(), self.optimizer.state_dict()))


def learn(picture, way):
    """Yields after how many iterations which weights and moments are there, at which cost."""
    plain = replace(
        way, half=0, crop=0, train="all", rate=0.01, cosine=0, noise=1 / 30, keeps_moments=False)
    operations, seconds = 0, 0
    if way.start == "reptile":
        weights = new_network(way, picture.bands).state_dict()
        for turn in itertools.count(1):
            ends = []
            for index, problem in enumerate(picture.others[1:]):
                fit = Fit(plain, problem, weights, 1000 * turn + index)
                fit.run(way.each)
                ends.append(fit.network.state_dict())
                operations += way.each * fit.operations
                seconds += fit.seconds
            weights = {key: sum(end[key] for end in ends) / len(ends) for key in weights}
            yield turn * way.each * len(ends), (weights, None), operations, seconds
    sides = {"small": 10**6, "both": 10**6, "wide": 2 * TILE // picture.factor}
    first = picture.others[0] if way.start == "tile" else picture.small(sides[way.start])
    fit = Fit(plain, first, None, 999 + 10000 * way.seed)
    for count in itertools.count(100, 100):
        fit.run(100)
        if way.start == "both" and count == 200:
            fit.go_on_with(picture.others[0])
        yield count, fit.learned(), count * fit.operations, fit.seconds


def measure(picture, way, starts):
    learned, start_operations, start_seconds = (None, None), 0, 0
    if way.start != "random":
        course, done = starts.setdefault(
            (way.start, way.each if way.start == "reptile" else 0, way.levels, way.seed, way.hidden,
             way.hides_pixels, way.shown_scale, way.fills, way.channels, way.inputs),
            (learn(picture, way), {}))
        while way.start_iterations not in done:
            count, *rest = next(course)
            done[count] = rest
        learned, start_operations, start_seconds = done[way.start_iterations]
    plain = Fit(Way(inputs=way.inputs), picture.tiles[0], None, 0).operations
    marks = list(range(INTERVAL, way.iterations + 1, INTERVAL))
    psnr = {name: [[] for _ in marks] for name in AVERAGES}
    before, seconds, look_seconds, seconds_before = 0, 0, 0, 0
    for index, problem in enumerate(picture.tiles):
        fit = Fit(
            way, problem.half() if way.half else problem, learned[0],
            10000 * way.seed + index, learned[1] if way.keeps_moments else None)
        if way.half:
            fit.run(way.half)
            before, seconds_before = way.half * fit.operations, seconds_before + fit.seconds
            fit.seconds = 0
            fit.go_on_with(problem)
        for row in range(len(marks)):
            fit.run(INTERVAL, AVERAGES)
            for name, rows in psnr.items():
                rows[row].append(round(fit.psnr(name), 4))
        seconds, look_seconds = seconds + fit.seconds, look_seconds + fit.look_seconds
    iterations = len(picture.tiles) * way.iterations
    return {
        "marks": marks, "psnr": psnr, "arithmetic": fit.operations / plain,
        "look": fit.look / plain, "before": before / plain, "start": start_operations / plain,
        "milliseconds": 1000 * seconds / iterations,
        "look milliseconds": 1000 * look_seconds / iterations,
        "seconds before": seconds_before / len(picture.tiles), "start seconds": start_seconds}


def main():
    pictures, output, image, *ways = sys.argv[1:]
    torch.set_num_threads(1)
    with open(output, "a+", encoding="utf-8") as file:
        file.seek(0)
        done = {(line["image"], line["way"]) for line in map(json.loads, file)}
        loaded, of_seed, starts = np.load(pictures), {}, {}
        for name, _, iterations in (way.partition(":") for way in ways):
            if (image, name) in done:
                continue
            way = replace(WAYS[name], iterations=int(iterations or WAYS[name].iterations))
            key = way.seed, way.inputs
            if key not in of_seed:
                of_seed[key] = Picture(loaded, image, *key)
            line = measure(of_seed[key], way, starts)
            file.write(json.dumps({"image": image, "way": name, **line}) + "\n")
            file.flush()
            print(image, name, flush=True)


if __name__ == "__main__":
    main()
