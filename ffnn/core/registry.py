"""Families of named parts: find a part by name.

A part (an activation, a loss, a layer, ...) keeps each constructor argument under the argument's
own name. That is all that is needed to show it, to save it and to build it again (`descriptions`).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from weakref import WeakKeyDictionary

from ffnn._types import DTypeLike
from ffnn.core.checks import check_in_dtype, nearest
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Hinted
from ffnn.core.locks import ForkSafeLock
from ffnn.core.text import shorten

if TYPE_CHECKING:
    from typing_extensions import Self

_LONGEST_SHOWN = 100  # characters of a name, which a file may have given


class Configurable(Hinted):
    """An object that is fully described by its class and its constructor's arguments.

    Attributes
    ----------
    in_older_files : mapping of str to object
        The arguments that files from before there were such do not have, where what they mean there
        is not the default.
    kept : mapping of str to object
        The attributes that describe it besides, name → what they are at first.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.watch_arguments()

    in_older_files: ClassVar[Mapping[str, Any]] = {}
    kept: ClassVar[Mapping[str, Any]] = {}

    @property
    def formulas(self) -> Formulas:
        """Its mathematics, for explanations and documents; a class has its own as an attribute."""
        return Formulas()

    @property
    def custom_object(self) -> Callable[..., Any]:
        """What `custom_objects` has to hold to load such a part, if the library has it not."""
        return type(self)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, name → value."""
        return {name: getattr(self, name) for name in _constructor_defaults(type(self))}

    def kept_values(self) -> dict[str, Any]:
        """Return the attributes in `kept` that are no longer what they were at first."""
        values = {name: getattr(self, name) for name in self.kept}
        return {name: value for name, value in values.items() if value != self.kept[name]}

    def numbers(self) -> dict[str, float]:
        """Return by name the numbers that it computes with in the dtype of its model.

        They are the arguments that are floats; a class that uses other numbers, or uses them in
        another dtype, says so here.
        """
        return {name: value for name, value in self._arguments() if isinstance(value, float)}

    def check_numbers(self, dtype: DTypeLike, owner: str) -> None:
        """Raise ValueError if `numbers`, its own or those of a part of it, are lost in `dtype`.

        That is, if one becomes infinite, or 0 without being 0. `owner` begins the message.
        """
        for name, number in self.numbers().items():
            check_in_dtype(owner, name, number, dtype)
        for name, value in self._arguments():
            for part in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(part, Configurable):
                    part.check_numbers(dtype, f"{owner}: {name} {type(part).__name__}")

    def _arguments(self) -> list[tuple[str, Any]]:
        """Return the constructor's arguments, None for what is not kept."""
        return [(name, getattr(self, name, None)) for name in _constructor_defaults(type(self))]

    def clone(self) -> Self:
        """Return a new part made from the same arguments, with the same `kept_values`."""
        twin = type(self)(**self.get_config())
        for name, value in self.kept_values().items():
            setattr(twin, name, value)
        return twin

    def check_clone(self, owner: str) -> Self:
        """Return what `clone` does, or raise TypeError if a class of the user's has none."""
        try:
            return self.clone()
        except Exception as error:
            raise TypeError(
                f"{owner}: {type(self).__name__} cannot be copied: {error}; its constructor must "
                f"keep each argument as an attribute of the same name"
            ) from error

    def __repr__(self) -> str:
        return call_of(self)


def call_of(made: object) -> str:
    """Return the call that makes such an object, without arguments that have their default.

    Arguments are found as attributes of their names; those that are not kept so are left out.
    """
    shown, is_whole = [], True
    for name, default in _constructor_defaults(type(made)).items():
        if not hasattr(made, name):
            is_whole = False
            continue
        value = getattr(made, name)
        if default is inspect.Parameter.empty and is_whole:
            shown.append(repr(value))
        elif not _is_default(value, default):
            shown.append(f"{name}={value!r}")
    return f"{type(made).__name__}({', '.join(shown)})"


def _is_default(value: Any, default: Any) -> bool:
    """Tell whether `value` is what `default` means; a part may be given by its name."""
    if isinstance(default, str) and isinstance(value, Configurable):
        return repr(value) == repr(family_of(value).get(default))
    return bool(value == default)


_DEFAULTS: WeakKeyDictionary[type, Mapping[str, Any]] = WeakKeyDictionary()  # known so far


def _constructor_defaults(cls: type) -> Mapping[str, Any]:
    if cls.__init__ is object.__init__:  # type: ignore[misc]
        return {}  # for which `inspect` would compile code, as no reader of a file may
    known = _DEFAULTS.get(cls)
    if known is None:
        parameters = inspect.signature(cls).parameters
        known = {name: parameter.default for name, parameter in parameters.items()}
        _DEFAULTS[cls] = known
    return known


def argument_names(cls: type) -> list[str]:
    """Return the names of the arguments that a class of parts takes."""
    return list(_constructor_defaults(cls))


T = TypeVar("T", bound=Configurable)
C = TypeVar("C", bound=type[Any])  # the class itself, which a decorator returns as it came


