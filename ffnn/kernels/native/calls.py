"""Calls of NumPy's own routines by their addresses, from compiled loops.

A product is then made by the very function of the BLAS library that NumPy calls, and an exponential
by NumPy's own loop, so both have NumPy's bits.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_INT, _LONG, _BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8)


def _numbers(number: Any) -> ir.Type:
    """Return LLVM's type of a float32 or float64."""
    return ir.FloatType() if number == types.float32 else ir.DoubleType()


def _function(builder: Any, address: Any, result: ir.Type, arguments: list[ir.Type]) -> Any:
    """Return what is at an address as a function."""
    kind = ir.FunctionType(result, arguments)
    return builder.inttoptr(address, kind.as_pointer())


@intrinsic
def pointer(typing: Any, address: Any, like: Any) -> Any:
    """Return an address as a pointer to numbers of the type of `like`."""
    kind = types.CPointer(like)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(kind))

    return kind(types.int64, like), generate


@intrinsic
def gemm(
    typing: Any,
    address: Any,
    one: Any,
    a_transposed: Any,
    b_transposed: Any,
    m: Any,
    n: Any,
    k: Any,
    a: Any,
    a_stride: Any,
    b: Any,
    b_stride: Any,
    c: Any,
    c_stride: Any,
) -> Any:
    """Write the product of two matrices, row by row, by `cblas_?gemm` with 64-bit integers.

    `one` is the number 1 of their dtype; a side is transposed where its flag is not 0.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = _numbers(one)
        kinds = (
            [_INT] * 3 + [_LONG] * 3 + [number, _LONG, _LONG, _LONG, _LONG, number, _LONG, _LONG]
        )
        called = _function(builder, args[0], ir.VoidType(), kinds)
        flags = [_transposition(builder, flag) for flag in args[2:4]]
        row_major = ir.Constant(_INT, _ROW_MAJOR)
        builder.call(
            called,
            [
                row_major,
                *flags,
                *args[4:7],
                args[1],
                *args[7:11],
                ir.Constant(number, 0.0),
                *args[11:13],
            ],
        )
        return context.get_dummy_value()

    return types.void(types.int64, one, *[types.int64] * 11), generate


@intrinsic
def gemv(
    typing: Any,
    address: Any,
    one: Any,
    row_major: Any,
    transposed: Any,
    m: Any,
    n: Any,
    a: Any,
    a_stride: Any,
    x: Any,
    y: Any,
) -> Any:
    """Write the product of a matrix and a vector, by `cblas_?gemv`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = _numbers(one)
        kinds = [_INT, _INT, _LONG, _LONG, number, _LONG, _LONG, _LONG, _LONG, number, _LONG, _LONG]
        called = _function(builder, args[0], ir.VoidType(), kinds)
        is_row_major = builder.icmp_signed("!=", args[2], ir.Constant(_LONG, 0))
        order = builder.select(
            is_row_major, ir.Constant(_INT, _ROW_MAJOR), ir.Constant(_INT, _COLUMN_MAJOR)
        )
        step = ir.Constant(_LONG, 1)
        builder.call(
            called,
            [
                order,
                _transposition(builder, args[3]),
                *args[4:6],
                args[1],
                *args[6:9],
                step,
                ir.Constant(number, 0.0),
                args[9],
                step,
            ],
        )
        return context.get_dummy_value()

    return types.void(types.int64, one, *[types.int64] * 8), generate


@intrinsic
def dot(typing: Any, address: Any, one: Any, n: Any, x: Any, y: Any) -> Any:
    """Return the product of two vectors, by `cblas_?dot`; `one` is a number of their dtype."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        called = _function(builder, args[0], _numbers(one), [_LONG] * 5)
        step = ir.Constant(_LONG, 1)
        return builder.call(called, [args[2], args[3], step, args[4], step])

    return one(types.int64, one, types.int64, types.int64, types.int64), generate


@intrinsic
def ufunc(
    typing: Any,
    address: Any,
    data: Any,
    n: Any,
    x: Any,
    x_step: Any,
    y: Any,
    y_step: Any,
    out: Any,
    out_step: Any,
) -> Any:
    """Run a loop of a NumPy function over n numbers: of one vector, from x to y, or of two.

    Steps are in bytes.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = cgutils.pack_array(builder, [args[3], args[5], args[7]])
        steps = cgutils.pack_array(builder, [args[4], args[6], args[8]])
        kept = []
        for value in (places, args[2], steps):
            slot = cgutils.alloca_once_value(builder, value)
            kept.append(builder.bitcast(slot, _LONG.as_pointer()))
        called = _function(builder, args[0], ir.VoidType(), [_LONG.as_pointer()] * 3 + [_LONG])
        builder.call(called, [*kept, args[1]])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 9), generate


def _transposition(builder: Any, flag: Any) -> Any:
    """Return CBLAS's number for a transposed side or for one that is not."""
    is_set = builder.icmp_signed("!=", flag, ir.Constant(_LONG, 0))
    return builder.select(is_set, ir.Constant(_INT, _TRANSPOSED), ir.Constant(_INT, _AS_IS))


_ROW_MAJOR, _COLUMN_MAJOR, _AS_IS, _TRANSPOSED = 101, 102, 111, 112
