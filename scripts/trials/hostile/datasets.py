"""HDF5 datasets whose types or storage differ from ours."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from trials.hostile.making import CANARY, WEIGHT, kinds, patched, rebuilt, replaced, sealed, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trials.hostile.making import Maker

# -- types -------------------------------------------------------------------------------------


def _typed(dtype: Any) -> Maker:
    return replaced(WEIGHT, lambda file, name: file.create_dataset(name, (4, 3), dtype))


def _typed_by_hand(make_type: Callable[[], h5t.TypeID]) -> Maker:
    def make(file: h5py.File, name: str) -> None:
        h5d.create(file.id, name.encode(), make_type(), h5s.create_simple((4, 3)), _undated())

    return replaced(WEIGHT, make)


def _undated() -> h5p.PropDCID:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    return plist


def _odd_float() -> h5t.TypeID:
    made = h5t.IEEE_F32LE.copy()
    made.set_ebias(126)
    return made


def _opaque() -> h5t.TypeID:
    made = h5t.create(h5t.OPAQUE, 4)
    made.set_tag(b"x" * 40)
    return made


def _shared(file: h5py.File, name: str) -> None:
    file["config2"] = np.dtype("<f4")
    file.create_dataset(name, (4, 3), dtype=file["config2"])


kinds(
    "its type is none of",
    a_float_of_two_bytes=_typed("<f2"),
    a_float_of_sixteen_bytes=_typed(np.longdouble),
    a_big_endian_float=_typed(">f4"),
    a_float_of_another_bias=_typed_by_hand(_odd_float),
    an_integer_of_four_bytes=_typed("<i4"),
    an_unsigned_integer=_typed("<u8"),
    booleans=_typed(bool),
    an_enum=_typed(h5py.enum_dtype({"a": 1, "b": 2})),
    complex_numbers=_typed(np.complex64),
    a_compound=_typed(np.dtype([("a", "<f4")])),
    an_array_type=_typed(np.dtype(("<f4", (2,)))),
    numbers_of_variable_length=_typed(h5py.vlen_dtype(np.float32)),
    text_of_variable_length=_typed(h5py.string_dtype()),
    text_of_fixed_length=_typed("S4"),
    references=_typed(h5py.ref_dtype),
    references_to_regions=_typed(h5py.regionref_dtype),
    opaque_values=_typed_by_hand(_opaque),
    bits=_typed_by_hand(lambda: h5t.STD_B32LE),
    moments=_typed_by_hand(lambda: h5t.UNIX_D32LE),
)
kinds("has a shared message", a_type_that_is_shared=replaced(WEIGHT, _shared))


# -- storage -----------------------------------------------------------------------------------


def _compact(file: h5py.File, name: str) -> None:
    plist = _undated()
    plist.set_layout(h5d.COMPACT)
    dataset = h5d.create(file.id, name.encode(), h5t.IEEE_F32LE, h5s.create_simple((4, 3)), plist)
    dataset.write(h5s.ALL, h5s.ALL, np.ones((4, 3), "<f4"))


def _bomb(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (1 << 20, 1 << 20), "<f4", chunks=(1 << 10, 1 << 10), compression=9)


def external_storage(path: Path) -> None:
    """Store the weight's numbers in a canary file."""
    canary = path.with_name("canary.bin")
    canary.write_bytes(CANARY)
    outside = [(str(canary), 0, 48)]
    replaced(WEIGHT, lambda f, name: f.create_dataset(name, (4, 3), "<f4", external=outside))(path)


def virtual_dataset(path: Path) -> None:
    """Make the weight a view of a canary file."""
    canary = path.with_name("canary.h5")
    with h5py.File(canary, "w") as file:
        file["weight"] = np.frombuffer(CANARY[:48], "<f4").reshape(4, 3)
    replaced(WEIGHT, lambda file, name: _view(file, name, canary))(path)


def _view(file: h5py.File, name: str, canary: Path) -> None:
    space, plist = h5s.create_simple((4, 3)), _undated()
    plist.set_virtual(space, str(canary).encode(), b"weight", space)
    h5d.create(file.id, name.encode(), h5t.IEEE_F32LE, space, plist)


def _put(offset: int, number: int) -> Maker:
    """Return a maker that changes the weight's layout message."""

    def change(content: bytearray, at: int) -> None:
        struct.pack_into("<Q", content, at + offset, number)

    return patched(change)


def _put_byte(offset: int, value: int) -> Maker:
    return patched(lambda content, at: content.__setitem__(at + offset, value))