def load_modules(package: str) -> list[ModuleType]:
    """Import all modules of a package and return them in alphabetical order."""
    paths = importlib.import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(paths))
    return [importlib.import_module(f"{package}.{name}") for name in names]


def find_classes(package: str) -> dict[str, type]:
    """Return the public classes that the modules of a package define, by name."""
    return {
        name: value
        for module in load_modules(package)
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


def load_class(package: str, name: str) -> type:
    """Return the class `name` from one of a package's modules, else raise AttributeError.

    This is the ``__getattr__`` of a package of parts: a part in a file of its own needs no entry.
    The package has the class from then on, and is not searched for it again.
    """
    found = find_classes(package)
    if name not in found:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    setattr(sys.modules[package], name, found[name])
    return found[name]


class Family(Generic[T]):
    """The classes of one kind of part, in alphabetical order of their names.

    `kind` is what the parts are called in messages and in files, and `base` the class that all of
    them derive from. The modules of `package`, if given, are loaded at the first look-up.
    """

    by_kind: ClassVar[dict[str, Family[Any]]] = {}

    def __init__(self, kind: str, base: type[T], package: str | None = None) -> None:
        self.kind = kind
        self.base = base
        self._package = package
        self._names: dict[type[T], tuple[str, ...]] = {}
        self._of_function: Callable[[Any], T] | None = None
        self._loading = ForkSafeLock()
        Family.by_kind[kind] = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of parts of kind {self.kind!r}>"

    def register(self, *names: str) -> Callable[[C], C]:
        """Return a decorator that enters a class under `names`; the first is used in files."""
        names = tuple(name.lower() for name in names)

        def enter(cls: C) -> C:
            for other, taken in list(self._names.items()):  # other threads may import parts
                if other is not cls and (twice := set(names).intersection(taken)):
                    raise ValueError(f"there is a {self.kind} {min(twice)!r} already")
            self._names[cls] = names
            return cls

        return enter

    def takes_functions(self, cls: C) -> C:
        """Have a class, whose only argument is a function, make parts of plain functions."""
        self._of_function = cls
        return cls

    def maker_of(self, custom: Any) -> Callable[..., T] | None:
        """Return what makes a part of a class or a function of the user's; None if nothing does."""
        if isinstance(custom, type):
            return custom if issubclass(custom, self.base) else None
        if self._of_function is None or not callable(custom):
            return None
        return partial(self._of_function, custom)

    def __iter__(self) -> Iterator[type[T]]:
        with self._loading:
            if self._package is not None:
                load_modules(self._package)
                self._package = None
        return iter(sorted(self._names, key=lambda cls: self._names[cls]))

    def names(self) -> list[tuple[str, ...]]:
        """Return the names of each class, in lower case; the first is the one used in files."""
        return [self._names[cls] for cls in self]

    @property
    def classes(self) -> Mapping[str, type[T]]:
        """Each name → its class, in the order of `names`."""
        return {name: cls for cls in self for name in self._names[cls]}

    def get(self, identifier: str | T, owner: str = "") -> T:
        """Return the part that `identifier` names, or `identifier` itself if it is one.

        `owner`, such as ``"Dense: activation"``, begins the messages.
        """
        prefix = owner and f"{owner}: "
        if isinstance(identifier, self.base):
            return identifier
        if not isinstance(identifier, (str, type)) and (make := self.maker_of(identifier)):
            try:
                return make()
            except TypeError as error:
                raise TypeError(f"{prefix}{error}") from None
        if not isinstance(identifier, str):
            hint = " (write it with parentheses)" if isinstance(identifier, type) else ""
            function = "" if self._of_function is None else ", a function"
            raise TypeError(
                f"{prefix}expected {self.kind}: a name{function} or an object of "
                f"{self.base.__name__}, got {identifier!r}{hint}"
            )
        cls = self.class_named(identifier, owner)
        defaults = _constructor_defaults(cls)
        needed = [name for name, value in defaults.items() if value is inspect.Parameter.empty]
        if needed:
            raise TypeError(
                f"{prefix}{self.kind} {identifier!r} needs arguments: "
                f"write {cls.__name__}({', '.join(needed)})"
            )
        return cls()

    def class_named(self, name: str, owner: str = "") -> type[T]:
        """Return the class of a name, or raise a ValueError that lists the known ones."""
        classes = self.classes
        cls = classes.get(name.lower())
        if cls is None:
            hint, known = nearest(name, classes), ", ".join(classes)
            prefix = owner and f"{owner}: "
            shown = shorten(name, _LONGEST_SHOWN)
            raise ValueError(f"{prefix}unknown {self.kind} {shown!r}{hint}; known: {known}")
        return cls

    def is_registered(self, cls: type) -> bool:
        """Tell whether a class itself, and not only one that it derives from, has a name here."""
        return cls in self._names

    def name_of(self, part: T) -> str:
        """Return the name a part is saved under: the registered one, or its custom object's."""
        return self._names.get(type(part), (part.custom_object.__name__,))[0]


def family_of(part: Configurable) -> Family[Any]:
    """Return the family that `part` belongs to, the narrowest where there are several."""
    families = [family for family in Family.by_kind.values() if isinstance(part, family.base)]
    return max(families, key=lambda family: len(family.base.__mro__))
