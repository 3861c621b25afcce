"""HDF5 whose superblock, groups or links differ from ours."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import h5py
import numpy as np
from h5py import h5o

from trials.hostile.making import (
    CANARY,
    WEIGHT,
    edited,
    kinds,
    model,
    model_bytes,
    patched,
    put,
    replaced,
    sealed,
)

if TYPE_CHECKING:
    from pathlib import Path

    from trials.hostile.making import Maker

# -- the superblock ----------------------------------------------------------------------------


def _newest(path: Path) -> None:
    config, arrays = model().capture()
    with h5py.File(path, "w", libver="latest", userblock_size=512) as file:
        file["config"] = np.frombuffer(json.dumps(config).encode(), np.uint8)
        for name, array in arrays.items():
            file[name] = array
    sealed(path, path.read_bytes()[512:])


kinds(
    "superblock",
    structures_of_the_newest_kind=_newest,
    no_superblock=put(0, b"\0"),
    narrow_trees=put(18, b"\1\0"),
    another_base_address=put(24, bytes(8)),
    another_end_of_file=put(40, b"\xff\xff"),
    a_driver_for_the_file=put(48, struct.pack("<Q", 96)),
)
kinds("points outside", a_root_outside_the_file=put(64, struct.pack("<Q", 1 << 62)))
kinds("overlaps with", a_root_inside_the_superblock=put(64, struct.pack("<Q", 8)))
kinds("not linked as one", another_tree_cached=put(80, struct.pack("<Q", 144)))


# -- links -------------------------------------------------------------------------------------


def _linked(link: object) -> Maker:
    return replaced(WEIGHT, lambda file, name: file.__setitem__(name, link))


def external_link(path: Path) -> None:
    """Link the weight to a canary file."""
    canary = path.with_name("canary.h5")
    with h5py.File(canary, "w") as file:
        file["weight"] = np.frombuffer(CANARY[:48], "<f4").reshape(4, 3)
    _linked(h5py.ExternalLink(str(canary), "weight"))(path)


def _alias(file: h5py.File) -> None:
    del file["gradients/1_dense_1/weight"]
    file["gradients/1_dense_1/weight"] = file[WEIGHT]


def _redirected(path: Path, name: str, target: str) -> None:
    """Make a link lead elsewhere, without counting it."""
    with h5py.File(path, "r") as file:
        old, new = (struct.pack("<Q", h5o.get_info(file[n].id).addr) for n in (name, target))
    content = path.read_bytes()[512:]
    assert content.count(old) == 1
    sealed(path, content.replace(old, new))


def _hidden_cycle(path: Path) -> None:
    edited(path, lambda file: file.create_group("layers/1_dense_1/deep/deeper"))
    _redirected(path, "layers/1_dense_1/deep", "layers")


def _hidden_alias(path: Path) -> None:
    path.write_bytes(model_bytes())
    _redirected(path, "gradients/1_dense_1/weight", WEIGHT)


def _entry(kind: int, cache: bytes = bytes(16)) -> Maker:
    """Return a maker that changes what is stored beside the weight's link."""

    def make(path: Path) -> None:
        path.write_bytes(model_bytes())
        with h5py.File(path, "r") as file:
            address = struct.pack("<Q", h5o.get_info(file[WEIGHT].id).addr)
        old, content = address + bytes(24), model_bytes()[512:]
        assert content.count(old) == 1
        sealed(path, content.replace(old, address + struct.pack("<Q", kind) + cache))

    return make