def _message(kind: int, offset: int, value: bytes) -> Maker:
    """Return a maker that changes bytes of one of the weight's messages, or of its header (0)."""

    def change(content: bytearray, at: int) -> None:
        position = start = content.rindex(b"\1\0\5\0\1\0\0\0", 0, at)  # of five messages
        if kind:
            position += 16
            while (message := struct.unpack_from("<2H", content, position))[0] != kind:
                position += 8 + message[1]
        assert start <= position < at
        content[position + offset : position + offset + len(value)] = value

    return patched(change)


def _nothing(path: Path) -> None:
    """Give an empty array an address."""
    rebuilt(path, arrays={"history/0": np.ones(0)})
    content, old = path.read_bytes()[512:], struct.pack("<2B2Q", 3, 1, 2**64 - 1, 0)
    assert content.count(old) == 1
    sealed(path, content.replace(old, struct.pack("<2B2Q", 3, 1, 96, 0)))


kinds("has storage for nothing", storage_for_nothing=_nothing)
kinds(
    "its header is cut off",
    a_header_that_ends_in_a_message=_message(0, 8, struct.pack("<I", 40)),
    a_header_that_ends_before_a_message=_message(0, 8, struct.pack("<I", 52)),
)
kinds("has two messages of type 1", two_messages_of_a_kind=_message(3, 0, b"\1"))


def _overlap(content: bytearray, at: int) -> None:
    (address,) = struct.unpack_from("<Q", content, at + 2)
    struct.pack_into("<Q", content, at + 2, address - 4)


def _on_its_own_header(content: bytearray, at: int) -> None:
    struct.pack_into("<Q", content, at + 2, at)


kinds(
    "has filters",
    gzip=stored(compression="gzip"),
    lzf=stored(compression="lzf"),
    shuffling=stored(shuffle=True),
    checksums_of_hdf5=stored(fletcher32=True),
    scaled_offsets=stored(scaleoffset=2),
    a_bomb_of_compressed_zeros=replaced(WEIGHT, _bomb),
)
kinds(
    "got chunked",
    chunks=stored(chunks=(2, 3)),
    a_shape_that_can_grow=stored(maxshape=(None, 3)),
)
kinds(
    "its layout is unknown",
    a_layout_of_the_future=_put_byte(0, 9),
    a_newer_layout=_put_byte(0, 4),
    a_layout_of_an_unknown_kind=_put_byte(1, 7),
)
kinds("got compact", compact_storage=replaced(WEIGHT, _compact))
kinds("got virtual", a_virtual_dataset=virtual_dataset)
kinds("has storage in external files", external_storage=external_storage)
kinds(
    "has a fill value",
    a_fill_value=stored(fillvalue=3.0),
    a_fill_value_of_another_form=_message(5, 8 + 3, b"\0"),
)
kinds(
    "needs 48 bytes, got",
    more_storage_than_the_shape_needs=_put(10, 64),
    less_storage_than_the_shape_needs=_put(10, 8),
)
kinds(
    "points outside",
    storage_that_is_not_there=_typed("<f4"),
    an_address_outside_the_file=_put(2, 1 << 40),
    an_address_that_wraps_around=_put(2, 2**64 - 16),
)
kinds(
    "overlaps with",
    storage_on_the_superblock=_put(2, 0),
    storage_on_its_own_header=patched(_on_its_own_header),
    storage_that_two_arrays_share=patched(_overlap),
)


# -- shapes ------------------------------------------------------------------------------------


def _shape(*sizes: int) -> Maker:
    """Return a maker of a weight with a forged shape and, if they are given, largest sizes."""
    return _message(1, 16, struct.pack("<4Q", *(sizes + sizes)[:4]))


kinds("bytes, got 48", a_shape_beyond_its_storage=_shape(1 << 20, 1 << 20))
kinds(
    "beyond all memory",
    a_shape_beyond_all_memory=_shape(1 << 40, 1 << 40),
    a_shape_whose_size_wraps_around=_shape(1 << 63, 1 << 63),
    an_empty_shape_beyond_all_memory=_shape(0, 1 << 62),
)
kinds("its shape is not fixed", a_shape_that_can_be_changed=_shape(4, 3, 2**64 - 1, 3))
kinds(
    "not a dataspace",
    a_null_dataspace=replaced(WEIGHT, lambda f, n: f.__setitem__(n, h5py.Empty("<f4"))),
)
kinds(
    "at most 8 dimensions",
    nine_dimensions=replaced(WEIGHT, lambda f, n: f.__setitem__(n, np.ones((1,) * 9, "<f4"))),
)
