"""What a text uses: its variables with their places, and whether each is printed without a fallback."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from liquid import Expression, Node
from liquid.ast import BlockNode, ConditionalBlockNode
from liquid.builtin.expressions import (
    BooleanExpression,
    FilteredExpression,
    KeywordArgument,
    Nil,
    Path,
    StringLiteral,
)
from liquid.builtin.expressions import Filter as LiquidFilter
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    GeExpression,
    GtExpression,
    LeExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    LtExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, Empty, RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.for_tag import ForNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.exceptions import LiquidError

from rules.errors import did_you_mean
from rules.templates.filters import FILTERS, arity
from rules.templates.liquid import template
from rules.templates.scan import Fault, scan
from rules.templates.words import unreadable

__all__ = ["ROOTS", "Comparison", "Study", "Use", "study"]

#: Names that a text can't give to something of its own.
ROOTS = ("action", "assignee", "business", "customer", "today", "trigger")

#: Filters that people know from elsewhere, and what to write here.
_OTHERWISE = {
    "escape": "values are made harmless without it: take it out",
    "escape_once": "values are made harmless without it: take it out",
    "length": "write size",
    "lower": "write downcase",
    "newline_to_br": "line ends are kept without it: take it out",
    "strip_html": "values are made harmless without it: take it out",
    "trim": "write strip",
    "upper": "write upcase",
}

_Names = frozenset[str]
_NONE: _Names = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One mention of a variable."""

    name: str  #: ``customer.name``
    at: int  #: where, in characters from the beginning
    bare: bool  #: printed, with nothing to stand in where it is unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A variable beside a text in quotes."""

    name: str
    value: str
    at: int
    sign: str  #: ``==``, ``contains`` or another


@dataclass(slots=True, kw_only=True)
class Study:
    """What one source says, before the vocabulary is asked."""

    faults: list[Fault] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    renders: list[tuple[int, int, str]] = field(default_factory=list)  #: start, end, file


def study(source: str) -> Study:
    """Return the faults of a source, else the variables that it uses."""
    seen = scan(source)
    found = Study(faults=seen.faults, renders=seen.renders)
    if any(not fault.warning for fault in seen.faults):
        return found
    bare = source
    for start, end, _ in seen.renders:
        bare = bare[:start] + " " * (end - start) + bare[end:]
    try:
        parsed = template(bare)
    except LiquidError as error:
        found.faults += _pieces(source, seen.pieces) or [_elsewhere(error)]
        return found
    walk = _Walk(found)
    walk.nodes(parsed.nodes, _NONE)
    return found


#: Tag -> how its inside is read alone: what stands before the piece, and behind it.
_ALONE = {
    "if": ("", "{% endif %}"),
    "unless": ("", "{% endunless %}"),
    "for": ("", "{% endfor %}"),
    "case": ("", "{% endcase %}"),
    "elsif": ("{% if true %}", "{% endif %}"),
    "when": ("{% case 1 %}", "{% endcase %}"),
    "assign": ("", ""),
    "": ("", ""),
}


def _pieces(source: str, pieces: Iterable[tuple[int, int, str]]) -> list[Fault]:
    """Return the fault of every piece that can't be read alone."""
    found = []
    for start, end, tag in pieces:
        if tag not in _ALONE:
            continue
        before, behind = _ALONE[tag]
        try:
            template(before + source[start:end] + behind)
        except LiquidError as error:
            within = error.token.start_index - len(before) if error.token else -1
            found.append(unreadable(error, source[start:end], start, within))
    return found


def _elsewhere(error: LiquidError) -> Fault:
    """Return what no piece alone explains: blocks inside each other without an end."""
    message = f"this text can't be read: {error.message}"
    return Fault(at=0, code="bad-text", message=message)


