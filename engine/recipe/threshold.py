"""How a threshold is chosen, as it is typed: youden, sensitivity=0.95, cost=10@0.02, or a probability."""


def rule(text: str) -> tuple[str, float]:
    """The rule's name (youden, sensitivity, specificity, cost, fixed; else unknown) and its number, from 0 to 1 but for
    a cost.
    """
    kind, _, number = text.strip().replace(">=", "=").partition("=")
    if kind.strip() == "cost":
        number, at, where = number.partition("@")
        if at and not share(where):
            return "unknown", 0.0
    if kind == "youden" and not number:
        return kind, 0.0
    try:
        value = float(number or kind)
    except ValueError:
        return "unknown", 0.0
    return (kind.strip() if number else "fixed"), value


def share(text: str) -> float | None:
    """The share that is typed, above 0 and below 1; None for another text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1 else None
