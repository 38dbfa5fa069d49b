"""What one browser shows: elements by their place in the page, as Streamlit's frontend keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from . import widgets

_MAIN, _SIDEBAR = 0, 1


@dataclass
class _Shown:
    element: Element
    run: str
    fragment: str


class Screen:
    """Elements and the values of the widgets among them; fed with the server's messages in order."""

    def __init__(self) -> None:
        self._shown: dict[tuple[int, ...], _Shown] = {}
        self._kept: dict[str, Element] = {}  # large elements that the server may refer to by their hash
        self._run = ""
        self.states: dict[str, WidgetState] = {}

    # --- fed by the session --------------------------------------------------------------------------------

    def begin(self, run: str) -> None:
        """A run of the script, or of a fragment, has begun."""
        self._run = run

    def draw(self, message: ForwardMsg) -> None:
        """An element or a container was drawn."""
        place = tuple(message.metadata.delta_path)
        if message.WhichOneof("type") == "ref_hash":
            self._put(place, self._kept[message.ref_hash], "")
            return
        delta = message.delta
        kind = delta.WhichOneof("type")
        if kind == "new_element":
            if message.metadata.cacheable:
                self._kept[message.hash] = delta.new_element
            self._put(place, delta.new_element, delta.fragment_id)
        elif kind == "add_block":
            self._shown.pop(place, None)

    def end(self, fragments: list[str]) -> None:
        """The run has ended: what it did not draw again goes, as do the values of widgets that went."""
        self._shown = {
            place: shown
            for place, shown in self._shown.items()
            if shown.run == self._run or (fragments and shown.fragment not in fragments)
        }
        there = {widget.id for element in self.elements() if (widget := widgets.widget_of(element)) is not None}
        self.states = {key: state for key, state in self.states.items() if key in there}

    def hashes(self) -> list[str]:
        """What need not be sent again."""
        return list(self._kept)

    def _put(self, place: tuple[int, ...], element: Element, fragment: str) -> None:
        self._shown[place] = _Shown(element, self._run, fragment)
        widget = widgets.widget_of(element)
        if widget is None or element.WhichOneof("type") == "button":
            return
        if widget.set_value or widget.id not in self.states:
            state = widgets.drawn_state(element)
            if state is not None:
                self.states[widget.id] = state

    # --- asked by a learner --------------------------------------------------------------------------------

    def elements(self, kind: str | None = None) -> Iterator[Element]:
        """All elements, or those of one kind, in the order of the page."""
        for place in sorted(self._shown):
            element = self._shown[place].element
            if kind is None or element.WhichOneof("type") == kind:
                yield element

    def fragment_of(self, widget_id: str) -> str:
        """The fragment in which a widget stands, "" for none."""
        for shown in self._shown.values():
            widget = widgets.widget_of(shown.element)
            if widget is not None and widget.id == widget_id:
                return shown.fragment
        return ""

    def find(self, kind: str, label: str) -> Element | None:
        """The first widget of that kind with that label or key."""
        for element in self.elements(kind):
            widget = widgets.widget_of(element)
            if widget.label == label or widget.id.endswith(f"-{label}"):
                return element
        return None

    def exceptions(self) -> list[str]:
        """Exceptions that the page shows."""
        return [f"{e.exception.type}: {e.exception.message}" for e in self.elements("exception")]

    def alerts(self, form: int = Alert.ERROR) -> list[str]:
        """The text of red alerts (or of those of another form)."""
        return [e.alert.body for e in self.elements("alert") if e.alert.format == form]

    def text(self) -> str:
        """Everything that is said in markdown, captions and alerts."""
        return "\n".join(
            element.markdown.body if element.WhichOneof("type") == "markdown" else element.alert.body
            for element in self.elements()
            if element.WhichOneof("type") in ("markdown", "alert")
        )
