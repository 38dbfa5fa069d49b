"""What a browser sends for each kind of widget: its value as drawn, and another value that a learner may choose."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from streamlit.proto.Button_pb2 import Button
from streamlit.proto.ButtonGroup_pb2 import ButtonGroup
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState

MOVABLE = ("slider", "button_group", "selectbox", "radio", "checkbox", "number_input", "multiselect")
VALUED = (*MOVABLE, "text_input", "text_area")


def widget_of(element: Element) -> Any:
    """The widget in an element, None for what takes no value."""
    kind = element.WhichOneof("type")
    return getattr(element, kind) if kind in (*VALUED, "button") else None


def drawn_state(element: Element) -> WidgetState | None:
    """The value with which the server draws a widget; None for a button and for what has no value yet."""
    kind, widget = element.WhichOneof("type"), widget_of(element)
    if widget is None or kind == "button":
        return None
    state = WidgetState(id=widget.id)
    given = widget.set_value
    if kind == "slider":
        if widget.type == Slider.SELECT_SLIDER:
            texts = widget.raw_value if given else [widget.options[int(place)] for place in widget.default]
            state.string_array_value.data.extend(texts)
        else:
            state.double_array_value.data.extend(widget.value if given else widget.default)
    elif kind == "button_group":
        state.string_array_value.data.extend(
            widget.raw_values if given else [_option(widget.options[place]) for place in widget.default]
        )
    elif kind == "multiselect":
        state.string_array_value.data.extend(
            widget.raw_values if given else [widget.options[place] for place in widget.default]
        )
    elif kind in ("selectbox", "radio"):
        if not given and not widget.HasField("default"):
            return None
        state.string_value = widget.raw_value if given else widget.options[widget.default]
    elif kind == "checkbox":
        state.bool_value = widget.value if given else widget.default
    elif kind == "number_input":
        if not given and not widget.HasField("default"):
            return None
        state.double_value = widget.value if given else widget.default
    else:
        state.string_value = widget.value if given else widget.default
    return state


def moved_state(element: Element, chance: random.Random, now: WidgetState | None = None) -> WidgetState | None:
    """Another value that the widget allows, None where there is none."""
    kind, widget = element.WhichOneof("type"), widget_of(element)
    now = now or drawn_state(element)
    state = WidgetState(id=widget.id)
    if kind == "slider" and widget.type == Slider.SELECT_SLIDER:
        chosen = _others(widget.options, now.string_array_value.data if now else (), chance, len(widget.default))
        state.string_array_value.data.extend(sorted(chosen, key=list(widget.options).index))
        return state if chosen else None
    if kind == "slider":
        places = round((widget.max - widget.min) / widget.step) if widget.step else 0
        if places < 1 or widget.data_type not in (Slider.INT, Slider.FLOAT):
            return None
        values = sorted(widget.min + widget.step * chance.randint(0, places) for _ in widget.default)
        state.double_array_value.data.extend(values)
        return state
    if kind == "button_group":
        if widget.click_mode != ButtonGroup.SINGLE_SELECT:
            return None
        options = [_option(option) for option in widget.options]
        chosen = _others(options, now.string_array_value.data if now else (), chance, 1)
        state.string_array_value.data.extend(chosen)
        return state if chosen else None
    if kind in ("selectbox", "radio"):
        chosen = _others(widget.options, [now.string_value] if now else (), chance, 1)
        if not chosen:
            return None
        state.string_value = chosen[0]
        return state
    if kind == "multiselect":
        if not widget.options:
            return None
        state.string_array_value.data.append(chance.choice(list(widget.options)))
        return state
    if kind == "checkbox":
        state.bool_value = not (now.bool_value if now else widget.default)
        return state
    if kind == "number_input":
        step = widget.step or 1.0
        value = (now.double_value if now else widget.default) + chance.choice((-step, step))
        if (widget.has_min and value < widget.min) or (widget.has_max and value > widget.max):
            return None
        state.double_value = value
        return state
    return None


def pressed(button: Button) -> WidgetState:
    """What a browser sends for a button that was pressed."""
    return WidgetState(id=button.id, trigger_value=True)


def _option(option: ButtonGroup.Option) -> str:
    return f"{option.content_icon} {option.content}".strip() if option.content_icon else option.content


def _others(options: Sequence[str], now: Sequence[str], chance: random.Random, n: int) -> list[str]:
    left = [option for option in options if option not in now]
    return chance.sample(left, min(max(n, 1), len(left)))