kinds("not a hard link", a_link_of_an_unknown_kind=_entry(3), a_reserved_field=_entry(1 << 32))
kinds("a dataset is linked as a group", a_dataset_linked_as_a_group=_entry(1, b"\1" * 16))
kinds(
    "a soft link",
    a_soft_link=_linked(h5py.SoftLink("/config")),
    a_soft_link_to_nothing=_linked(h5py.SoftLink("/nothing")),
    a_soft_link_to_itself=_linked(h5py.SoftLink("/" + WEIGHT)),
)
kinds("a continued header", an_external_link=external_link)
kinds(
    "not an object header",
    a_second_hard_link=lambda path: edited(path, _alias),
    a_cycle_of_groups=lambda path: edited(
        path, lambda file: file.__setitem__("layers/1_dense_1/again", file["layers"])
    ),
)
kinds(
    "overlaps with",
    a_second_link_that_is_not_counted=_hidden_alias,
    a_cycle_that_is_not_counted=_hidden_cycle,
)


# -- names -------------------------------------------------------------------------------------


def _renamed(new: bytes) -> Maker:
    def change(content: bytearray, _: int) -> None:
        content[:] = content.replace(b"moving_mean\0", new.ljust(12, b"\0"))

    return patched(change)


def _same_names(content: bytearray, _: int) -> None:
    content[:] = content.replace(b"gamma\0", b"beta\0\0")


kinds(
    "an invalid name",
    a_name_with_a_slash=_renamed(b"a/b"),
    a_name_that_leads_up=_renamed(b".."),
    an_empty_name=_renamed(b""),
    a_name_that_is_not_utf_8=_renamed(b"\xff\xfe"),
    a_name_of_300_letters=lambda path: edited(path, lambda f: f.__setitem__("x" * 300, 1.0)),
)
kinds("comes twice", a_name_twice=patched(_same_names))


# -- objects -----------------------------------------------------------------------------------


def _attribute(name: str, value: object) -> Maker:
    return lambda path: edited(path, lambda file: file[name].attrs.__setitem__("a", value))


kinds(
    "attributes",
    an_attribute_of_the_root=_attribute("/", 1),
    an_attribute_of_a_group=_attribute("layers", 1),
    an_attribute_of_an_array=_attribute(WEIGHT, 1),
    an_attribute_of_text=_attribute(WEIGHT, "text"),
    a_large_attribute=_attribute(WEIGHT, np.zeros(8000)),
)
kinds(
    "a message of type",
    a_comment=lambda path: edited(path, lambda f: h5o.set_comment(f[WEIGHT].id, b"hello")),
    a_date=replaced(
        WEIGHT, lambda f, name: f.create_dataset(name, (4, 3), "<f4", track_times=True)
    ),
)
kinds(
    "an empty group",
    an_empty_group=lambda path: edited(path, lambda f: f.create_group("layers/9_dense_9")),
)
kinds(
    "has a shared message",
    a_type_with_a_name=lambda path: edited(
        path, lambda f: f.__setitem__("layers/1_dense_1/type", np.dtype("<f4"))
    ),
)
kinds(
    "nested too deeply",
    groups_in_groups=lambda path: edited(
        path, lambda f: f.__setitem__("/".join("abcdefghijklmnopqrst"), 1.0)
    ),
)


# -- what links are kept in --------------------------------------------------------------------

kinds(
    "not a B-tree",
    no_tree=put(0, b"tree", after=b"TREE"),
    a_tree_of_another_kind=put(4, b"\1", after=b"TREE"),
    a_tree_with_too_many_children=put(6, b"\xff\xff", after=b"TREE"),
)
kinds(
    "overlaps with",
    a_tree_that_is_its_own_child=put(
        5, struct.pack("<BH4Q", 1, 1, 2**64 - 1, 2**64 - 1, 0, 136), after=b"TREE"
    ),
)
kinds(
    "not a symbol table node",
    no_node=put(0, b"snod", after=b"SNOD"),
    a_node_with_too_many_links=put(6, b"\xff\xff", after=b"SNOD"),
)
kinds("not a local heap", no_heap=put(0, b"heap", after=b"HEAP"))
kinds("points outside", a_heap_of_a_terabyte=put(8, struct.pack("<Q", 1 << 40), after=b"HEAP"))
