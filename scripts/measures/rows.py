"""What scripts/quality measures: names, files below the data folder, options, published figures."""

PUBLISHED = {
    "F16 25": 33.69, "peppers 25": 31.15, "kodim01 25": 28.44, "F16 50": 29.17,
    "Cameraman256": 29.80, "house": 39.00, "barbara": 32.18,
    "butterfly": 26.23, "baby": 31.49, "zebra": 25.71,
}


def denoise(picture, sigma, preset, options=()):
    name = f"{picture} {sigma}"
    return {
        "name": name, "task": "denoise", "preset": preset, "published": PUBLISHED.get(name),
        "input": f"denoise/{picture}_noisy{sigma}.png", "clean": f"denoise/{picture}_clean.png",
        "options": list(options)}


def half(picture, preset, options=()):
    return {
        "name": f"{picture}, half of the pixels", "task": "inpaint", "preset": preset,
        "published": PUBLISHED.get(picture), "input": f"inpaint/{picture}_half.png",
        "clean": f"inpaint/{picture}_clean.png", "options": list(options),
        "zerosAreMissing": True}


def upscale(picture, preset):
    return {
        "name": f"{picture} x4", "task": "upscale", "preset": preset,
        "published": PUBLISHED.get(picture),
        "input": f"upscale/{picture}_x4.png", "clean": f"upscale/{picture}_clean.png",
        "options": ["--factor", "4"]}


def dejpeg(preset):
    return {
        "name": "snail", "task": "dejpeg", "preset": preset, "published": None,
        "input": "dejpeg/snail.jpg", "clean": None, "options": []}


def guided(preset):
    return {
        "name": "cave", "task": "guided", "preset": preset, "published": None,
        "input": "guided/cave01_01_noflash.jpg", "clean": None,
        "options": [], "guide": "guided/cave01_00_flash.jpg"}


# Of the longest rows: two thirds of the time where processors multiply pairs of them, and as good
# (docs/NUMERICS.md).
BFLOAT16 = ["--precision", "bfloat16"]

SETS = {
    "quick": [
        denoise("F16", 25, "fast"), half("Cameraman256", "fast"), upscale("butterfly", "fast")],
    "full": [
        *(denoise(picture, sigma, "balanced") for picture, sigma in [
            ("F16", 25), ("peppers", 25), ("kodim01", 25), ("F16", 50)]),
        *(half(picture, "balanced") for picture in ("Cameraman256", "house", "barbara")),
        *(upscale(picture, "balanced") for picture in ("butterfly", "baby", "zebra")),
        *(denoise(picture, 25, "best") for picture in ("F16", "peppers", "kodim01")),
        dejpeg("paper-dejpeg"), upscale("butterfly", "paper-upscale"),
        half("house", "paper-half", BFLOAT16),
        denoise("F16", 25, "paper-denoise", ["--tile", "512", *BFLOAT16]),
        guided("paper-guided")],
}
