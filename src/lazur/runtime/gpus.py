"""What the job's GPUs are doing, asked of NVIDIA's own library, which every driver brings.
`nvidia-smi` would be a process of half a second each time."""

from __future__ import annotations

import ctypes

_MEGABYTE = 1e6
_LIBRARIES = ("libnvidia-ml.so.1", "libnvidia-ml.so")


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Gpus:
    """Numbered as the job sees them. Raises OSError where the driver cannot be asked."""

    def __init__(self, ids: list[int]) -> None:
        self._library = _load()
        self._check("nvmlInit_v2", self._library.nvmlInit_v2())
        self._devices = [self._device(number) for number in ids]

    def read(self) -> dict[str, float]:
        """What a device does not tell, as some do not tell their power, is left out."""
        found: dict[str, float] = {}
        for number, device in enumerate(self._devices):
            prefix = "gpu_%d_" % number
            self._read_memory(found, prefix, device)
            self._read_utilization(found, prefix, device)
            self._read_power(found, prefix, device)
        return found

    def _device(self, number: int) -> ctypes.c_void_p:
        device = ctypes.c_void_p()
        code = self._library.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device))
        self._check("GPU %d" % number, code)
        return device

    def _check(self, what: str, code: int) -> None:
        if code:
            raise OSError("%s: NVIDIA's library answers with error %d" % (what, code))

    def _read_memory(self, found: dict[str, float], prefix: str, device: ctypes.c_void_p) -> None:
        memory = _Memory()
        if not self._library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)):
            found[prefix + "memory_usage_megabytes"] = memory.used / _MEGABYTE
            found[prefix + "memory_usage_percentage"] = 100.0 * memory.used / (memory.total or 1)

    def _read_utilization(
        self, found: dict[str, float], prefix: str, device: ctypes.c_void_p
    ) -> None:
        rates = _Utilization()
        if not self._library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(rates)):
            found[prefix + "utilization_percentage"] = float(rates.gpu)

    def _read_power(self, found: dict[str, float], prefix: str, device: ctypes.c_void_p) -> None:
        power, limit = ctypes.c_uint(), ctypes.c_uint()
        if self._library.nvmlDeviceGetPowerUsage(device, ctypes.byref(power)):
            return
        found[prefix + "power_usage_watts"] = power.value / 1000
        code = self._library.nvmlDeviceGetEnforcedPowerLimit(device, ctypes.byref(limit))
        if not code and limit.value:
            found[prefix + "power_usage_percentage"] = 100.0 * power.value / limit.value


def _load() -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:  # noqa: PERF203
            continue
    raise OSError("no " + _LIBRARIES[0])
