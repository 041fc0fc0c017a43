"""Find the modules that a pickle file refers to; nothing in it is executed."""

from __future__ import annotations

import gzip
import io
import math
import pickle
import pickletools
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LONGEST_NAME = 512
"""Bytes of the longest string that can be the name of a module; what is longer is skipped, not read."""

_CHUNK = 2**20

_OPAQUE = object()
"""Stands for every value that says nothing of a module or of the size of an array."""

_MARK = object()

_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}

_SCALARS = frozenset(
    code
    for code, opcode in _OPCODES.items()
    if opcode.arg is not None and opcode.stack_after not in ([], [pickletools.anyobject])
)
"""Opcodes that push their argument."""

_TEXT = partial(str, encoding="utf-8", errors="surrogatepass")

_DECODERS: dict[bytes, Callable[[bytes], object]] = {
    pickle.GLOBAL: _TEXT,
    pickle.INST: _TEXT,
    pickle.SHORT_BINUNICODE: _TEXT,
    pickle.BINUNICODE: _TEXT,
    pickle.BINUNICODE8: _TEXT,
    pickle.UNICODE: partial(str, encoding="raw-unicode-escape"),
    pickle.LONG1: pickle.decode_long,
    pickle.INT: int,
    pickle.GET: int,
    pickle.PUT: int,
}
"""How to read the arguments of varying length that can be a part of a name or of a size."""

_ARRAY_STATE = frozenset({"shape", "dtype", "numpy_array_alignment_bytes"})
"""What of joblib's description of an array tells its size."""

_DTYPE_FLAGS = 7
"""Place of numpy's item flags in the state of a dtype."""

_HAS_OBJECTS = 1
"""The item flag of a dtype with Python objects, which joblib writes as another pickle."""

_LENGTH_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
"""Bytes that hold the length of an argument, by pickletools' word for where that length is."""


@attrs.frozen
class _Global:
    """A reference to ``name`` in ``module``."""

    module: str
    name: str


_DTYPE = _Global("numpy", "dtype")
_ARRAY = _Global("joblib.numpy_pickle", "NumpyArrayWrapper")
"""Where joblib has the bytes of an array follow, outside of the pickle."""

_RECONSTRUCTION = _Global("copy_reg", "_reconstructor")
"""By which protocols 0 and 1 make an object of a class, their first argument."""

_IMPORTS = (_Global("cloudpickle.cloudpickle", "subimport"), _Global("dill._dill", "_import_module"))
"""Functions by which a pickled function refers to the modules among its globals."""


@attrs.define
class _Call:
    """An object of numpy or joblib, as its pickle describes it."""

    function: _Global
    arguments: object
    state: object = None


def pickle_modules(path: Path) -> frozenset[str]:
    """Collect the modules that loading a file would import.

    Reads what pickle, cloudpickle, dill and joblib write, in any protocol, also
    compressed and several in one file. Where a file cannot be read further
    (cut off, in another format, with a library's own bytes between the pickles),
    what came before counts.

    Raises:
        OSError: When the file cannot be opened.
    """
    modules: set[str] = set()
    # A damaged file, or one that is no pickle, makes decompressors and what follows raise nearly anything.
    with path.open("rb") as stored, suppress(Exception):
        file = _decompressed(stored)
        while True:
            _Pickle(file, modules).read()
    return frozenset(modules)


def _decompressed(stored: io.BufferedReader) -> io.BufferedIOBase:
    start = stored.peek(2)[:2]
    if start == b"\x1f\x8b":
        return gzip.open(stored)
    if start == b"BZ":
        import bz2

        return bz2.open(stored)
    if start in {b"\xfd7", b"]\x00"}:
        import lzma

        return lzma.open(stored)
    return io.BufferedReader(_ZlibFile(stored)) if start[:1] == b"x" else stored


class _ZlibFile(io.RawIOBase):
    """The content of a zlib stream, which joblib writes and no module of Python opens as a file."""

    def __init__(self, stored: io.BufferedIOBase) -> None:
        self._stored = stored
        self._decompressor = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = b""
        while not data and not self._decompressor.eof:
            compressed = self._decompressor.unconsumed_tail or self._stored.read(_CHUNK)
            if not compressed:
                raise EOFError
            data = self._decompressor.decompress(compressed, len(view))
        view[: len(data)] = data
        return len(data)


