"""One thread a process: the tests run side by side, and threads that wait for one another cost more than they bring."""

import os

for library in ("OMP", "OPENBLAS", "MKL"):  # read when NumPy and torch are first imported, which is after this
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
