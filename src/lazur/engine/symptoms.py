"""Messages that tell why a program failed, and what to do about each.

Patterns are searched in single lines of at most a thousand characters; every repetition in them is
bounded, so that no log can make one of them slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lazur.engine.packages import is_known, package_of, removed_in

Advice = Callable[[str, str | None], str]
"""Makes a hint from what the pattern's group caught, and the environment's name."""


@dataclass(frozen=True)
class Symptom:
    code: str
    pattern: re.Pattern[str]
    """Its first group that caught something is the subject: a module, a path, a program."""
    advice: str | Advice

    def advise(self, subject: str, environment: str | None) -> str:
        return self.advice if isinstance(self.advice, str) else self.advice(subject, environment)


def _module(module: str, environment: str | None) -> str:
    if version := removed_in(module):
        return (
            f"Python {version} no longer has {module}: ask for an older one in the environment's"
            " conda_file, or for a version of the package that does without it."
        )
    where = f"the environment {environment}" if environment else "the job's environment"
    hint = f"Add {package_of(module)} to the conda.yml (or requirements.txt) of {where}."
    if is_known(module):
        return hint
    return f"{hint} If {module} is a file of your own, `code:` must be the folder that holds it."


def _r_package(name: str, _: str | None) -> str:
    return f"Install the R package {name} in the environment."


def _library(library: str, _: str | None) -> str:
    if library.startswith("libGL"):
        return "Use opencv-python-headless instead of opencv-python: it needs no display."
    return f"Install the system package that has {library} on this machine."


def _file(path: str, _: str | None) -> str:
    if "${{" in path or "$[[" in path:
        return "An expression reached the script as text: check its spelling in `command`."
    if path.startswith("/"):
        return "Is it on this machine? Declare data as an input and pass ${{inputs.name}} instead."
    return (
        "Relative paths start in the `code:` folder. Check that it holds the file and that no"
        " ignore file leaves it out; pass data as ${{inputs.name}}."
    )


def _program(name: str, _: str | None) -> str:
    if name.endswith(("\\r'", "\r")):
        return "The script has Windows line ends: save it with Unix ones (dos2unix)."
    return f"Check the spelling of {name}, and that the environment or this machine has it."


def _symptom(code: str, advice: str | Advice, *patterns: str) -> Symptom:
    return Symptom(code, re.compile("|".join(patterns)), advice)


OURS = "lazur: the job fails: "
"""Before what a parallel job says itself."""
SYMPTOMS = (
    _symptom(
        "MiniBatchesFailed",
        "Check that the files which its MLTable file names are there, below its folder, and that"
        " the columns are those that the job asks for.",
        rf"^{OURS}(the table .{{1,300}} could not be cut .{{1,300}})",
    ),
    _symptom(
        "MiniBatchesFailed",
        "No mini-batch ran. The traceback is in the job's user_logs/parallel:"
        " lazur job download -n NAME.",
        rf"^{OURS}(init\(\) failed.{{1,300}})",
    ),
    _symptom(
        "MiniBatchesFailed",
        "What failed, with its log: lazur job mini-batches -n NAME --status failed.",
        rf"^{OURS}(.{{1,300}})",
    ),
    _symptom("ModuleMissing", _module, r"No module named '?([\w.]{1,200})"),
    _symptom("ModuleMissing", _r_package, r"there is no package called .([\w.]{1,200})"),
    _symptom("LibraryMissing", _library, r"([\w.+-]{1,200}): cannot open shared object file"),
    _symptom(
        "ImportFailed",
        "The installed version of the package does not fit the code: pin the one that it was"
        " written for.",
        r"ImportError: ",
        r"cannot import name ",
    ),
    _symptom(
        "GpuOutOfMemory",
        "Use a smaller batch, mixed precision or gradient accumulation; nvidia-smi shows who else"
        " uses the GPU.",
        r"CUDA (?:error: )?out of memory",
        r"CUDA_ERROR_OUT_OF_MEMORY",
        r"torch\.(?:cuda\.)?OutOfMemoryError",
        r"RESOURCE_EXHAUSTED",
        r"CUBLAS_STATUS_ALLOC_FAILED",
    ),
    _symptom(
        "OtherExperiment",
        "Call mlflow.set_experiment right before the run is started, or take it out of the script"
        " and name the experiment in the job's YAML (experiment_name).",
        r"Cannot start run with ID .{1,300} does not match environment run ID",
    ),
    _symptom(
        "SharedMemory",
        "Raise resources.shm_size, or use fewer data loader workers.",
        r"out of shared memory",
        r"DataLoader worker .{0,100}Bus error",
        r"/dev/shm.{0,200}No space left",  # noqa: S108 - a message, not a path of ours
    ),
    _symptom(
        "GpuMissing",
        "Ask for GPUs with resources.properties.gpus, look at `lazur compute show -n local`, or"
        " let the code fall back to the CPU.",
        r"No CUDA GPUs are available",
        r"Found no NVIDIA driver",
        r"not compiled with CUDA enabled",
        r"CUDA driver version is insufficient",
        r"no CUDA-capable device",
        r"CUDA_ERROR_NO_DEVICE",
        r"torch\.cuda\.is_available\(\) is False",
    ),
    _symptom(
        "OutOfMemory",
        "Use less memory (smaller batches, chunked reading), or run where there is more.",
        r"^MemoryError\b",
        r"_ArrayMemoryError",
        r"Unable to allocate .{1,40} for an array",
        r"std::bad_alloc",
        r"Cannot allocate memory",
        r"java\.lang\.OutOfMemoryError",
    ),
    _symptom(
        "DiskFull",
        "Free some space: `lazur environment prune` removes unused environments; look at the"
        " outputs of old jobs too.",
        r"No space left on device",
        r"Disk quota exceeded",
        r"\[Errno (?:28|122)\]",
    ),
    _symptom(
        "ReadOnlyInput",
        "Inputs are read-only: write to ${{outputs.name}} or ./outputs, or give the input the"
        " mode rw_mount or download.",
        r"Read-only file system",
        r"\[Errno 30\]",
    ),
    _symptom(
        "TooManyOpenFiles",
        "Close files as you go, use fewer workers, or raise the limit (ulimit -n) where the"
        " server is started.",
        r"Too many open files",
        r"\[Errno 24\]",
    ),
    _symptom(
        "PortInUse",
        "Let the system choose (port 0), or give each job its own port.",
        r"[Aa]ddress already in use",
        r"EADDRINUSE",
        r"\[Errno 98\]",
    ),
    _symptom(
        "NetworkUnreachable",
        "Check the host's name and that this machine may reach it; data that lie elsewhere can"
        " be brought along as an input.",
        r"Name or service not known",
        r"Temporary failure in name resolution",
        r"getaddrinfo failed",
        r"NameResolutionError",
        r"Could not resolve host",
        r"Network is unreachable",
        r"No route to host",
        r"Connection refused",
    ),
    _symptom(
        "ShellSyntax",
        "Check the quotes and brackets of `command`; in YAML, `>-` joins lines, `|` keeps them.",
        r"(?:^|/)(?:ba|da|)sh: .{0,80}(?:[Ss]yntax error|unexpected EOF|bad substitution)",
    ),
    _symptom(
        "CommandNotFound",
        _program,
        r"(?:^|/)(?:ba|da|z|)sh: (?:line )?(?:\d{1,6}: )?([^:]{1,200}): (?:command )?not found",
        r"^(?:\S{1,200}: )?line \d{1,6}: ([^:]{1,200}): command not found",
    ),
    _symptom(
        "CommandNotFound",
        "The script's first line names a program that is not here: start it by its interpreter.",
        r"bad interpreter: ",
    ),
    _symptom(
        "BadArguments",
        "Compare `command` with the arguments that the script declares.",
        r"error: (?:the following arguments are required|unrecognized arguments)",
        r"error: (?:argument \S{1,100}: |ambiguous option|one of the arguments)",
        r"^Error: (?:Missing (?:option|argument)|No such option|Invalid value|Got unexpected)",
    ),
    _symptom(
        "PermissionDenied",
        "Write to ${{outputs.name}} or ./outputs; inputs are read-only, and system folders are"
        " not the job's.",
        r"Permission denied",
        r"\[Errno 13\]",
        r"\[Errno 1\] Operation not permitted",
    ),
    _symptom(
        "FileNotFound",
        _file,
        r"can't open file '?([^']{1,300})'?: .{0,20}No such file or directory",
        r"No such file or directory: b?['\"]([^'\"]{1,300})['\"]",
        r"([^:' ]{1,300})'?: No such file or directory",
        r"FileNotFoundError: .{0,200}?['\"]([^'\"]{1,300})['\"]",
        r"No such file or directory",
        r"FileNotFoundError\b",
    ),
)
"""In order of preference: the first that fits a line wins."""
