"""From measurements to tables: medians, ratios, and the targets beside what was reached."""
from statistics import median

# What one iteration of ours may take of PyTorch's best mode's time on the same network and as many
# threads: network, our precision (None: our best), threads, ratio.
RATIO_TARGETS = [
    ("paper-denoise", "float32", 1, 0.60), ("paper-denoise", "bfloat16", 1, 0.35),
    ("thin", None, 1, 0.40), ("paper-denoise", "float32", 2, 0.65),
]
SIDE_BY_SIDE_TARGET = 1.8
MEMORY_TARGET = ("paper-denoise", "float32", 350e6)
TILE_OF_TARGETS = 256


def row(network, tile, threads, mode, measurements):
    """One mode's line: everything that was measured, and medians over all of it."""
    milliseconds = [value for one in measurements for value in one["milliseconds"]]
    return {
        "network": network, "tile": tile, "threads": threads, "name": mode.name,
        "isOurs": mode.is_ours, "precision": mode.precision, "milliseconds": milliseconds,
        "medianMilliseconds": median(milliseconds), "rounds": len(measurements),
        "peakMemoryBytes": max(one["peakMemoryBytes"] for one in measurements),
        "coresTakenByOthers": max(one["coresTakenByOthers"] for one in measurements)}


def best_of_pytorch(rows):
    return min(one["medianMilliseconds"] for one in rows if not one["isOurs"])


def add_ratios(rows):
    """To the rows of one network, tile and number of threads."""
    best = best_of_pytorch(rows)
    for one in rows:
        one["ratioToBest"] = one["medianMilliseconds"] / best


def markdown(rows):
    first = rows[0]
    threads = f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}"
    lines = [
        "", f"### {first['network']}, {first['tile']}x{first['tile']}, {threads}", "",
        "| | ms an iteration | against PyTorch's best | MB at the peak | rounds | "
        "cores that others took |", "|---|---|---|---|---|---|"]
    for one in rows:
        lines.append(
            f"| {one['name']} | {one['medianMilliseconds']:.1f} | {one['ratioToBest']:.2f} | "
            f"{one['peakMemoryBytes'] / 1e6:.0f} | {one['rounds']} | "
            f"{one['coresTakenByOthers']:.2f} |")
    return "\n".join(lines)


def side_by_side(network, tile, mode, alone, pairs):
    """Tiles per second of two processes against one; of iterations, which all cost the same."""

    def rate(runs):
        return sum(1000 / median(run["milliseconds"]) for run in runs)

    one, two = median(map(rate, alone)), median(map(rate, pairs))
    return {
        "network": network, "tile": tile, "name": mode.name, "precision": mode.precision,
        "coresTakenByOthers": max(run["coresTakenByOthers"] for runs in pairs for run in runs),
        "iterationsPerSecondOfOne": one, "iterationsPerSecondOfTwo": two, "ratio": two / one}


def side_by_side_markdown(results, bandwidth):
    lines = [
        "", "### Two processes of one thread side by side", "",
        "| | one | two | two against one | cores that others took |", "|---|---|---|---|---|"]
    for one in results:
        lines.append(
            f"| {one['network']} {one['tile']}x{one['tile']}, {one['name']}: iterations a second "
            f"| {one['iterationsPerSecondOfOne']:.2f} | {one['iterationsPerSecondOfTwo']:.2f} | "
            f"{one['ratio']:.2f} | {one['coresTakenByOthers']:.2f} |")
    lines.append(
        f"| copying memory, GB/s read and written | {bandwidth[0]:.1f} | {bandwidth[1]:.1f} | "
        f"{bandwidth[1] / bandwidth[0]:.2f} | |")
    return "\n".join(lines)


def targets(rows, pairs):
    """Every target whose quantity was measured: what, the bound, what was reached, whether met."""
    rows = [one for one in rows if one["isOurs"] and one["tile"] == TILE_OF_TARGETS]
    results = []

    def add(what, bound, reached, is_met):
        results.append({"what": what, "bound": bound, "reached": reached, "isMet": is_met})

    for network, precision, threads, bound in RATIO_TARGETS:
        fitting = [
            one for one in rows if one["network"] == network and one["threads"] == threads
            and precision in (None, one["precision"])]
        if fitting:
            best = min(fitting, key=lambda one: one["medianMilliseconds"])
            reached = best["ratioToBest"]
            what = f"{network}, {best['precision']}, {threads} thread{'s' if threads > 1 else ''}"
            add(
                f"{what}: time against PyTorch's best", f"at most {bound:.2f}", f"{reached:.2f}",
                reached <= bound)
    for one in pairs:
        if one["tile"] == TILE_OF_TARGETS:
            add(
                f"{one['network']}, {one['precision']}: two processes against one",
                f"at least {SIDE_BY_SIDE_TARGET:.1f}", f"{one['ratio']:.2f}",
                one["ratio"] >= SIDE_BY_SIDE_TARGET)
    network, precision, bound = MEMORY_TARGET
    for one in rows:
        if (one["network"], one["precision"], one["threads"]) == (network, precision, 1):
            reached = one["peakMemoryBytes"]
            add(
                f"{network}, {precision}: memory at the peak", f"at most {bound / 1e6:.0f} MB",
                f"{reached / 1e6:.0f} MB", reached <= bound)
    return results


def targets_markdown(results):
    lines = ["", "### Targets", "", "| | wanted | reached | |", "|---|---|---|---|"]
    for one in results:
        lines.append(
            f"| {one['what']} | {one['bound']} | {one['reached']} | "
            f"{'met' if one['isMet'] else 'missed'} |")
    return "\n".join(lines)
