"""What scripts/examples/worker.py restores tiles with: non-local means (Buades et al., 2005)."""
import numpy as np


class NonLocalMeans:
    """A tile; each step adds it, shifted, to a mean that is weighted by how alike patches are.

    pixels: (height, width, bands); NaN where a sample is missing. search: how far patches are
    sought, in pixels. The result depends on nothing else.
    """

    def __init__(self, pixels, search=7):
        self.side, self.done = 2 * search + 1, 0
        self.step_count = self.side**2
        known = np.isfinite(pixels)
        self.given = np.where(known, pixels, pixels[known].mean() if known.any() else 0.5)
        edges = ((search, search), (search, search), (0, 0))
        self.around, self.known = np.pad(self.given, edges, "symmetric"), np.pad(known, edges)
        self.total, self.weight = np.zeros(pixels.shape), np.zeros(pixels.shape)
        noise = np.abs(np.diff(np.diff(self.given, 2, axis=0), 2, axis=1)) / 6
        self.variance = (np.median(noise) / 0.6745)**2 if noise.size else 0

    def step(self):
        """The next of `step_count` steps; the restored tile after the last one, else None."""
        (height, width), (y, x) = self.given.shape[:2], divmod(self.done, self.side)
        shifted = self.around[y:y + height, x:x + width]
        sums = np.pad(((self.given - shifted)**2).mean(2), 3, "edge").cumsum(0).cumsum(1)
        sums = np.pad(sums, ((1, 0), (1, 0)))  # of everything above and to the left
        unlike = (sums[7:, 7:] - sums[:-7, 7:] - sums[7:, :-7] + sums[:-7, :-7]) / 49
        excess = np.maximum(unlike - 2 * self.variance, 0)
        weight = np.exp(-excess / (0.25 * self.variance + 1e-8))[:, :, None]
        weight = weight * self.known[y:y + height, x:x + width]
        self.total, self.weight = self.total + weight * shifted, self.weight + weight
        self.done += 1
        return self.result() if self.done == self.step_count else None

    def result(self):
        mean = self.total / np.maximum(self.weight, 1e-30)
        return np.where(self.weight > 0, mean, self.given).clip(0, 1).astype("<f4")
