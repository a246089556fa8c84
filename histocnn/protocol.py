"""What passes between the measuring side and a worker: one JSON object a line.

The worker answers each command with one reply, except that `Train` is answered by an
`EpochDone` for each epoch as it ends and then by `Trained`. Any command may be answered
by `Failed`, after which the worker still listens.
"""

import msgspec

from histocnn.job import Job
from histocnn.measurement import CoresSeen, EngineMemory, Epoch

#: Raised with every change that an older worker (an image, say) would not understand.
VERSION = 4


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Do nothing and answer `Ready`."""


class Open(msgspec.Struct, frozen=True, tag=True):
    """Import the engine, map the arrays, build the model."""

    job: Job
    arrays: str  # folder of a prepared cache entry, as the worker sees it


class Train(msgspec.Struct, frozen=True, tag=True):
    """Train that many epochs; the first one after `Open` is the warm-up."""

    epochs: int


class Audit(msgspec.Struct, frozen=True, tag=True):
    """Train one epoch more, and count its calls for GPU memory; nothing is timed."""


class Copy(msgspec.Struct, frozen=True, tag=True):
    """Copy the opened images to the device that many times, after one warm-up."""

    rounds: int


class Close(msgspec.Struct, frozen=True, tag=True):
    """Answer `Ready` and leave."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker listens."""

    version: int
    pid: int


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The model is built; what that took, and what it was built with.

    ``memory`` and ``gpu_bytes``, all that the GPU has, are None on the CPU.
    """

    import_seconds: float
    data_seconds: float
    build_seconds: float
    device_name: str
    versions: dict[str, str]
    memory: EngineMemory | None = None
    gpu_bytes: int | None = None


class EpochDone(msgspec.Struct, frozen=True, tag=True):
    """One epoch has ended."""

    epoch: Epoch


class Trained(msgspec.Struct, frozen=True, tag=True):
    """All epochs asked for have ended; the state they left.

    ``first_seconds`` is from the command to the end of its first epoch, which after
    `Open` is compilation and the warm-up; ``seconds`` is all that the loop took.
    """

    first_seconds: float
    seconds: float
    weights_moved: float | None
    peak_rss_bytes: int
    cores: CoresSeen
    notes: tuple[str, ...]
    memory: EngineMemory | None = None


class Audited(msgspec.Struct, frozen=True, tag=True):
    """Calls for GPU memory in an epoch, by function; None where nobody can count."""

    calls: dict[str, int] | None


class Copied(msgspec.Struct, frozen=True, tag=True):
    """The seconds of each copy from host to device, and what was copied."""

    seconds: tuple[float, ...]
    nbytes: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The command raised; ``kind`` is the exception's type, ``details`` a traceback.

    ``out_of_memory`` says that it was for want of memory, the GPU's or the machine's;
    ``asked_bytes`` is then what was asked for, ``free_bytes`` what the GPU had free
    when that was noticed, each None where nobody tells.
    """

    kind: str
    message: str
    details: str
    out_of_memory: bool = False
    asked_bytes: int | None = None
    free_bytes: int | None = None


Command = Ping | Open | Train | Audit | Copy | Close
Reply = Ready | Opened | EpochDone | Trained | Audited | Copied | Failed

_encoder = msgspec.json.Encoder()
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


def encode(message: Command | Reply) -> bytes:
    """One line, newline included."""
    return _encoder.encode(message) + b"\n"


def decode_command(line: bytes) -> Command:
    """Read a command; `msgspec.MsgspecError` for a line that is none."""
    return _commands.decode(line)


def decode_reply(line: bytes) -> Reply:
    """Read a reply; `msgspec.MsgspecError` for a line that is none."""
    return _replies.decode(line)
