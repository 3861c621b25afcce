"""Reads from HDF5 what `hdf5` writes, and refuses all else that HDF5 can be.

This is done here, on bytes in memory, and not by the HDF5 library: a stranger's file can make
that library open other files (external links, external storage, virtual datasets, plugins of
filters), fill the memory, or crash, and much of this before one can ask what the file holds. What
follows can do no more than cut up the bytes that it is given.

Names of structures are those of the "HDF5 File Format Specification", version 3.0, sections
II.A (superblock), III.A.1 (B-trees), III.B and III.C (symbol table nodes and their entries), III.D
(local heaps), IV.A (object headers and messages). Only the oldest version of each is known here.
"""

from __future__ import annotations

import bisect
import math
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ffnn._types import Array, Shape
from ffnn.errors import ModelFileError

# Datatype messages, byte for byte: class and version, bits, size, then how the bits are laid out.
# Every other type (big-endian, opaque, vlen, reference, compound, enum ...) has another message.
DTYPES: dict[bytes, np.dtype[Any]] = {
    bytes.fromhex("11201f00 04000000 00002000 17080017 7f000000 00000000"): np.dtype("<f4"),
    bytes.fromhex("11203f00 08000000 00004000 340b0034 ff030000 00000000"): np.dtype("<f8"),
    bytes.fromhex("10080000 08000000 00004000 00000000"): np.dtype("<i8"),
    bytes.fromhex("10000000 01000000 00000800 00000000"): np.dtype("u1"),
}
_FILL = bytes.fromhex("02020201 00000000")  # a fill value message: the default, of length 0

# All of a superblock up to the end of the file: signature, versions 0, 8-byte offsets and lengths,
# B-trees of the usual width, no flags, addresses counted from byte 512, no free-space manager.
_SUPERBLOCK = bytes.fromhex(
    "894844460d0a1a0a 0000000000080800 0400100000000000 0002000000000000 ffffffffffffffff"
)
_UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
_TREE_SIZE = 24 + 8 * (2 * 32 + 1)  # 32 children and the 33 keys around them
_NODE_SIZE = 8 + 40 * 8  # 8 entries

_NIL, _DATASPACE, _DATATYPE, _FILL_VALUE, _LAYOUT, _SYMBOL_TABLE = 0x0, 0x1, 0x3, 0x5, 0x8, 0x11
_DATASET = {_DATASPACE, _DATATYPE, _FILL_VALUE, _LAYOUT}
_REFUSED = {
    0x2: "links of another kind than hard ones",
    0x4: "a fill value of the old kind",
    0x6: "links of another kind than hard ones",
    0x7: "storage in external files",
    0xA: "links of another kind than hard ones",
    0xB: "filters",
    0xC: "attributes",
    0x10: "a continued header, as attributes and other links need it",
    0x15: "attributes",
}
_LAYOUTS = {0: "compact", 2: "chunked", 3: "virtual"}

# Enough for some 8,000 layers, and read in seconds.
_MAX_BLOCKS = 200_000
_MAX_NAME = 255
_MAX_DEPTH = 8
_MAX_RANK = 8


class _Object(NamedTuple):
    """A link to a group or a dataset: its path, its header's address, what is cached of it."""

    path: str
    address: int
    cache: bytes


def read_arrays(image: bytes | bytearray, start: int) -> dict[str, Array]:
    """Return copies of all datasets of a file, whose superblock is at `start`, by name.

    ModelFileError names the first place that is not as `hdf5.build` writes it.
    """
    blocks = _Blocks(memoryview(image)[start:])
    arrays: dict[str, Array] = {}
    pending = [_root(blocks, start)]
    while pending:
        item = pending.pop()
        messages = _messages(blocks, item)
        if messages.keys() == {_SYMBOL_TABLE}:
            pending += _children(blocks, item, messages[_SYMBOL_TABLE])
        elif messages.keys() == _DATASET:
            _check(not any(item.cache), item.path, "a dataset is linked as a group")
            arrays[item.path[1:]] = _array(blocks, item.path, messages)
        else:
            raise ModelFileError(f"{item.path}: neither a group nor a dataset")
    return arrays


