"""A Python with PyTorch, which is no part of the build."""
import importlib.util
import os
import subprocess
import sys
from pathlib import Path


def require_torch(folder):
    """Goes on where the running Python has PyTorch; else starts the script again in one that has,
    made in `folder` where it is missing."""
    if importlib.util.find_spec("torch") is None:
        run_in_environment(folder)


def run_in_environment(folder):
    """Starts this script again in an environment that has PyTorch, made where it is missing."""
    python = folder / "bin" / "python"
    if Path(sys.prefix) == folder:
        sys.exit(f"{folder} has no PyTorch; remove the folder and run again.")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    found = subprocess.run(
        [python, "-c", "import numpy, torch"], check=False, stderr=subprocess.DEVNULL)
    if found.returncode != 0:
        print(f"Installing PyTorch into {folder}: a large download.", flush=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "torch", "numpy"], check=True)
    os.execv(python, [str(python), *sys.argv])
