"""Whether the BLAS of this machine is OpenBLAS: numpy and PyTorch of a Debian run on whatever libblas.so.3 is."""
import ctypes
import sys


def version():
    """Name, version and kernels; ends the process where libblas.so.3 is another BLAS."""
    try:
        blas = ctypes.CDLL("libblas.so.3")
        config, core = blas.openblas_get_config, blas.openblas_get_corename
    except (OSError, AttributeError):
        sys.exit("libblas.so.3 is not OpenBLAS: apt-get install libopenblas0-pthread")
    config.restype = core.restype = ctypes.c_char_p
    name = " ".join(config().decode().split()[:2])  # behind it: how it was built
    return f"{name} ({core().decode()})"
