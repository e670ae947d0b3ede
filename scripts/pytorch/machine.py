"""What the machine is and how fast it copies memory, beside which speeds are to be read."""
import multiprocessing
import os
import time
from statistics import median

BYTE_COUNT = 256 << 20
SECONDS = 0.5
REPETITIONS = 5


def core_count():
    return len(os.sched_getaffinity(0))


def load():
    """Processes that wanted a core in the last minute: a run on a busy machine tells less."""
    return os.getloadavg()[0]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown processor"


def _copy(barrier, rates):
    source = memoryview(bytearray(BYTE_COUNT))
    target = memoryview(bytearray(BYTE_COUNT))
    target[:] = source
    barrier.wait()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        target[:] = source
        count += 1
    # Each byte is read and written.
    rates.put(2 * count * BYTE_COUNT / (time.perf_counter() - start) / 1e9)


def copy_bandwidths():
    """GB/s, bytes read and bytes written together, with one core and with two: medians of
    measurements in turn."""
    counts = [1, 2][:core_count()]
    rates = [[_copy_bandwidth(count) for count in counts] for _ in range(REPETITIONS)]
    return [median(column) for column in zip(*rates)]


def _copy_bandwidth(process_count):
    context = multiprocessing.get_context("spawn")
    barrier, rates = context.Barrier(process_count), context.Queue()
    processes = [
        context.Process(target=_copy, args=(barrier, rates)) for _ in range(process_count)]
    for process in processes:
        process.start()
    total = sum(rates.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    return total
