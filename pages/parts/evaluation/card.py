def show() -> None:
    """Later."""
