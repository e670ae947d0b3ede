"""One measurement of PyTorch, in a process of its own: python -m pytorch.step '{...}'

The argument is a JSON object: the configuration of our fit and how PyTorch is to run. Prints one
JSON object: the milliseconds of each iteration, and the most memory that the process held.
"""
import json
import resource
import sys
import time

import torch

from pytorch.skip_network import SkipNetwork


def case(configuration, bands):
    """Our configuration in the words of SkipNetwork, which knows one setting for all levels."""

    def same(field):
        values = set(configuration[field])
        assert len(values) == 1, f"{field} differs from level to level"
        return values.pop()

    return {
        "input_channels": configuration["inputChannels"], "output_channels": bands,
        "down": configuration["downChannels"], "up": configuration["upChannels"],
        "skip": configuration["skipChannels"], "filter_down": same("filterDown"),
        "filter_up": same("filterUp"), "pad": configuration["padding"],
        "upsample": same("upsampling"), "downsample": configuration["downsampling"],
        "sigmoid": configuration["hasSigmoid"], "one_by_one_up": configuration["hasOneByOneUp"],
    }


class Step:
    """A network that is trained on one tile; `iterate` is one iteration."""

    def __init__(self, configuration, tile, bands, bfloat16, channels_last, fused):
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network = SkipNetwork(case(configuration, bands)).train().to(memory_format=layout)
        z = torch.rand(1, configuration["inputChannels"], tile, tile)
        self.z = (configuration["inputScale"] * z).to(memory_format=layout)
        self.target = torch.rand(1, bands, tile, tile)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=configuration["learningRate"], fused=fused)
        self.deviation = configuration["inputNoiseDeviation"]
        self.bfloat16 = bfloat16

    def iterate(self):
        noisy = self.z + self.deviation * torch.randn_like(self.z)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bfloat16):
            output = self.network(noisy)
        loss = torch.nn.functional.mse_loss(output.float(), self.target)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def main():
    wanted = json.loads(sys.argv[1])
    torch.set_num_threads(wanted["threads"])
    torch.set_num_interop_threads(1)
    step = Step(
        wanted["configuration"], wanted["tile"], wanted["bands"], wanted["bfloat16"],
        wanted["channels_last"], wanted["fused"])
    # The first choose and compile kernels.
    for _ in range(2):
        step.iterate()
    milliseconds = []
    for _ in range(wanted["iterations"]):
        start = time.perf_counter()
        step.iterate()
        milliseconds.append(1000 * (time.perf_counter() - start))
    peak_memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"milliseconds": milliseconds, "peakMemoryBytes": peak_memory}))


if __name__ == "__main__":
    main()
