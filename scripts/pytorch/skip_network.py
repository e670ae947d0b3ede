"""The skip network in PyTorch's own layers: shares nothing with the Swift engine."""
import torch
from torch import nn


class Unit(nn.Module):
    """Convolution, norm, LeakyReLU; an output of ceil(side / stride), by means with "avg"."""

    def __init__(self, inputs, outputs, size, pad, stride=1, downsample="stride"):
        super().__init__()
        margin = (size - 1) // 2
        reflect = pad == "reflection" and margin > 0
        self.pad = nn.ReflectionPad2d(margin) if reflect else nn.Identity()
        averages = stride > 1 and downsample == "avg"
        self.conv = nn.Conv2d(
            inputs, outputs, size, stride=1 if averages else stride,
            padding=0 if reflect else margin)
        self.pool = nn.AvgPool2d(stride) if averages else nn.Identity()
        self.norm = nn.BatchNorm2d(outputs, eps=1e-5)
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, x):
        return self.activation(self.norm(self.pool(self.conv(self.pad(x)))))


class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps=1e-5)

    def forward(self, x):
        return self.norm(x)


class Level(nn.Module):
    """One level; what lies below it is passed in at each call."""

    def __init__(self, c, index):
        super().__init__()
        inputs = c["down"][index - 1] if index else c["input_channels"]
        below = (c["up"] + [c["down"][-1]])[index + 1]
        down, up, skip, pad = c["down"][index], c["up"][index], c["skip"][index], c["pad"]
        self.skip = Unit(inputs, skip, 1, pad) if skip else None
        self.down = Unit(
            inputs, down, c["filter_down"], pad, stride=2,
            downsample=c.get("downsample", "stride"))
        self.encode = Unit(down, down, c["filter_down"], pad)
        corners = {"align_corners": False} if c["upsample"] == "bilinear" else {}
        self.upsample = nn.Upsample(scale_factor=2, mode=c["upsample"], **corners)
        self.concat = Norm(skip + below)
        self.decode = Unit(skip + below, up, c["filter_up"], pad)
        self.mix = Unit(up, up, 1, pad) if c["one_by_one_up"] else nn.Identity()

    def forward(self, x, below):
        deep = self.upsample(below(self.encode(self.down(x))))
        joined = torch.cat([self.skip(x), deep], 1) if self.skip else deep
        return self.mix(self.decode(self.concat(joined)))


class Output(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.conv(x)


class SkipNetwork(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.depth = len(c["down"])
        for index in range(self.depth):
            self.add_module(f"level{index}", Level(c, index))
        self.output = Output(c["up"][0], c["output_channels"])
        self.last = nn.Sigmoid() if c["sigmoid"] else nn.Identity()

    def forward(self, x):
        def level(index):
            if index == self.depth:
                return lambda values: values
            return lambda values: getattr(self, f"level{index}")(values, level(index + 1))

        return self.last(self.output(level(0)(x)))