@dataclass(slots=True)
class _Walk:
    """Goes through a template; ``sure`` are the names that are known where it stands."""

    found: Study
    own: set[str] = field(default_factory=set)  #: names that the text itself gives

    def nodes(self, nodes: Iterable[Node], sure: _Names) -> None:
        for node in nodes:
            self._node(node, sure)

    def _node(self, node: Node, sure: _Names) -> None:
        match node:
            case OutputNode():
                self._filtered(node.expression, sure)
            case AssignNode():
                self._filtered(node.expression, sure)
                self._gives(node.name, node.token.start_index)
            case IfNode() | UnlessNode():
                self._branches(node, sure)
            case CaseNode():
                self._mentions(node.expression)
                for block in node.blocks:
                    when = isinstance(block, MultiExpressionBlockNode)
                    self._block(block, sure | (_paths(node.expression) if when else _NONE))
            case ForNode():
                self._mentions(node.expression)
                self._gives(node.expression.identifier, node.token.start_index)
                self.own |= {node.expression.identifier, "forloop"}
                self._block(node.block, sure | _paths(node.expression))
                if node.default:
                    self._block(node.default, sure)

    def _block(self, block: Node, sure: _Names) -> None:
        if isinstance(block, MultiExpressionBlockNode):
            for expression in block.expression.children():
                self._mentions(expression)
                self._compares("==", block.expression.left, expression)
            block = block.block
        if isinstance(block, BlockNode):
            self.nodes(block.nodes, sure)

    def _branches(self, node: IfNode | UnlessNode, sure: _Names) -> None:
        self._mentions(node.condition)
        yes, no = _known(node.condition)
        if isinstance(node, UnlessNode):
            yes, no = no, yes
        self._block(node.consequence, sure | yes)
        for other in node.alternatives:
            assert isinstance(other, ConditionalBlockNode)
            self._mentions(other.expression)
            then, otherwise = _known(other.expression)
            self._block(other.block, sure | no | then)
            no |= otherwise
        if node.default:
            self._block(node.default, sure | no)

    def _gives(self, name: str, at: int) -> None:
        if name in ROOTS:
            message = f"`{name}` has its meaning already"
            self._fault(at, "bad-text", message, "choose another name")
        self.own.add(name)

    def _filtered(self, expression: Expression, sure: _Names) -> None:
        """Take in what is printed or kept."""
        assert isinstance(expression, FilteredExpression)
        filters = expression.filters or []
        fallback = any(each.name == "default" for each in filters)
        self._value(expression.left, sure, printed=not fallback)
        for each in filters:
            self._filter(each, sure)

    def _filter(self, each: LiquidFilter, sure: _Names) -> None:
        at = each.token.start_index
        if each.name not in FILTERS and each.name != "default":
            hint = _OTHERWISE.get(each.name) or did_you_mean(each.name, [*FILTERS, "default"])
            self._fault(at, "unknown-filter", f'there is no filter "{each.name}"', hint)
        else:
            least, most = arity(each.name)
            named = any(isinstance(arg, KeywordArgument) for arg in each.args)
            if named or not least <= len(each.args) <= most:
                takes = str(most) if least == most else f"{least} to {most}"
                values = "value" if takes == "1" else "values"
                message = f'the filter "{each.name}" takes {takes} {values} behind its colon'
                self._fault(at, "bad-text", message)
        for arg in each.args:
            self._value(arg.value, sure, printed=True)

    def _value(self, expression: Expression, sure: _Names, *, printed: bool) -> None:
        name = _name(expression)
        self._mentions(expression, bare=printed and name not in sure)

    def _mentions(self, expression: Expression, *, bare: bool = False) -> None:
        """Take in every variable of an expression."""
        at = expression.token.start_index
        if isinstance(expression, Blank | Empty):
            hint = "write {% if customer.name %}: what is unknown or empty counts as no"
            self._fault(at, "bad-text", "`blank` and `empty` are not known here", hint)
        elif isinstance(expression, RangeLiteral):
            self._fault(at, "bad-text", "a text does not count: (1..3) is not known here")
        elif isinstance(expression, Path):
            head, name = expression.head(), _name(expression)
            if name is None:
                hint = 'write the name itself: customer.name or customer["name"]'
                self._fault(at, "bad-text", "[ ] takes a name in quotes here", hint)
            elif head not in self.own:
                self.found.uses.append(Use(name=name, at=at, bare=bare))
            return
        if isinstance(expression, _Compares):
            self._compares(_SIGNS[type(expression)], expression.left, expression.right)
        for child in expression.children():
            self._mentions(child)

    def _compares(self, sign: str, left: Expression, right: Expression) -> None:
        """Take in a variable that is compared with a text in quotes."""
        if isinstance(left, StringLiteral) and sign in ("==", "!="):
            left, right = right, left
        name = _name(left)
        if name is None or not isinstance(right, StringLiteral) or name in self.own:
            return
        self.found.comparisons.append(
            Comparison(name=name, value=right.value, at=right.token.start_index, sign=sign)
        )

    def _fault(self, at: int, code: str, message: str, hint: str = "") -> None:
        self.found.faults.append(Fault(at=at, code=code, message=message, hint=hint))


_Compares = (
    ContainsExpression
    | EqExpression
    | GeExpression
    | GtExpression
    | LeExpression
    | LtExpression
    | NeExpression
)
_SIGNS: dict[type[Expression], str] = {
    ContainsExpression: "contains",
    EqExpression: "==",
    GeExpression: ">=",
    GtExpression: ">",
    LeExpression: "<=",
    LtExpression: "<",
    NeExpression: "!=",
}


def _name(expression: Expression) -> str | None:
    """Return the dotted name of a path; None for anything else."""
    if not isinstance(expression, Path):
        return None
    parts = [part for part in expression.path if isinstance(part, str)]
    return ".".join(parts) if len(parts) == len(expression.path) else None


def _paths(expression: Expression) -> _Names:
    """Return the names of the variables that an expression asks directly."""
    name = _name(expression)
    if name is not None:
        return frozenset({name})
    return frozenset().union(*(_paths(child) for child in expression.children()))


def _known(expression: Expression) -> tuple[_Names, _Names]:
    """Return the names that are known where a condition holds, and where it does not."""
    match expression:
        case BooleanExpression():
            return _known(expression.expression)
        case Path():
            return _paths(expression), _NONE
        case LogicalAndExpression():
            (yes, no), (then, otherwise) = _known(expression.left), _known(expression.right)
            return yes | then, no & otherwise
        case LogicalOrExpression():
            (yes, no), (then, otherwise) = _known(expression.left), _known(expression.right)
            return yes & then, no | otherwise
        case EqExpression() | NeExpression():
            sides = (expression.left, expression.right)
            nil = any(isinstance(side, Nil) for side in sides)
            names = _paths(expression) if nil or not all(map(_name, sides)) else _NONE
            same = isinstance(expression, EqExpression)
            return (names, _NONE) if same is not nil else (_NONE, names)
        case _:
            return _paths(expression), _NONE  # <, >, contains: false of what is unknown
