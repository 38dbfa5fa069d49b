"""The interactive figures of our own; each is a Python wrapper beside its JavaScript and style sheet.

Texts reach the page by `textContent` only, colours are mixed from the theme's `--st-*` variables, and a click comes
back as a trigger: it is seen by exactly one run of the script.
"""

from pages.shared.components.attention_map import attention_map
from pages.shared.components.candidate_bars import candidate_bars
from pages.shared.components.merge_steps import StepRow, merge_steps
from pages.shared.components.merge_tree import as_rows, merge_tree_view
from pages.shared.components.pipeline_map import lecture_stages, pipeline_map
from pages.shared.components.token_chips import token_chips
from pages.shared.components.token_strip import token_strip

__all__ = [
    "StepRow",
    "as_rows",
    "attention_map",
    "candidate_bars",
    "lecture_stages",
    "merge_steps",
    "merge_tree_view",
    "pipeline_map",
    "token_chips",
    "token_strip",
]