def _check(condition: bool, place: str, problem: str) -> None:
    if not condition:
        raise ModelFileError(f"{place}: {problem}")


class _Blocks:
    """The file as blocks, each of which has one use.

    As no block is used twice, there are no cycles and no second links, nothing overlaps, and all
    that there is to read is at most as large as the file.
    """

    def __init__(self, image: memoryview) -> None:
        self.image = image
        self._taken: list[tuple[int, int]] = []

    def take(self, address: int, size: int, place: str) -> memoryview:
        stop = address + size
        _check(len(self._taken) < _MAX_BLOCKS, place, "one part too many in this file")
        _check(stop <= len(self.image), place, "points outside the file")
        after = bisect.bisect(self._taken, (address, stop))
        before = self._taken[after - 1][1] if after else 0
        following = self._taken[after][0] if after < len(self._taken) else stop
        is_free = before <= address and stop <= following
        _check(is_free, place, "overlaps with another part of the file")
        self._taken.insert(after, (address, stop))
        return self.image[address:stop]


def _root(blocks: _Blocks, start: int) -> _Object:
    """Check the superblock and return the root group."""
    place = "superblock"
    block = blocks.take(0, 96, place)
    _check(block[:40] == _SUPERBLOCK, place, "not as ffnn writes it")
    end, driver, name, address, kind, reserved = struct.unpack_from("<4Q2I", block, 40)
    _check(end == start + len(blocks.image), place, "gives another length than the file has")
    _check((driver, name, kind, reserved) == (_UNDEFINED, 0, 1, 0), place, "not as ffnn writes it")
    return _Object("/", address, bytes(block[80:]))


def _messages(blocks: _Blocks, item: _Object) -> dict[int, bytes]:
    """Return an object header's messages by type, all of them known, none twice."""
    prefix = blocks.take(item.address, 16, item.path)
    version, zero, _, references, size, padding = struct.unpack("<2BH3I", prefix)
    form = (version, zero, references, padding)
    _check(form == (1, 0, 1, 0), item.path, "not an object header as ffnn writes it")
    content = blocks.take(item.address + 16, size, item.path)
    messages: dict[int, bytes] = {}
    position = 0
    while position < size:
        _check(position + 8 <= size, item.path, "its header is cut off")
        kind, length, flags = struct.unpack_from("<2HB", content, position)
        position += 8 + length
        _check(position <= size, item.path, "its header is cut off")
        if kind == _NIL:
            continue
        known = kind in _DATASET or kind == _SYMBOL_TABLE
        _check(known, item.path, f"has {_REFUSED.get(kind, f'a message of type {kind}')}")
        _check(kind not in messages, item.path, f"has two messages of type {kind}")
        _check(flags <= 1, item.path, "has a shared message")  # 1 says that it will not change
        messages[kind] = bytes(content[position - length : position])
    return messages


def _children(blocks: _Blocks, group: _Object, table: bytes) -> Iterator[_Object]:
    """Yield what a group links to."""
    # Other readers may go by the copy of the table, of 16 bytes, that is cached beside the link.
    _check(group.cache == table, group.path, "a group is not linked as one")
    _check(group.path.count("/") < _MAX_DEPTH, group.path, "groups are nested too deeply")
    tree, heap = struct.unpack("<2Q", table)
    head = blocks.take(heap, 32, group.path)
    signature, version, size, _, data = struct.unpack("<4sI3Q", head)
    is_heap = (signature, version) == (b"HEAP", 0)
    _check(is_heap, group.path, "its names are not a local heap")
    names = blocks.take(data, size, group.path)
    seen = set()
    for node in _leaves(blocks, tree, group.path):
        for name_offset, address, kind, zero, cache in _entries(blocks, node, group.path):
            name = bytes(names[name_offset : name_offset + _MAX_NAME + 1])
            path = f"{group.path.rstrip('/')}/{_decoded(name, group.path)}"
            _check(kind != 2, path, "a soft link")
            _check(kind < 2 and zero == 0, path, "not a hard link")
            _check(path not in seen, path, "comes twice")
            seen.add(path)
            yield _Object(path, address, cache if kind else b"")
    _check(bool(seen), group.path, "an empty group")


