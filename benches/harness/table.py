"""Tables for people, in Markdown so that they can be kept."""


def show(title: str, head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    print(f"\n### {title}\n")
    for line in [head, ["-" * width for width in widths], *rows]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")


def target(value: float, bound: float, at_least: bool, form: str = "{:.2f}") -> str:
    """The value, and whether it is where it should be."""
    met = value >= bound if at_least else value <= bound
    sign = ">=" if at_least else "<="
    return f"{form.format(value)} ({'ok' if met else 'MISSED'}, {sign} {form.format(bound)})"
