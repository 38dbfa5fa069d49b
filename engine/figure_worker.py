"""Turns a Vega-Lite specification into a file, in a process of its own: the converter holds the interpreter meanwhile.

Run by `engine.figures`: `python figure_worker.py svg|png|bundle`, the specification on standard input, the file on
standard output. It imports nothing of the engine.
"""

import sys

import vl_convert


def main(kind: str) -> bytes:
    """The bytes of the file; `bundle` is the JavaScript library by itself."""
    if kind == "bundle":
        return vl_convert.javascript_bundle().encode("utf-8")  # type: ignore[call-arg]
    spec = sys.stdin.buffer.read().decode("utf-8")
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]).encode("utf-8")
    return bytes(vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[]))


if __name__ == "__main__":
    sys.stdout.buffer.write(main(sys.argv[1]))