def _decoded(name: bytes, place: str) -> str:
    text, end, _ = name.partition(b"\0")
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        decoded = ""
    valid = end and decoded not in ("", ".", "..") and "/" not in decoded
    _check(bool(valid), place, "links to something under an invalid name")
    return decoded


def _leaves(blocks: _Blocks, root: int, place: str) -> Iterator[int]:
    """Yield the addresses of a B-tree's symbol table nodes."""
    pending = [root]
    while pending:
        block = blocks.take(pending.pop(), _TREE_SIZE, place)
        signature, kind, level, used = struct.unpack_from("<4s2BH", block)
        is_tree = (signature, kind) == (b"TREE", 0) and used <= 32
        _check(is_tree, place, "its links are not a B-tree")
        for number in range(used):
            (child,) = struct.unpack_from("<Q", block, 32 + 16 * number)
            if level:
                pending.append(child)
            else:
                yield child


def _entries(
    blocks: _Blocks, address: int, place: str
) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Yield name, object, kind, a zero and the cache of a symbol table node's entries."""
    block = blocks.take(address, _NODE_SIZE, place)
    signature, version, zero, used = struct.unpack_from("<4s2BH", block)
    form = (signature, version, zero)
    _check(form == (b"SNOD", 1, 0) and used <= 8, place, "its links are not a symbol table node")
    yield from struct.iter_unpack("<2Q2I16s", block[8 : 8 + 40 * used])


def _array(blocks: _Blocks, path: str, messages: dict[int, bytes]) -> Array:
    """Return a dataset's values, once all that describes them is known to be harmless."""
    dtype = DTYPES.get(messages[_DATATYPE])
    if dtype is None:
        raise ModelFileError(
            f"{path}: its type is none of float32, float64, int64 and uint8, little-endian"
        )
    layout = messages[_LAYOUT]
    kind = layout[1] if len(layout) >= 2 and layout[0] in (3, 4) else None
    _check(kind in (1, *_LAYOUTS), path, "its layout is unknown")
    _check(kind == 1, path, f"expected contiguous storage, got {_LAYOUTS.get(kind or 0)}")
    _check(len(layout) == 24 and layout[0] == 3, path, "its layout is unknown")
    _check(messages[_FILL_VALUE] == _FILL, path, "has a fill value")
    shape = _shape(messages[_DATASPACE], path)
    size = math.prod(shape) * dtype.itemsize
    address, stored = struct.unpack_from("<2Q", layout, 2)
    _check(stored == size, path, f"{dtype} of shape {shape} needs {size} bytes, got {stored}")
    if not size:
        _check(address == _UNDEFINED, path, "has storage for nothing")
        return np.empty(shape, dtype.newbyteorder("="))
    values: Array = np.ndarray(shape, dtype, blocks.take(address, size, path))
    return values.astype(dtype.newbyteorder("="))


def _shape(dataspace: bytes, path: str) -> Shape:
    """Return the shape that a dataspace message holds, if it is fixed."""
    rank = dataspace[1] if len(dataspace) >= 8 else _MAX_RANK + 1
    _check(rank <= _MAX_RANK, path, f"expected at most {_MAX_RANK} dimensions")
    expected = bytes([1, rank, min(rank, 1), 0, 0, 0, 0, 0])
    valid = dataspace[:8] == expected and len(dataspace) == 8 + 16 * rank
    _check(valid, path, "not a dataspace as ffnn writes it")
    sizes = struct.unpack_from(f"<{2 * rank}Q", dataspace, 8)
    shape, largest = sizes[:rank], sizes[rank:]
    _check(shape == largest, path, "its shape is not fixed")
    # Also of empty arrays: NumPy multiplies the sizes that are not 0.
    _check(math.prod(size or 1 for size in shape) < 1 << 48, path, "its shape is beyond all memory")
    return shape