class _Pickle:
    """One pickle, followed opcode by opcode on a stack that holds names and sizes, and no objects.

    A stack is needed, and not only the last two strings, to find where an array of
    joblib ends and the pickle goes on.

    ``pickletools.genops`` reads every value whole: of a pickled array of 1 GiB that took 7 s and 2 GiB of memory, where
    this takes a millisecond and no memory, for it skips what cannot be a name.
    """

    def __init__(self, file: io.BufferedIOBase, modules: set[str]) -> None:
        self._file = file
        self._modules = modules
        self._stack: list[object] = []
        self._memo: dict[object, object] = {}
        self._memo_size = 0

    def read(self) -> None:
        """Read up to and including the pickle's end, adding to the modules.

        Raises:
            Exception: At the end of the file, or where it is damaged.
        """
        code = b""
        while code != pickle.STOP:
            code = self._file.read(1)
            opcode = _OPCODES[code]
            argument = _OPAQUE if opcode.arg is None else self._argument(code, opcode.arg)
            self._execute(code, opcode, argument)

    def _execute(  # noqa: C901, PLR0912 - a case for each opcode
        self, code: bytes, opcode: pickletools.OpcodeInfo, argument: object
    ) -> None:
        match code:
            # First, as nearly all of a large pickle is that.
            case _ if code in _SCALARS:
                self._stack.append(argument)
            case pickle.MEMOIZE:
                self._remember(self._memo_size)
            case pickle.PUT | pickle.BINPUT | pickle.LONG_BINPUT:
                self._remember(argument)
            case pickle.GET | pickle.BINGET | pickle.LONG_BINGET:
                self._stack.append(self._memo.get(argument, _OPAQUE))
            case pickle.EMPTY_TUPLE | pickle.TUPLE1 | pickle.TUPLE2 | pickle.TUPLE3:
                self._stack.append(tuple(self._pop(len(opcode.stack_before))))
            case pickle.TUPLE:
                self._stack.append(tuple(self._pop_to_mark()))
            case pickle.EMPTY_DICT:
                self._stack.append({})
            case pickle.DICT:
                self._pop_to_mark()
                self._stack.append({})
            case pickle.SETITEM:
                self._set_items(self._pop(2))
            case pickle.SETITEMS:
                self._set_items(self._pop_to_mark())
            case pickle.GLOBAL:
                self._refer(argument, self._line().decode())
            case pickle.INST:
                self._pop_to_mark()
                self._refer(argument, self._line().decode())
            case pickle.STACK_GLOBAL:
                self._refer(*self._pop(2))
            case pickle.REDUCE | pickle.NEWOBJ:
                self._call(*self._pop(2))
            case pickle.BUILD:
                (state,) = self._pop(1)
                self._build(self._stack[-1], state)
            case _:
                self._move(opcode)

    def _move(self, opcode: pickletools.OpcodeInfo) -> None:
        """Take from the stack and put onto it as many values as an opcode does."""
        before = opcode.stack_before
        if pickletools.markobject in before:
            self._pop_to_mark()
            self._pop(before.index(pickletools.markobject))
        else:
            self._pop(len(before))
        is_mark = opcode.stack_after == [pickletools.markobject]
        self._stack.extend([_MARK if is_mark else _OPAQUE] * len(opcode.stack_after))

    def _pop(self, count: int) -> list[object]:
        return [self._stack.pop() for _ in range(count)][::-1]

    def _pop_to_mark(self) -> list[object]:
        return list(iter(self._stack.pop, _MARK))[::-1]

    def _remember(self, index: object) -> None:
        self._memo_size += 1
        # An entry for every object of a large pickle would need as much memory as the objects.
        if isinstance(self._stack[-1], str | _Global | _Call):
            self._memo[index] = self._stack[-1]

    def _refer(self, module: object, name: object) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError(module)
        self._modules.add(module)
        self._stack.append(_Global(module, name))

    def _set_items(self, items: list[object]) -> None:
        target = self._stack[-1]
        if isinstance(target, dict):
            pairs = zip(items[::2], items[1::2], strict=True)
            target.update((key, value) for key, value in pairs if isinstance(key, str) and key in _ARRAY_STATE)

    def _call(self, function: object, arguments: object) -> None:
        if function in _IMPORTS and isinstance(arguments, tuple):
            self._modules.update(argument for argument in arguments if isinstance(argument, str))
        if function == _RECONSTRUCTION and isinstance(arguments, tuple):
            function = arguments[0]
        if function in (_ARRAY, _DTYPE):
            self._stack.append(_Call(function, arguments))
        else:
            self._stack.append(_OPAQUE)

    def _build(self, target: object, state: object) -> None:
        if isinstance(target, _Call):
            target.state = state
            if target.function == _ARRAY:
                self._skip_array(state)

    def _skip_array(self, state: object) -> None:
        """Skip the bytes that joblib writes after the description of an array."""
        match state:
            case {
                "dtype": _Call(arguments=(str(code), *_), state=tuple(dtype)),
                "shape": tuple(shape),
                **others,
            }:
                pass
            case _:
                raise ValueError(state)
        if dtype[_DTYPE_FLAGS] & _HAS_OBJECTS:
            _Pickle(self._file, self._modules).read()
            return
        if isinstance(others.get("numpy_array_alignment_bytes"), int):
            self._skip(self._take(1)[0])
        width = 4 if code[0] == "U" else 1
        self._skip(math.prod(shape) * int(code[1:]) * width)

    def _argument(self, code: bytes, kind: pickletools.ArgumentDescriptor) -> object:
        """Read what follows an opcode, and return it where it can be a part of a name or of a size."""
        if kind.n == pickletools.UP_TO_NEWLINE:
            content = self._line()
        elif kind.n in _LENGTH_WIDTHS:
            length = int.from_bytes(self._take(_LENGTH_WIDTHS[kind.n]), "little")
            if length > _LONGEST_NAME:
                self._skip(length)
                return _OPAQUE
            content = self._take(length)
        else:
            # What is an index or a size is never negative; a float is neither.
            return int.from_bytes(self._take(kind.n), "little")
        decode = _DECODERS.get(code)
        return _OPAQUE if decode is None else decode(content)

    def _take(self, length: int) -> bytes:
        content = self._file.read(length)
        if len(content) < length:
            raise EOFError
        return content

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line[:-1]

    def _skip(self, length: int) -> None:
        if self._file.seekable():
            self._file.seek(length, io.SEEK_CUR)
            return
        while length > 0:
            length -= len(self._take(min(length, _CHUNK)))
