"""Families of named parts: find a part by name, write it down, build it again.

A part (an activation, a loss, a layer, ...) keeps each constructor argument under the argument's
own name. That is all that is needed to show it, to save it and to build it again.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from weakref import WeakKeyDictionary

from ffnn._types import DTypeLike
from ffnn.core.checks import check_in_dtype, nearest
from ffnn.core.formulas import Formulas
from ffnn.core.hints import Hinted
from ffnn.core.locks import ForkSafeLock
from ffnn.core.text import shorten, shown

if TYPE_CHECKING:
    from typing_extensions import Self

_LONGEST_SHOWN = 100  # characters of a name, which a file may have given


class Configurable(Hinted):
    """An object that is fully described by its class and its constructor's arguments."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.watch_arguments()

    @property
    def formulas(self) -> Formulas:
        """Its mathematics, for explanations and documents; a class has its own as an attribute."""
        return Formulas()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, name → value."""
        return {name: getattr(self, name) for name in _constructor_defaults(type(self))}

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
        """Return a new part made from the same arguments."""
        return type(self)(**self.get_config())

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
    """
    found = find_classes(package)
    if name not in found:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
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
        self._loading = ForkSafeLock()
        Family.by_kind[kind] = self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of parts of kind {self.kind!r}>"

    def register(self, *names: str) -> Callable[[type[T]], type[T]]:
        """Return a decorator that enters a class under `names`; the first is used in files."""
        names = tuple(name.lower() for name in names)

        def enter(cls: type[T]) -> type[T]:
            for other, taken in list(self._names.items()):  # other threads may import parts
                if other is not cls and (twice := set(names).intersection(taken)):
                    raise ValueError(f"there is a {self.kind} {min(twice)!r} already")
            self._names[cls] = names
            return cls

        return enter

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
        if not isinstance(identifier, str):
            hint = " (write it with parentheses)" if isinstance(identifier, type) else ""
            raise TypeError(
                f"{prefix}expected {self.kind}: a name or an object of {self.base.__name__}, "
                f"got {identifier!r}{hint}"
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
        """Return the name a part is saved under: the registered one, or its class's."""
        return self._names.get(type(part), (type(part).__name__,))[0]


def family_of(part: Configurable) -> Family[Any]:
    """Return the family that `part` belongs to, the narrowest where there are several."""
    families = [family for family in Family.by_kind.values() if isinstance(part, family.base)]
    return max(families, key=lambda family: len(family.base.__mro__))


# Before the name of a class that is not registered; no registered name begins with it.
CUSTOM = "custom:"


def describe(value: Any) -> Any:
    """Turn a value of a config into plain data: numbers, strings, lists and dicts.

    A part becomes ``{"kind": ..., "name": ..., "config": {...}}``. The name of a class of the
    user's is marked as such, so that it is never taken for one of the library's.
    """
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if not isinstance(value, Configurable):
        return value
    family = family_of(value)
    config = {name: describe(item) for name, item in value.get_config().items()}
    mark = "" if family.is_registered(type(value)) else CUSTOM
    return {"kind": family.kind, "name": mark + family.name_of(value), "config": config}


def rebuild(description: Any, custom_objects: Mapping[str, type] | None = None) -> Any:
    """Build again what `describe` wrote down; `custom_objects` are classes of the user's, by name.

    ValueError or TypeError says that a name is unknown, or that arguments do not fit their class.
    """
    if isinstance(description, list):
        return [rebuild(item, custom_objects) for item in description]
    if not isinstance(description, dict):
        return description
    family = Family.by_kind.get(description["kind"])
    if family is None:
        raise ValueError(f"unknown kind of part {shown(description['kind'], 60)}")
    cls = _class_of(family, description["name"], custom_objects or {})
    return cls(**{key: rebuild(v, custom_objects) for key, v in description["config"].items()})


def _class_of(
    family: Family[Any], name: str, custom_objects: Mapping[str, type]
) -> type[Configurable]:
    """Return the class of a part that was saved under `name`.

    Registered names are in lower case and found as they are. Files that were written before custom
    classes were marked have the name of such a class alone, ``"Softplus"`` and not ``"softplus"``.
    """
    if name in family.classes:
        return family.classes[name]
    name = name.removeprefix(CUSTOM)
    custom = custom_objects.get(name)
    if custom is None:
        shown = shorten(repr(name), 60)
        raise ValueError(
            f"unknown {family.kind} {shown}: it is not part of ffnn; if it is a class of yours, "
            f"pass it in custom_objects={{{shown}: ...}}"
        )
    if not (isinstance(custom, type) and issubclass(custom, family.base)):
        raise TypeError(f"custom object {name!r} must be a subclass of {family.base.__name__}")
    return custom


def custom_classes(value: Any) -> dict[str, type]:
    """Return the classes in `value`, a part or a list of parts, that are not the library's.

    ValueError is raised if two of them have one name, by which they could not be told apart.
    """
    found: dict[str, type] = {}
    for part in _parts_in(value):
        cls = type(part)
        family = family_of(part)
        if family.is_registered(cls):
            continue
        name = family.name_of(part)
        if found.setdefault(name, cls) is not cls:
            raise ValueError(f"there are two custom classes named {name!r}; rename one of them")
    return found


def _parts_in(value: Any) -> Iterator[Configurable]:
    """Yield the parts in a config's value, and the parts that these consist of."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts_in(item)
    elif isinstance(value, Configurable):
        yield value
        yield from _parts_in(list(value.get_config().values()))
